"""What happened between the log and the chain. All of it belongs to the venue's tenant."""

from typing import Any

from backend.kernel.events import Event

Payload = dict[str, Any]


class EventKeyAnnounced(Event, frozen=True, kw_only=True):
    """A process will sign events with this key from ``first_position`` on."""

    type = "event_key.announced"

    key_id: str
    public_key: str
    process: str
    first_position: int


class EventKeyRetired(Event, frozen=True, kw_only=True):
    """The key signed nothing after ``last_position`` and vouches for no later entry."""

    type = "event_key.retired"

    key_id: str
    last_position: int


class LogKeyAnnounced(Event, frozen=True, kw_only=True):
    """The log's checkpoints carry a signature by this key from about ``first_size`` on.

    ``vkey`` is the verifier key as a policy lists it (C2SP signed-note).
    """

    type = "log_key.announced"

    vkey: str
    first_size: int


class LogKeyRetired(Event, frozen=True, kw_only=True):
    """Checkpoints larger than about ``last_size`` carry no signature by this key any more."""

    type = "log_key.retired"

    vkey: str
    last_size: int


class RegistryAdopted(Event, frozen=True, kw_only=True):
    """The log is anchored in this contract from now on: a chain is chosen by an explicit act."""

    type = "registry.adopted"

    chain_id: int
    registry: str
    settlement: str
    origin: str
    block_number: int
    block_hash: str


class RegistryReplaced(Event, frozen=True, kw_only=True):
    """The log is anchored in another contract from now on; what the old one holds stays true.

    ``size`` and ``root`` are the new registry's head (0 and "" where it is empty),
    ``covered_size`` the largest size that any earlier registry holds finally. ``block_number``
    and ``block_hash`` are the block of the new chain at which this was seen.
    """

    type = "registry.replaced"

    old_chain_id: int
    old_registry: str
    old_final_size: int
    chain_id: int
    registry: str
    settlement: str
    origin: str
    block_number: int
    block_hash: str
    size: int
    root: str
    covered_size: int
    reason: str


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
    """The registry's own log for this size stands in a block of the canonical chain.

    ``effective_gas_price`` is what was paid, in wei per gas; None in events of version 1.
    """

    type = "anchor.included"
    schema_version = 2

    size: int
    transaction_hash: str
    block_number: int
    block_hash: str
    gas_used: int
    effective_gas_price: str | None


class AnchorReorged(Event, frozen=True, kw_only=True):
    """The block that held the anchor left the chain; the same transaction is sent again."""

    type = "anchor.reorged"

    size: int
    block_number: int
    block_hash: str


class AnchorFailed(Event, frozen=True, kw_only=True):
    """The transaction can never take effect: its nonce was spent otherwise. A new one follows.

    ``gas_used`` and ``effective_gas_price`` (wei) are of a transaction of ours that was mined
    and refused by the registry; None where the nonce was spent by something else.
    """

    type = "anchor.failed"
    schema_version = 2

    size: int
    nonce: int
    reason: str
    gas_used: int | None
    effective_gas_price: str | None


class AnchorDeferred(Event, frozen=True, kw_only=True):
    """The next transaction would cost more than allowed: it waits. Amounts are in wei.

    ``reason`` is ``fee-cap`` or ``daily-budget``; ``fee_per_gas`` is the least that would be
    offered, ``worst_case`` the most it could cost, ``spent`` the last 24 hours' fees.
    """

    type = "anchor.deferred"

    size: int
    reason: str
    fee_per_gas: str
    fee_per_gas_limit: str
    worst_case: str
    spent: str
    daily_budget: str | None


class AnchorLagging(Event, frozen=True, kw_only=True):
    """The oldest event without a final anchor has waited longer than the limit (in seconds)."""

    type = "anchor.lagging"

    final_size: int
    waiting_seconds: int
    limit_seconds: int


class AnchorCaughtUp(Event, frozen=True, kw_only=True):
    """No event waits longer than the limit any more."""

    type = "anchor.caught_up"

    final_size: int


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


class IndexCommitted(Event, frozen=True, kw_only=True):
    """The root of the index of streams over the first ``size`` entries of the log.

    ``algorithm`` names the index's construction (anchoring/stream_index.py), ``root`` is 64 hex
    digits, ``streams`` counts the streams that have an entry among those ``size``.
    """

    type = "index.committed"

    algorithm: str
    root: str
    size: int
    streams: int


class AuditFound(Event, frozen=True, kw_only=True):
    """The watchdog found something wrong; it stands until ``audit.cleared`` names its check."""

    type = "audit.found"

    check: str
    where: str
    message: str


class AuditCleared(Event, frozen=True, kw_only=True):
    """What the watchdog had found is in order again."""

    type = "audit.cleared"

    check: str


def _included_v2(payload: Payload) -> Payload:
    return {**payload, "effective_gas_price": None}


def _failed_v2(payload: Payload) -> Payload:
    return {**payload, "gas_used": None, "effective_gas_price": None}


UPCASTERS = (
    (AnchorIncluded.type, 1, _included_v2),
    (AnchorFailed.type, 1, _failed_v2),
)
"""(type, version, pure function to the next version), see ``EventRegistry.upcast``."""

EVENTS = (
    EventKeyAnnounced,
    EventKeyRetired,
    LogKeyAnnounced,
    LogKeyRetired,
    RegistryAdopted,
    RegistryReplaced,
    AnchorRequested,
    AnchorSubmitted,
    AnchorReplaced,
    AnchorIncluded,
    AnchorReorged,
    AnchorFailed,
    AnchorFinalised,
    AnchorDeferred,
    AnchorLagging,
    AnchorCaughtUp,
    IndexCommitted,
    AuditFound,
    AuditCleared,
)
