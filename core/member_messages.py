"""Bodies of the admin API of a member of a clearing house: statements of its batches, disputes about their lines."""

from core.admin_messages import AdminMessage
from core.model.clearing.statement import Statement
from core.model.clearing.verdicts import Dispute


class StatementList(AdminMessage):
    """The statements of all batches of which we are a side, newest first, without their lines."""

    statements: tuple[Statement, ...]


class DisputedLine(AdminMessage):
    """An SDR of a statement, such as `DE*ABC/id`, and what both sides have said of it."""

    sdr: str
    dispute: Dispute


class StatementView(AdminMessage):
    """A statement with its lines, and the disputes about what stands in it or is held back from it."""

    statement: Statement
    disputes: tuple[DisputedLine, ...]
