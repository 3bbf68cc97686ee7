"""What a stop is to end (UC3-4): nothing after all, the energy transfer alone where the operator can, or all."""

from app.screens.question import Answer, AnswerDialog
from app.session_words import is_paused
from app.text import Text
from core.driver_messages import SessionView
from core.model.session import SessionState, StopScope


def stop_question(view: SessionView, so_far: str, text: Text) -> AnswerDialog[StopScope | None]:
    """The dialogue; None is to go on. An operator who can stop the whole session only is said to be so."""
    say = text.say
    answers: list[Answer[StopScope | None]] = [
        Answer("no", say("charge.stop_no"), None),
        Answer("yes", say("charge.stop_yes"), StopScope.SERVICE_SESSION),
    ]
    remark = ""
    if view.state is SessionState.ACTIVE and not is_paused(view):
        if view.can_pause:
            answers.append(Answer("energy", say("charge.stop_energy_only"), StopScope.ENERGY_TRANSFER))
        remark = say("charge.stop_choice" if view.can_pause else "charge.stop_whole_only")
    return AnswerDialog(say("stop.ask"), f"{so_far} {remark}".strip(), answers)
