"""Events of settlement: the venue's process per trade, and each party's own instruction.

Token amounts are decimal strings of smallest units (they exceed 2^53), hashes and signatures
lower-case 0x hex. SF1, SF2, SF3 are the finality moments of settlement law: entry into the
system, irrevocability, finality of the transfer.
"""

from datetime import date, datetime

import msgspec

from backend.kernel.events import Event
from backend.kernel.money import Money, Price, Quantity


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """Everything of the EIP-712 ``Trade`` and its domain."""

    chain_id: int
    contract: str
    number: int
    seller: str
    buyer: str
    asset: str
    cash: str
    asset_amount: str
    cash_amount: str
    min_asset_amount: str
    valid_from: int
    deadline: int


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """One party of a trade and where its instruction lives."""

    tenant_id: str
    participant_id: str
    account_id: str
    order_id: str
    instruction_id: str


class Deal(msgspec.Struct, frozen=True, kw_only=True):
    """The economic trade that is settled."""

    trade_id: str
    security_id: str
    quantity: Quantity
    price: Price
    amount: Money
    trade_date: date
    settlement_date: date


class TokenName(msgspec.Struct, frozen=True, kw_only=True):
    """How a token is shown beside its address."""

    symbol: str
    decimals: int


# ------------------------------------------------------------- settlement-<trade_id>, venue


class SettlementInstructed(Event, frozen=True, kw_only=True):
    """The trade entered settlement (SF1): its terms are fixed and can be signed."""

    type = "settlement.instructed"
    deal: Deal
    terms: Terms
    digest: str
    seller: Side
    buyer: Side
    entered_at: datetime


class SettlementRefused(Event, frozen=True, kw_only=True):
    """The trade cannot even be instructed: a wallet or token is missing, or an amount inexact."""

    type = "settlement.refused"
    deal: Deal
    seller: Side
    buyer: Side
    cause: str
    detail: str
    refused_at: datetime


class SideSigned(Event, frozen=True, kw_only=True):
    """One party's consent reached the venue, verified."""

    type = "settlement.side_signed"
    trade_id: str
    direction: str
    signer: str
    signature: str


class SignaturesCompleted(Event, frozen=True, kw_only=True):
    """Both parties consent (SF2): from here only both together could have cancelled."""

    type = "settlement.signatures_completed"
    trade_id: str
    matched_at: datetime


class SettlementPending(Event, frozen=True, kw_only=True):
    """It cannot settle now, for these reasons (names of ``check`` bits); tried again later."""

    type = "settlement.pending"
    trade_id: str
    reasons: tuple[str, ...]


class SettlementSubmitted(Event, frozen=True, kw_only=True):
    """A transaction was signed; this event is durable before the chain sees a byte of it.

    ``searched_from`` is the first block in which the trade's log can appear.
    """

    type = "settlement.submitted"
    trade_id: str
    sender: str
    nonce: int
    transaction_hash: str
    raw_transaction: str
    gas_limit: int
    max_fee_per_gas: str
    max_priority_fee_per_gas: str
    searched_from: int
    submitted_at: datetime


class TransactionReplaced(Event, frozen=True, kw_only=True):
    """The same call with the same nonce and higher fees: a further hash of one submission.

    Also after the end (failed, or settled by a party itself), until the nonce is spent.
    """

    type = "settlement.transaction_replaced"
    trade_id: str
    nonce: int
    transaction_hash: str
    raw_transaction: str
    gas_limit: int
    max_fee_per_gas: str
    max_priority_fee_per_gas: str
    replaced_at: datetime


class TransactionDead(Event, frozen=True, kw_only=True):
    """The submission cannot settle the trade: its nonce is finally spent, by a revert or else."""

    type = "settlement.transaction_dead"
    trade_id: str
    nonce: int
    cause: str
    transaction_hash: str | None
    block_number: int | None


class SettlementIncluded(Event, frozen=True, kw_only=True):
    """Our ``Settled`` log and both transfers stand in a canonical block; not final yet."""

    type = "settlement.included"
    trade_id: str
    transaction_hash: str
    block_number: int
    block_hash: str
    block_time: int
    log_index: int
    gas_used: int


class SettlementSafe(Event, frozen=True, kw_only=True):
    """The block is at or below the chain's ``safe`` tag."""

    type = "settlement.safe"
    trade_id: str
    block_number: int
    block_hash: str


class SettlementReorged(Event, frozen=True, kw_only=True):
    """The block left the canonical chain before it was final; the same trade is sent again."""

    type = "settlement.reorged"
    trade_id: str
    block_number: int
    block_hash: str


class SettlementFinalised(Event, frozen=True, kw_only=True):
    """The block is final (SF3). ``final_at`` is business time, ``block_time`` Unix seconds."""

    type = "settlement.finalised"
    trade_id: str
    transaction_hash: str
    block_number: int
    block_hash: str
    block_time: int
    final_at: datetime


class SettlementFailed(Event, frozen=True, kw_only=True):
    """It did not and can never settle. ``reasons`` as in ``check``; ``cause`` says which rule."""

    type = "settlement.failed"
    trade_id: str
    cause: str
    reasons: tuple[str, ...]
    detail: str
    failed_at: datetime


# ------------------------------------------------------- instruction-<id>, each party's tenant


class InstructionReceived(Event, frozen=True, kw_only=True):
    """The party's half of the trade, ``sese.023``; ``direction`` DELI or RECE, against payment."""

    type = "instruction.received"
    instruction_id: str
    direction: str
    participant_id: str
    account_id: str
    order_id: str
    deal: Deal
    terms: Terms
    digest: str
    asset_token: TokenName
    cash_token: TokenName
    received_at: datetime


class InstructionSigned(Event, frozen=True, kw_only=True):
    """The party's wallet consented to the trade."""

    type = "instruction.signed"
    instruction_id: str
    trade_id: str
    direction: str
    signer: str
    signature: str
    signed_at: datetime


class InstructionAdvised(Event, frozen=True, kw_only=True):
    """Status advice, ``sese.024``: where the trade stands, with the reason from this side."""

    type = "instruction.advised"
    instruction_id: str
    status: str
    reason: str | None
    narrative: str
    settlement_state: str
    transaction_hash: str | None


class InstructionSettled(Event, frozen=True, kw_only=True):
    """Confirmation, ``sese.025``: final. Carries all that the books need."""

    type = "instruction.settled"
    instruction_id: str
    direction: str
    participant_id: str
    account_id: str
    order_id: str
    deal: Deal
    chain_id: int
    transaction_hash: str
    block_number: int
    block_hash: str
    settled_at: datetime


class InstructionFailed(Event, frozen=True, kw_only=True):
    """The trade can never settle: what was reserved for it is free again."""

    type = "instruction.failed"
    instruction_id: str
    direction: str
    participant_id: str
    account_id: str
    order_id: str
    deal: Deal
    cause: str
    reason: str
    detail: str
    failed_at: datetime


EVENTS: tuple[type[Event], ...] = (
    SettlementInstructed,
    SettlementRefused,
    SideSigned,
    SignaturesCompleted,
    SettlementPending,
    SettlementSubmitted,
    TransactionReplaced,
    TransactionDead,
    SettlementIncluded,
    SettlementSafe,
    SettlementReorged,
    SettlementFinalised,
    SettlementFailed,
    InstructionReceived,
    InstructionSigned,
    InstructionAdvised,
    InstructionSettled,
    InstructionFailed,
)
