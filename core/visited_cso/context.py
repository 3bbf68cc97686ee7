"""What the use cases of one visited-CSO share."""

from dataclasses import dataclass, field

from core.clock import Clock
from core.endpoint.calls import Calls
from core.endpoint.endpoint import Endpoint
from core.endpoint.outbox import Outbox
from core.endpoint.partner import Partner
from core.endpoint.partners import Partners
from core.endpoint.ports import Reader, Writer
from core.model.parties import Party, PlatformRole
from core.store.engine import Store
from core.tasks import Tasks
from core.visited_cso.equipment import Equipment


@dataclass
class Context:
    """One visited-CSO: who it is, where it keeps things, what it drives; `endpoint` is set once it stands."""

    party: Party
    name: str
    store: Store
    clock: Clock
    reader: Reader
    writer: Writer
    equipment: Equipment
    tasks: Tasks = field(default_factory=Tasks)
    endpoint: Endpoint = field(init=False)

    @property
    def partners(self) -> Partners:
        """Who we exchange with."""
        return self.endpoint.partners

    @property
    def calls(self) -> Calls:
        """What we can ask of them."""
        return self.endpoint.calls

    @property
    def outbox(self) -> Outbox:
        """What they must have."""
        return self.endpoint.outbox

    def home_csps(self) -> tuple[Partner, ...]:
        """The connected partners that may see our sites."""
        return self.partners.connected(PlatformRole.HOME_CSP)
