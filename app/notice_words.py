"""Notices of maintenance and outages in the driver's words (UC5-1)."""

from datetime import datetime, tzinfo

from app.text import Text
from app.widgets.cells import shown
from app.widgets.remarks import Remark
from core.driver_messages.notices import NoticeView
from core.model.notices import NoticeKind

_WORD = {
    NoticeKind.PLANNED_MAINTENANCE: "maintenance",
    NoticeKind.UNPLANNED_OUTAGE: "outage",
    NoticeKind.RESTRICTION: "restriction",
}


def notice_remark(notice: NoticeView, zone: tzinfo, text: Text, where: str = "") -> Remark:
    """What the operator announces and until when, and what it says itself. where: which charging points of the site."""
    shape = "✕" if notice.in_force and notice.kind is NoticeKind.UNPLANNED_OUTAGE else "△"
    return Remark(shape, _sentence(notice, zone, text, where), "bold $warning", _own_words(notice, text))


def _sentence(notice: NoticeView, zone: tzinfo, text: Text, where: str) -> str:
    what = text.say(f"notice.{_WORD.get(notice.kind, 'restriction')}")
    if where:
        what = f"{what} ({where})"
    begin = None if notice.in_force else _moment(notice.begin, zone, text)
    end = None if notice.expected_end is None else _moment(notice.expected_end, zone, text)
    if begin and end:
        return text.say("notice.from_to", what=what, start=begin, end=end)
    if begin:
        return text.say("notice.from", what=what, start=begin)
    if end:
        return text.say("notice.until", what=what, end=end)
    return text.say("notice.open_end", what=what)


def _own_words(notice: NoticeView, text: Text) -> str:
    """The operator's text in the driver's language, else in English, else in any."""
    said = notice.texts.get(text.language) or notice.texts.get("en") or next(iter(notice.texts.values()), "")
    return shown(said)


def _moment(moment: datetime, zone: tzinfo, text: Text) -> str:
    return f"{text.date(moment, zone)} {text.time(moment, zone)}"
