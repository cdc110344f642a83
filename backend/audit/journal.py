"""The anchoring stream: which registry the log is anchored in, and how far it came."""

from collections.abc import Callable

from backend.audit import domain
from backend.audit.anchor_reads import log_size
from backend.audit.chain import NodeAnchorChain
from backend.audit.domain import Anchoring
from backend.audit.events import RegistryAdopted
from backend.eventstore.aggregate import Aggregate
from backend.eventstore.lease import Lease
from backend.eventstore.scope import Scope
from backend.eventstore.store import Caller, EventStore, retrying
from backend.identity.ids import VENUE_TENANT
from backend.kernel.events import Event

ANCHORING = Aggregate("anchoring", domain.evolve)
LOG = "log"
CALLER = Caller("process:anchorer")

Decision = Callable[[Anchoring | None], list[Event]]


class Journal:
    """What the anchorer knows and says, under its lease where it has one."""

    def __init__(self, store: EventStore, lease: Lease | None = None) -> None:
        self.store = store
        self._lease = lease

    def state(self) -> Anchoring | None:
        """How the log is anchored now; None before a registry was adopted."""
        return read_state(self.store)

    def append(self, decide: Decision) -> int:
        """Decide and record in one venue transaction; returns how many events that were.

        Raises LeaseLost when another anchorer leads: the step is rolled back.
        """
        with self.store.transaction(Scope.venue(), CALLER) as uow:
            if self._lease is not None:
                self._lease.hold(uow.connection)
            loaded = uow.load(ANCHORING, LOG, tenant_id=VENUE_TENANT)
            return len(uow.append(loaded, decide(loaded.state)))


def read_state(store: EventStore) -> Anchoring | None:
    """How the log is anchored now; None before a registry was adopted."""
    with store.transaction(Scope.venue(), CALLER) as uow:
        return uow.load(ANCHORING, LOG, tenant_id=VENUE_TENANT).state


def adopt(store: EventStore, event: RegistryAdopted) -> None:
    """Choose the registry the log is anchored in. Raises Conflict for a second one."""

    def once() -> None:
        with store.transaction(Scope.venue(), CALLER) as uow:
            loaded = uow.load(ANCHORING, LOG, tenant_id=VENUE_TENANT)
            uow.append(loaded, domain.adopt(loaded.state, event))

    retrying(once)


def check_chain(store: EventStore, chain: NodeAnchorChain) -> None:
    """Raise ChainRewound, ChainMismatch or NodeUnavailable unless the chain holds our anchors."""
    state = read_state(store)
    if state is not None:
        head = chain.head()
        domain.check_head(state, head.size, head.root.hex())


def request_anchor(store: EventStore, caller: Caller) -> int:
    """Ask for the present size to be anchored exactly; returns that size."""

    def once() -> int:
        with store.transaction(Scope.venue(), caller) as uow:
            size = log_size(uow.connection)
            loaded = uow.load(ANCHORING, LOG, tenant_id=VENUE_TENANT)
            uow.append(loaded, domain.request(loaded.state, size))
            return size

    return retrying(once)
