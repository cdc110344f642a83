"""Side rows of settlement: the leased work list, nonces and numbers; and reads for the API."""

from datetime import datetime
from typing import Any

import msgspec

from backend.eventstore.errors import LeaseLost
from backend.eventstore.scope import Connection
from backend.identity.ids import VENUE_TENANT
from backend.kernel.errors import InvariantBroken

_CLAIM = """
UPDATE settlement_work SET lease_owner = %(owner)s, fence = fence + 1,
  lease_until = clock_timestamp() + make_interval(secs => %(lease)s)
WHERE (tenant_id, trade_id) = (
  SELECT tenant_id, trade_id FROM settlement_work
  WHERE due_at <= clock_timestamp()
    AND (lease_until IS NULL OR lease_until < clock_timestamp())
  ORDER BY due_at FOR UPDATE SKIP LOCKED LIMIT 1)
RETURNING trade_id, fence, attempts, extract(epoch FROM clock_timestamp() - sent_at) AS waited
"""
_RELEASE = """
UPDATE settlement_work SET lease_owner = NULL, lease_until = NULL, attempts = %s,
  last_error = %s, due_at = clock_timestamp() + make_interval(secs => %s)
WHERE tenant_id = %s AND trade_id = %s AND fence = %s
"""
_TAKE_NONCE = """
INSERT INTO chain_nonces AS known (tenant_id, chain_id, sender, next_nonce)
VALUES (%(tenant)s, %(chain_id)s, %(sender)s, %(spent)s::bigint + 1)
ON CONFLICT (tenant_id, chain_id, sender)
DO UPDATE SET next_nonce = greatest(known.next_nonce, %(spent)s::bigint) + 1
RETURNING next_nonce - 1 AS nonce
"""


class Claim(msgspec.Struct, frozen=True):
    """A lease on one settlement. ``waited``: seconds since its transaction was last sent."""

    trade_id: str
    fence: int
    attempts: int
    waited: float | None


def enqueue(db: Connection, trade_id: str) -> None:
    """Put a new settlement on the work list, due at once."""
    db.execute(
        "INSERT INTO settlement_work (tenant_id, trade_id, due_at, fence, attempts)"
        " VALUES (%s, %s, clock_timestamp(), 0, 0) ON CONFLICT DO NOTHING",
        (VENUE_TENANT, trade_id),
    )


def make_due(db: Connection, trade_id: str) -> None:
    """Look at this settlement now: something happened to it."""
    db.execute(
        "UPDATE settlement_work SET due_at = clock_timestamp(), attempts = 0"
        " WHERE tenant_id = %s AND trade_id = %s",
        (VENUE_TENANT, trade_id),
    )


def claim(db: Connection, owner: str, lease: float) -> Claim | None:
    """Lease the settlement that is due longest, or None. ``lease`` in seconds."""
    row = db.execute(_CLAIM, {"owner": owner, "lease": lease}).fetchone()
    if row is None:
        return None
    waited = None if row["waited"] is None else float(row["waited"])
    return Claim(row["trade_id"], row["fence"], row["attempts"], waited)


def hold(db: Connection, held: Claim) -> None:
    """Lock the leased row for this transaction. Raises LeaseLost when another one took over."""
    row = db.execute(
        "SELECT fence FROM settlement_work WHERE tenant_id = %s AND trade_id = %s FOR UPDATE",
        (VENUE_TENANT, held.trade_id),
    ).fetchone()
    if row is None or row["fence"] != held.fence:
        raise LeaseLost("Another worker has this settlement now.", trade_id=held.trade_id)


def mark_sent(db: Connection, trade_id: str) -> None:
    """Start the wait for inclusion."""
    db.execute(
        "UPDATE settlement_work SET sent_at = clock_timestamp()"
        " WHERE tenant_id = %s AND trade_id = %s",
        (VENUE_TENANT, trade_id),
    )


def release(
    db: Connection, held: Claim, delay: float, attempts: int = 0, error: str | None = None
) -> None:
    """Give the lease back; due again in ``delay`` seconds. Nothing if the lease was lost."""
    db.execute(_RELEASE, (attempts, error, delay, VENUE_TENANT, held.trade_id, held.fence))


