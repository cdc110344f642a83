"""Announcing event keys: a process's key is in the log before anything else it signs."""

from anchoring.signing import Ed25519Signer
from backend.audit.events import EventKeyAnnounced
from backend.eventstore.aggregate import Aggregate
from backend.eventstore.scope import Scope
from backend.eventstore.store import Caller, EventStore, retrying
from backend.identity.ids import VENUE_TENANT
from backend.kernel.errors import InvariantBroken
from backend.kernel.events import Event


def evolve(state: frozenset[str] | None, event: Event) -> frozenset[str]:
    """The ids of all announced keys."""
    if not isinstance(event, EventKeyAnnounced):
        raise InvariantBroken("An event of no known kind stands in the key ring.")
    return (state or frozenset()) | {event.key_id}


KEYRING = Aggregate("keyring", evolve)
LOG = "log"


def announce_key(store: EventStore, signer: Ed25519Signer, process: str) -> bool:
    """Record the key unless it is known; returns whether it was new."""

    def once() -> bool:
        with store.transaction(Scope.venue(), Caller(f"process:{process}")) as uow:
            loaded = uow.load(KEYRING, LOG, tenant_id=VENUE_TENANT)
            if loaded.state is not None and signer.key_id in loaded.state:
                return False
            row = uow.connection.execute("SELECT max(size) AS size FROM log_head").fetchone()
            event = EventKeyAnnounced(
                key_id=signer.key_id,
                public_key=signer.public_key.hex(),
                process=process,
                first_position=int((row["size"] if row else None) or 0),
            )
            uow.append(loaded, [event])
            return True

    return retrying(once, attempts=10)
