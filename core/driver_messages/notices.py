"""Notices of maintenance and outages, as a driver reads them (UC5-1)."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from core.model.notices import NoticeCause, NoticeKind


class NoticeView(BaseModel):
    """An announcement of the operator. evse_uids: which equipment of the site, all where empty. texts: by language."""

    model_config = ConfigDict(frozen=True)

    id: str
    kind: NoticeKind
    cause: NoticeCause
    evse_uids: tuple[str, ...] = ()
    begin: datetime
    expected_end: datetime | None = None
    in_force: bool
    texts: dict[str, str] = {}
