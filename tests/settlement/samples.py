"""One trade's values, for tests of the pure parts."""

from datetime import UTC, date, datetime

from backend.kernel.money import Money, Price, Quantity
from backend.settlement.domain.terms import to_terms
from backend.settlement.events import (
    Deal,
    SettlementFailed,
    SettlementFinalised,
    SettlementIncluded,
    SettlementInstructed,
    SettlementPending,
    SettlementReorged,
    SettlementSafe,
    SettlementSubmitted,
    Side,
    SideSigned,
    SignaturesCompleted,
    TransactionDead,
    TransactionReplaced,
)
from backend.settlement.trade import Domain, Trade

AT = datetime(2013, 3, 8, 9, 30, tzinfo=UTC)
TRADE_ID = "0190f000-0000-7000-8000-000000000001"
SECURITY_ID = "0190f000-0000-7000-8000-000000000002"
SELLER = "0x" + "11" * 20
BUYER = "0x" + "22" * 20
DOMAIN = Domain(31337, "0x" + "55" * 20)
TRADE = Trade(
    number=17,
    seller=SELLER,
    buyer=BUYER,
    asset="0x" + "33" * 20,
    cash="0x" + "44" * 20,
    asset_amount=100_000_000,
    cash_amount=44_800_000_000,
    min_asset_amount=100_000_000,
    valid_from=1_362_700_800,
    deadline=1_363_132_799,
)
DEAL = Deal(
    trade_id=TRADE_ID,
    security_id=SECURITY_ID,
    quantity=Quantity.of("100", SECURITY_ID),
    price=Price.of("448.00", "USD"),
    amount=Money.of("44800.00", "USD"),
    trade_date=date(2013, 3, 5),
    settlement_date=date(2013, 3, 8),
)


def side(digit):
    return Side(
        tenant_id=f"00000000-0000-7000-8000-00000000000{digit}",
        participant_id=f"0190f000-0000-7000-8000-00000000001{digit}",
        account_id=f"0190f000-0000-7000-8000-00000000002{digit}",
        order_id=f"0190f000-0000-7000-8000-00000000003{digit}",
        instruction_id=f"0190f000-0000-7000-8000-00000000004{digit}",
    )


INSTRUCTED = SettlementInstructed(
    deal=DEAL,
    terms=to_terms(TRADE, DOMAIN),
    digest="0x" + "ab" * 32,
    seller=side(1),
    buyer=side(2),
    entered_at=AT,
)
SELLER_SIGNED = SideSigned(
    trade_id=TRADE_ID, direction="DELI", signer=SELLER, signature="0x" + "01" * 65
)
BUYER_SIGNED = SideSigned(
    trade_id=TRADE_ID, direction="RECE", signer=BUYER, signature="0x" + "02" * 65
)
COMPLETED = SignaturesCompleted(trade_id=TRADE_ID, matched_at=AT)
PENDING = SettlementPending(trade_id=TRADE_ID, reasons=("BUYER_LACKS_CASH",))
SUBMITTED = SettlementSubmitted(
    trade_id=TRADE_ID,
    sender="0x" + "66" * 20,
    nonce=7,
    transaction_hash="0x" + "a1" * 32,
    raw_transaction="0x02f8",
    gas_limit=150_000,
    max_fee_per_gas="3000000000",
    max_priority_fee_per_gas="1000000000",
    searched_from=10,
    submitted_at=AT,
)
REPLACED = TransactionReplaced(
    trade_id=TRADE_ID,
    nonce=7,
    transaction_hash="0x" + "a2" * 32,
    raw_transaction="0x02f9",
    gas_limit=150_000,
    max_fee_per_gas="3375000000",
    max_priority_fee_per_gas="1125000000",
    replaced_at=AT,
)
DEAD = TransactionDead(
    trade_id=TRADE_ID,
    nonce=7,
    cause="reverted",
    transaction_hash="0x" + "a1" * 32,
    block_number=11,
)
INCLUDED = SettlementIncluded(
    trade_id=TRADE_ID,
    transaction_hash="0x" + "a1" * 32,
    block_number=12,
    block_hash="0x" + "b1" * 32,
    block_time=1_362_735_000,
    log_index=2,
    gas_used=78_000,
)
SAFE = SettlementSafe(trade_id=TRADE_ID, block_number=12, block_hash="0x" + "b1" * 32)
REORGED = SettlementReorged(trade_id=TRADE_ID, block_number=12, block_hash="0x" + "b1" * 32)
FINALISED = SettlementFinalised(
    trade_id=TRADE_ID,
    transaction_hash="0x" + "a1" * 32,
    block_number=12,
    block_hash="0x" + "b1" * 32,
    block_time=1_362_735_000,
    final_at=AT,
)
FAILED = SettlementFailed(
    trade_id=TRADE_ID,
    cause="deadline",
    reasons=("EXPIRED", "BUYER_LACKS_CASH"),
    detail="The deadline has passed.",
    failed_at=AT,
)
