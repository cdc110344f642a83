"""Where the platform stands, for everyone: time, chain, log, breakers, sequencer."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Path

from backend.compliance.domain.breaker import BreakerState
from backend.compliance.store import list_breakers
from backend.eventstore.database import Database
from backend.eventstore.scope import Scope
from backend.kernel.clock import Clock
from backend.kernel.errors import NotFound
from backend.platform.edge.chain_view import BlockHead, ChainView
from backend.web.models import EdgeModel

_LOG = """
SELECT coalesce((SELECT max(size) FROM log_head), 0) AS size, anchored.size AS anchored_size,
  (SELECT sequenced_at FROM feed WHERE position >= anchored.size
   AND type NOT LIKE 'anchor.%' AND type NOT LIKE 'index.%'
   ORDER BY position LIMIT 1) AS oldest_unanchored_at
FROM (SELECT coalesce(max(size), 0) AS size FROM anchors WHERE state = 'FINAL') AS anchored
"""
_WAITING = """
SELECT round(extract(epoch FROM clock_timestamp() - min(written_at)))::int AS waiting_seconds
FROM unsequenced
"""
BlockNumber = Annotated[int, Path(ge=0, le=2**53 - 1)]


class BlockOut(EdgeModel):
    """A block of the chain; ``timestamp`` is its own time."""

    number: int
    hash: str
    timestamp: datetime


class ChainOut(EdgeModel):
    """The chain's heads; ``detail`` says what is wrong where the node does not answer."""

    head: BlockOut | None
    safe: BlockOut | None
    finalized: BlockOut | None
    answering: bool
    detail: str | None


class LogStatusOut(EdgeModel):
    """``oldest_unanchored_at`` is real time, and null when every event is anchored."""

    size: int
    anchored_size: int
    oldest_unanchored_at: datetime | None


class BreakerStatusOut(EdgeModel):
    """A circuit breaker: ``open`` means that trading in the scope is stopped.

    Why, in an operator's words, is for those who are signed in (``GET /circuit-breakers``).
    """

    scope: str
    state: BreakerState
    changed_at: datetime | None


class SequencerOut(EdgeModel):
    """For how long the oldest event has waited for its position; null when none waits."""

    waiting_seconds: int | None


class StatusOut(EdgeModel):
    """Where the platform stands. ``now`` is business time."""

    now: datetime
    chain: ChainOut
    log: LogStatusOut
    breakers: list[BreakerStatusOut]
    sequencer: SequencerOut


class BlockHashOut(EdgeModel):
    """A block's hash as this server's node gives it: not an independent word."""

    number: int
    hash: str


def router(database: Database, clock: Clock, chain: ChainView) -> APIRouter:
    """The routes of the status below ``/api/v1``. All are public."""
    routes = APIRouter(prefix="/api/v1", tags=["platform"])

    @routes.get("/status")
    def get_status() -> StatusOut:
        """Where the platform stands now."""
        with database.transaction(Scope.auditor()) as db:
            log = db.execute(_LOG).fetchone()
            breakers = list_breakers(db)
        with database.transaction(Scope.sequencer()) as db:
            waiting = db.execute(_WAITING).fetchone()
        return StatusOut(
            now=clock.now(),
            chain=_chain(chain),
            log=LogStatusOut(**(log or {})),
            breakers=[
                BreakerStatusOut(**{name: each[name] for name in BreakerStatusOut.model_fields})
                for each in breakers
            ],
            sequencer=SequencerOut(**(waiting or {})),
        )

    @routes.get("/chain/blocks/{number}")
    def get_block(number: BlockNumber) -> BlockHashOut:
        """The hash of a block, through this server. Whoever trusts nobody asks a node of theirs."""
        found = chain.block(number)
        if found is None:
            raise NotFound("The chain has no such block.", number=number)
        return BlockHashOut(number=found.number, hash=found.hash)

    return routes


def _chain(view: ChainView) -> ChainOut:
    heads = view.heads()
    head, safe, finalized = (_block(heads.blocks[tag]) for tag in ("latest", "safe", "finalized"))
    return ChainOut(
        head=head,
        safe=safe,
        finalized=finalized,
        answering=heads.detail is None,
        detail=heads.detail,
    )


def _block(head: BlockHead | None) -> BlockOut | None:
    if head is None:
        return None
    moment = datetime.fromtimestamp(head.timestamp, UTC)
    return BlockOut(number=head.number, hash=head.hash, timestamp=moment)
