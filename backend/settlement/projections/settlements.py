"""The venue's settlements and their transactions as rows."""

from backend.eventstore.projections import Projection
from backend.eventstore.recorded import Recorded
from backend.eventstore.scope import Connection
from backend.settlement.events import (
    SettlementFailed,
    SettlementFinalised,
    SettlementIncluded,
    SettlementInstructed,
    SettlementPending,
    SettlementRefused,
    SettlementReorged,
    SettlementSafe,
    SettlementSubmitted,
    SignaturesCompleted,
    TransactionDead,
    TransactionReplaced,
)
from backend.settlement.projections.deal import deal_columns

_INSERT_SETTLEMENT = """
INSERT INTO settlements (
  tenant_id, trade_id, state, security_id, quantity, price, currency, amount, trade_date,
  settlement_date, seller_tenant, buyer_tenant, number, chain_id, contract, deadline, digest,
  reasons, cause, safe, entered_at, failed_at)
VALUES (
  %(tenant_id)s, %(trade_id)s, %(state)s, %(security_id)s, %(quantity)s, %(price)s, %(currency)s,
  %(amount)s, %(trade_date)s, %(settlement_date)s, %(seller_tenant)s, %(buyer_tenant)s, %(number)s,
  %(chain_id)s, %(contract)s, %(deadline)s, %(digest)s, '{}', %(cause)s, false, %(entered_at)s,
  %(failed_at)s)
"""
_INSERT_TRANSACTION = """
INSERT INTO settlement_transactions (
  tenant_id, trade_id, transaction_hash, sender, nonce, raw_transaction, gas_limit,
  max_fee_per_gas, max_priority_fee_per_gas, status, signed_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, 'SIGNED', %s)
"""


def _instructed(db: Connection, e: Recorded[SettlementInstructed]) -> None:
    event = e.event
    db.execute(
        _INSERT_SETTLEMENT,
        {
            **deal_columns(event.deal),
            "tenant_id": e.tenant_id,
            "state": "INSTRUCTED",
            "seller_tenant": event.seller.tenant_id,
            "buyer_tenant": event.buyer.tenant_id,
            "number": event.terms.number,
            "chain_id": event.terms.chain_id,
            "contract": event.terms.contract,
            "deadline": event.terms.deadline,
            "digest": event.digest,
            "cause": None,
            "entered_at": event.entered_at,
            "failed_at": None,
        },
    )


def _refused(db: Connection, e: Recorded[SettlementRefused]) -> None:
    event = e.event
    nothing = dict.fromkeys(("number", "chain_id", "contract", "deadline", "digest"))
    db.execute(
        _INSERT_SETTLEMENT,
        {
            **deal_columns(event.deal),
            **nothing,
            "tenant_id": e.tenant_id,
            "state": "FAILED",
            "seller_tenant": event.seller.tenant_id,
            "buyer_tenant": event.buyer.tenant_id,
            "cause": event.cause,
            "entered_at": event.refused_at,
            "failed_at": event.refused_at,
        },
    )


def _completed(db: Connection, e: Recorded[SignaturesCompleted]) -> None:
    db.execute(
        "UPDATE settlements SET state = 'SIGNED', matched_at = %s"
        " WHERE tenant_id = %s AND trade_id = %s",
        (e.event.matched_at, e.tenant_id, e.event.trade_id),
    )


def _pending(db: Connection, e: Recorded[SettlementPending]) -> None:
    db.execute(
        "UPDATE settlements SET reasons = %s WHERE tenant_id = %s AND trade_id = %s",
        (list(e.event.reasons), e.tenant_id, e.event.trade_id),
    )


def _submitted(db: Connection, e: Recorded[SettlementSubmitted]) -> None:
    _transaction(db, e, e.event.sender)
    db.execute(
        "UPDATE settlements SET state = 'SUBMITTED', reasons = '{}', transaction_hash = %s"
        " WHERE tenant_id = %s AND trade_id = %s",
        (e.event.transaction_hash, e.tenant_id, e.event.trade_id),
    )


