"""What is to be done once a change is durable, said in the transaction that makes it."""

from collections.abc import Callable

from sqlalchemy import Connection

_CALLS = "once_durable"

Call = Callable[[], None]


def once_durable(connection: Connection, call: Call) -> None:
    """Have this called in the writer's thread when what the connection writes can be read by others.

    To be called inside `Store.write`; what is given more than once is called once. Where only a neighbour in the same
    commit was kept, it is called all the same: it is a reason to look, not a proof. It must be quick and never raise.
    """
    connection.info.setdefault(_CALLS, set()).add(call)


def calls_when_durable(connection: Connection) -> frozenset[Call]:
    """What was given on this connection since this was last asked."""
    return frozenset(connection.info.pop(_CALLS, ()))
