"""The extension module `energytransfers` (UC3-4): what a stop of the energy transfer needs beside the stop command.

Partners that agreed to the service put `stop_scope` into STOP_SESSION and find here how energy flows again. OCPI knows
a stop of the whole session only, so a partner without the agreement is never sent either.
"""

from typing import Protocol

from core.endpoint.calls import Calls
from core.endpoint.exchange import Answer, Request, Route
from core.endpoint.extension import Extension, module_id
from core.endpoint.partner import Partner
from core.model.services import Service

MODULE = module_id("energytransfers")
_STATION_WITHIN_SECONDS = 35.0


class TransferReceiver(Protocol):
    """Takes stops of the energy transfer back (visited-CSO)."""

    async def resume_transfer(self, partner: Partner, session_id: str) -> None:
        """Let energy flow again; where it was not stopped nothing changes. Raises NotFound, Refused."""
        ...


def stopping(receiver: TransferReceiver) -> Extension:
    """The visited-CSO's side."""

    async def resume(request: Request) -> Answer:
        await receiver.resume_transfer(request.partner, request.path["session_id"])
        return Answer()

    return Extension(Service.STOP_SCOPE, (Route(MODULE, "RECEIVER", "POST", "/{session_id}/resume", resume),))


async def resume_transfer(calls: Calls, partner: Partner, visited_session_id: str) -> None:
    """Ask a visited-CSO to let energy flow again; answered when the station has. Raises as `Calls.extension`."""
    await calls.extension(
        partner,
        Service.STOP_SCOPE,
        "POST",
        MODULE,
        "RECEIVER",
        visited_session_id,
        "resume",
        timeout=_STATION_WITHIN_SECONDS,
    )
