"""Each party's instructions as rows of its tenant."""

from typing import Any

import msgspec
from psycopg.types.json import Jsonb

from backend.eventstore.projections import Projection
from backend.eventstore.recorded import Recorded
from backend.eventstore.scope import Connection
from backend.settlement.events import (
    InstructionAdvised,
    InstructionFailed,
    InstructionReceived,
    InstructionSettled,
    InstructionSigned,
)
from backend.settlement.projections.deal import deal_columns

_INSERT_INSTRUCTION = """
INSERT INTO instructions (
  tenant_id, instruction_id, trade_id, direction, status, participant_id, account_id, order_id,
  security_id, quantity, price, currency, amount, trade_date, settlement_date, terms, tokens,
  digest, advice, reason, narrative, settlement_state, received_at, failed_at)
VALUES (
  %(tenant_id)s, %(instruction_id)s, %(trade_id)s, %(direction)s, %(status)s, %(participant_id)s,
  %(account_id)s, %(order_id)s, %(security_id)s, %(quantity)s, %(price)s, %(currency)s, %(amount)s,
  %(trade_date)s, %(settlement_date)s, %(terms)s, %(tokens)s, %(digest)s, %(advice)s, %(reason)s,
  %(narrative)s, %(settlement_state)s, %(received_at)s, %(failed_at)s)
"""


def _received(db: Connection, e: Recorded[InstructionReceived]) -> None:
    event = e.event
    tokens = {
        "asset": msgspec.to_builtins(event.asset_token),
        "cash": msgspec.to_builtins(event.cash_token),
    }
    db.execute(
        _INSERT_INSTRUCTION,
        {
            **deal_columns(event.deal),
            **_owner(e),
            "status": "RECEIVED",
            "terms": Jsonb(msgspec.to_builtins(event.terms)),
            "tokens": Jsonb(tokens),
            "digest": event.digest,
            "advice": "PACK",
            "reason": None,
            "narrative": "",
            "settlement_state": "INSTRUCTED",
            "received_at": event.received_at,
            "failed_at": None,
        },
    )


def _owner(e: Recorded[InstructionReceived] | Recorded[InstructionFailed]) -> dict[str, Any]:
    event = e.event
    return {
        "tenant_id": e.tenant_id,
        "instruction_id": event.instruction_id,
        "direction": event.direction,
        "participant_id": event.participant_id,
        "account_id": event.account_id,
        "order_id": event.order_id,
    }


def _signed(db: Connection, e: Recorded[InstructionSigned]) -> None:
    db.execute(
        "UPDATE instructions SET status = 'SIGNED', signer = %s, signed_at = %s"
        " WHERE tenant_id = %s AND instruction_id = %s",
        (e.event.signer, e.event.signed_at, e.tenant_id, e.event.instruction_id),
    )


def _advised(db: Connection, e: Recorded[InstructionAdvised]) -> None:
    event = e.event
    db.execute(
        "UPDATE instructions SET advice = %s, reason = %s, narrative = %s, settlement_state = %s,"
        " transaction_hash = %s WHERE tenant_id = %s AND instruction_id = %s",
        (
            event.status,
            event.reason,
            event.narrative,
            event.settlement_state,
            event.transaction_hash,
            e.tenant_id,
            event.instruction_id,
        ),
    )


def _settled(db: Connection, e: Recorded[InstructionSettled]) -> None:
    event = e.event
    db.execute(
        "UPDATE instructions SET status = 'SETTLED', advice = 'SETT', reason = NULL,"
        " narrative = '', settlement_state = 'FINAL', transaction_hash = %s, block_number = %s,"
        " settled_at = %s WHERE tenant_id = %s AND instruction_id = %s",
        (
            event.transaction_hash,
            event.block_number,
            event.settled_at,
            e.tenant_id,
            event.instruction_id,
        ),
    )


def _failed(db: Connection, e: Recorded[InstructionFailed]) -> None:
    event = e.event
    updated = db.execute(
        "UPDATE instructions SET status = 'FAILED', advice = 'FAIL', reason = %s, narrative = %s,"
        " settlement_state = 'FAILED', failed_at = %s"
        " WHERE tenant_id = %s AND instruction_id = %s",
        (event.reason, event.detail, event.failed_at, e.tenant_id, event.instruction_id),
    )
    if updated.rowcount == 0:  # refused before it could be received
        db.execute(
            _INSERT_INSTRUCTION,
            {
                **deal_columns(event.deal),
                **_owner(e),
                "status": "FAILED",
                "terms": None,
                "tokens": None,
                "digest": None,
                "advice": "FAIL",
                "reason": event.reason,
                "narrative": event.detail,
                "settlement_state": "FAILED",
                "received_at": None,
                "failed_at": event.failed_at,
            },
        )


INSTRUCTIONS = Projection(
    "instructions",
    ("instructions",),
    {
        InstructionReceived: _received,
        InstructionSigned: _signed,
        InstructionAdvised: _advised,
        InstructionSettled: _settled,
        InstructionFailed: _failed,
    },
)