def _replaced(db: Connection, e: Recorded[TransactionReplaced]) -> None:
    row = db.execute(
        "UPDATE settlement_transactions SET status = 'REPLACED'"
        " WHERE tenant_id = %s AND trade_id = %s AND nonce = %s RETURNING sender",
        (e.tenant_id, e.event.trade_id, e.event.nonce),
    ).fetchone()
    _transaction(db, e, row["sender"] if row is not None else "")
    db.execute(
        "UPDATE settlements SET transaction_hash = %s WHERE tenant_id = %s AND trade_id = %s",
        (e.event.transaction_hash, e.tenant_id, e.event.trade_id),
    )


def _transaction(
    db: Connection, e: Recorded[SettlementSubmitted] | Recorded[TransactionReplaced], sender: str
) -> None:
    event = e.event
    db.execute(
        _INSERT_TRANSACTION,
        (
            e.tenant_id,
            event.trade_id,
            event.transaction_hash,
            sender,
            event.nonce,
            event.raw_transaction,
            event.gas_limit,
            event.max_fee_per_gas,
            event.max_priority_fee_per_gas,
            e.recorded_at,
        ),
    )


def _dead(db: Connection, e: Recorded[TransactionDead]) -> None:
    db.execute(
        "UPDATE settlement_transactions SET status = 'DEAD'"
        " WHERE tenant_id = %s AND trade_id = %s AND nonce = %s",
        (e.tenant_id, e.event.trade_id, e.event.nonce),
    )
    db.execute(
        "UPDATE settlements SET state = 'SIGNED', transaction_hash = NULL"
        " WHERE tenant_id = %s AND trade_id = %s",
        (e.tenant_id, e.event.trade_id),
    )


def _included(db: Connection, e: Recorded[SettlementIncluded]) -> None:
    event = e.event
    db.execute(
        "UPDATE settlement_transactions SET status = 'INCLUDED'"
        " WHERE tenant_id = %s AND trade_id = %s AND transaction_hash = %s",
        (e.tenant_id, event.trade_id, event.transaction_hash),
    )
    db.execute(
        "UPDATE settlements SET state = 'INCLUDED', reasons = '{}', transaction_hash = %s,"
        " block_number = %s, block_hash = %s, gas_used = %s, safe = false"
        " WHERE tenant_id = %s AND trade_id = %s",
        (
            event.transaction_hash,
            event.block_number,
            event.block_hash,
            event.gas_used,
            e.tenant_id,
            event.trade_id,
        ),
    )


def _safe(db: Connection, e: Recorded[SettlementSafe]) -> None:
    db.execute(
        "UPDATE settlements SET safe = true WHERE tenant_id = %s AND trade_id = %s",
        (e.tenant_id, e.event.trade_id),
    )


def _reorged(db: Connection, e: Recorded[SettlementReorged]) -> None:
    db.execute(
        "UPDATE settlement_transactions SET status = 'SIGNED'"
        " WHERE tenant_id = %s AND trade_id = %s AND status = 'INCLUDED'",
        (e.tenant_id, e.event.trade_id),
    )
    db.execute(
        "UPDATE settlements SET state = 'REORGED', block_number = NULL, block_hash = NULL,"
        " gas_used = NULL, safe = false WHERE tenant_id = %s AND trade_id = %s",
        (e.tenant_id, e.event.trade_id),
    )


def _finalised(db: Connection, e: Recorded[SettlementFinalised]) -> None:
    db.execute(
        "UPDATE settlements SET state = 'FINAL', safe = true, final_at = %s"
        " WHERE tenant_id = %s AND trade_id = %s",
        (e.event.final_at, e.tenant_id, e.event.trade_id),
    )


def _settlement_failed(db: Connection, e: Recorded[SettlementFailed]) -> None:
    event = e.event
    db.execute(
        "UPDATE settlements SET state = 'FAILED', reasons = %s, cause = %s, failed_at = %s"
        " WHERE tenant_id = %s AND trade_id = %s",
        (list(event.reasons), event.cause, event.failed_at, e.tenant_id, event.trade_id),
    )


SETTLEMENTS = Projection(
    "settlements",
    ("settlements", "settlement_transactions"),
    {
        SettlementInstructed: _instructed,
        SettlementRefused: _refused,
        SignaturesCompleted: _completed,
        SettlementPending: _pending,
        SettlementSubmitted: _submitted,
        TransactionReplaced: _replaced,
        TransactionDead: _dead,
        SettlementIncluded: _included,
        SettlementSafe: _safe,
        SettlementReorged: _reorged,
        SettlementFinalised: _finalised,
        SettlementFailed: _settlement_failed,
    },
)
