"""What the use cases of one home-CSP share."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from core.clock import Clock
from core.endpoint.calls import Calls
from core.endpoint.endpoint import Endpoint
from core.endpoint.lock_out import LockOut
from core.endpoint.outbox import Outbox
from core.endpoint.partner import Partner
from core.endpoint.partners import Partners
from core.endpoint.ports import Reader, Writer
from core.model.parties import Party, PlatformRole
from core.model.price_list import PriceList
from core.store.engine import Store
from core.tasks import Tasks


@dataclass
class Context:
    """One home-CSP: who it is, where it keeps things, what it charges; `endpoint` is set once it stands.

    unknown_contracts: PINs that were tried for contracts which do not exist, locked like those of real ones.
    """

    party: Party
    name: str
    store: Store
    clock: Clock
    reader: Reader
    writer: Writer
    price_lists: Mapping[str, PriceList]
    tasks: Tasks = field(default_factory=Tasks)
    unknown_contracts: LockOut = field(default_factory=LockOut)
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

    def visited_csos(self) -> tuple[Partner, ...]:
        """The connected partners at whose stations our drivers can charge."""
        return self.partners.connected(PlatformRole.VISITED_CSO)

    def price_list(self, currency: str) -> PriceList:
        """Our fees in a currency; where we have none, the operator's price is passed through as it is."""
        return self.price_lists.get(currency) or PriceList(id=f"pass-through-{currency}", currency=currency)
