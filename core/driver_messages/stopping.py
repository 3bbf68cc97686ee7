"""What a front end says to stop (UC3-4)."""

from core.driver_messages import Message
from core.model.session import StopScope


class StopRequest(Message):
    """Stop. scope: the whole session, or the energy transfer alone where the operator can."""

    scope: StopScope = StopScope.SERVICE_SESSION
