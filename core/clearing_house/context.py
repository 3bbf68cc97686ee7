"""What the functions of one clearing house share."""

from dataclasses import dataclass, field

from core.clock import Clock
from core.endpoint.endpoint import Endpoint
from core.endpoint.partners import Partners
from core.model.parties import Party, PartyRole
from core.store.engine import Store
from core.tasks import Tasks


@dataclass(frozen=True)
class Within:
    """Seconds that a request may take with us, so that its sender still hears of it: five, or thirty [J]."""

    identification: float = 4.5
    request: float = 25.0


@dataclass
class Context:
    """One clearing house: who it is, where it keeps things; `endpoint` is set once it stands.

    clock: of settlement. wire_clock: of the wire, by which agreements hold, and presence, queues and logs are timed.
    secret: keys the hashes under which credentials stand in the route table.
    """

    role: PartyRole
    store: Store
    clock: Clock
    wire_clock: Clock
    secret: bytes
    base_url: str
    within: Within = field(default_factory=Within)
    tasks: Tasks = field(default_factory=Tasks)
    endpoint: Endpoint = field(init=False)

    @property
    def party(self) -> Party:
        """Who we are."""
        return self.role.party

    @property
    def partners(self) -> Partners:
        """The platforms that are connected with us."""
        return self.endpoint.partners
