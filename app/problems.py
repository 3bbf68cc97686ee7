"""What went wrong, in the driver's language where there is a sentence for its code, else as it was told."""

from app.text import Text, messages
from core.errors import EvroamError


def problem_words(text: Text, code: str, message: str, next_step: str) -> tuple[str, str]:
    """The sentence and the next step for an error's code, as plain words that are still to be escaped."""
    known = messages(text.language)
    why, what = f"problem.{code}.why", f"problem.{code}.next"
    return (text.say(why) if why in known else message, text.say(what) if what in known else next_step)


def error_words(text: Text, error: EvroamError) -> tuple[str, str]:
    """The same for an error that was raised."""
    return problem_words(text, error.code, error.message, error.next_step)
