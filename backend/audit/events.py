"""What happened between the log and the chain. All of it belongs to the venue's tenant."""

from backend.kernel.events import Event


class EventKeyAnnounced(Event, frozen=True, kw_only=True):
    """A process will sign events with this key from ``first_position`` on."""

    type = "event_key.announced"

    key_id: str
    public_key: str
    process: str
    first_position: int


class RegistryAdopted(Event, frozen=True, kw_only=True):
    """The log is anchored in this contract from now on: a chain is chosen by an explicit act."""

    type = "registry.adopted"

    chain_id: int
    registry: str
    settlement: str
    origin: str
    block_number: int
    block_hash: str


class AnchorRequested(Event, frozen=True, kw_only=True):
    """Someone asked for the exact present size to be anchored."""

    type = "anchor.requested"

    size: int


class AnchorSubmitted(Event, frozen=True, kw_only=True):
    """The signed transaction, recorded before any node has seen it."""

    type = "anchor.submitted"

    size: int
    root: str
    previous_size: int
    proof_hashes: int
    sender: str
    nonce: int
    transaction_hash: str
    raw_transaction: str
    max_fee_per_gas: str
    max_priority_fee_per_gas: str


class AnchorReplaced(Event, frozen=True, kw_only=True):
    """The same call at the same nonce with higher fees: the first one stayed out too long."""

    type = "anchor.replaced"

    size: int
    transaction_hash: str
    raw_transaction: str
    max_fee_per_gas: str
    max_priority_fee_per_gas: str


class AnchorIncluded(Event, frozen=True, kw_only=True):
    """The registry's own log for this size stands in a block of the canonical chain."""

    type = "anchor.included"

    size: int
    transaction_hash: str
    block_number: int
    block_hash: str
    gas_used: int


class AnchorReorged(Event, frozen=True, kw_only=True):
    """The block that held the anchor left the chain; the same transaction is sent again."""

    type = "anchor.reorged"

    size: int
    block_number: int
    block_hash: str


class AnchorFailed(Event, frozen=True, kw_only=True):
    """The transaction can never take effect: its nonce was spent otherwise. A new one follows."""

    type = "anchor.failed"

    size: int
    nonce: int
    reason: str


class AnchorFinalised(Event, frozen=True, kw_only=True):
    """The anchor's block is final; the offline evidence was built from ``evidence_block``."""

    type = "anchor.finalised"

    size: int
    root: str
    block_number: int
    block_hash: str
    evidence_block: int
    evidence_block_hash: str
    evidence_sha256: str


EVENTS = (
    EventKeyAnnounced,
    RegistryAdopted,
    AnchorRequested,
    AnchorSubmitted,
    AnchorReplaced,
    AnchorIncluded,
    AnchorReorged,
    AnchorFailed,
    AnchorFinalised,
)