def finish(db: Connection, trade_id: str) -> None:
    """Take the settlement off the work list."""
    db.execute(
        "DELETE FROM settlement_work WHERE tenant_id = %s AND trade_id = %s",
        (VENUE_TENANT, trade_id),
    )


def take_nonce(db: Connection, chain_id: int, sender: str, spent: int) -> int:
    """The next nonce of ``sender``, never given before and never one the chain counts as spent.

    The row stays locked until the transaction ends: one writer per key.
    """
    row = db.execute(
        _TAKE_NONCE,
        {"tenant": VENUE_TENANT, "chain_id": chain_id, "sender": sender.lower(), "spent": spent},
    ).fetchone()
    return int(_only(row)["nonce"])


def next_number(db: Connection) -> int:
    """A trade number that was never given before. Gaps are harmless."""
    row = db.execute("SELECT nextval('settlement_numbers') AS number").fetchone()
    return int(_only(row)["number"])


def list_instructions(
    db: Connection, tenant_id: str, after: str | None, limit: int
) -> list[dict[str, Any]]:
    """One tenant's instructions, newest first, older than ``after``; one row more than asked."""
    return db.execute(
        "SELECT * FROM instructions WHERE tenant_id = %s"
        " AND (%s::text IS NULL OR instruction_id < %s) ORDER BY instruction_id DESC LIMIT %s",
        (tenant_id, after, after, limit + 1),
    ).fetchall()


def find_instruction(db: Connection, tenant_id: str, instruction_id: str) -> dict[str, Any] | None:
    """One instruction's row."""
    return db.execute(
        "SELECT * FROM instructions WHERE tenant_id = %s AND instruction_id = %s",
        (tenant_id, instruction_id),
    ).fetchone()


def list_settlements(
    db: Connection, after: str | None, limit: int, since: datetime | None = None
) -> list[dict[str, Any]]:
    """The venue's settlements, newest first, older than ``after``; one row more than asked."""
    return db.execute(
        "SELECT * FROM settlements WHERE tenant_id = %s AND (%s::text IS NULL OR trade_id < %s)"
        " AND (%s::timestamptz IS NULL OR entered_at >= %s) ORDER BY trade_id DESC LIMIT %s",
        (VENUE_TENANT, after, after, since, since, limit + 1),
    ).fetchall()


def find_settlement(db: Connection, trade_id: str) -> dict[str, Any] | None:
    """The row of one settlement."""
    return db.execute(
        "SELECT * FROM settlements WHERE tenant_id = %s AND trade_id = %s",
        (VENUE_TENANT, trade_id),
    ).fetchone()


def find_work(db: Connection, trade_id: str) -> dict[str, Any] | None:
    """When the worker looks at a settlement again, and what it ran into; None once it ended."""
    return db.execute(
        "SELECT due_at, attempts, last_error FROM settlement_work"
        " WHERE tenant_id = %s AND trade_id = %s",
        (VENUE_TENANT, trade_id),
    ).fetchone()


def read_stream(db: Connection, tenant_id: str, stream_id: str) -> list[dict[str, Any]]:
    """A stream's entries in order, with their log positions where they have one."""
    return db.execute(
        "SELECT events.entry, events.leaf_hash, feed.position FROM events"
        " LEFT JOIN feed USING (tenant_id, stream_id, stream_version)"
        " WHERE events.tenant_id = %s AND events.stream_id = %s ORDER BY events.stream_version",
        (tenant_id, stream_id),
    ).fetchall()


def list_transactions(db: Connection, trade_id: str) -> list[dict[str, Any]]:
    """Every transaction that was signed for a settlement, oldest first."""
    return db.execute(
        "SELECT * FROM settlement_transactions WHERE tenant_id = %s AND trade_id = %s"
        " ORDER BY nonce, signed_at, transaction_hash",
        (VENUE_TENANT, trade_id),
    ).fetchall()


def _only(row: dict[str, Any] | None) -> dict[str, Any]:
    if row is None:
        raise InvariantBroken("A statement that always gives a row gave none.")
    return row
