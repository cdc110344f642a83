"""Who changed what, and what was known when: an aggregate's history over HTTP."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query

from backend.audit.history import Change, History, Step
from backend.audit.queries import known_uuid, reading_scope
from backend.web.auth import ROLES, Authenticator, Principal
from backend.web.models import EdgeModel, Page
from backend.web.paging import MAX_LIMIT, Cursors

StreamId = Annotated[str, Path(max_length=200, pattern=r"^[a-z_-]+-[A-Za-z0-9:._-]+$")]
Tenant = Annotated[
    str | None,
    Query(pattern=r"^[0-9a-f-]{36}$", description="Whose stream; an auditor may have to say"),
]
Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT)]
KnownAt = Annotated[
    int, Query(ge=0, le=2**53 - 1, description="A log position: what was known then")
]


class ChangeOut(EdgeModel):
    """A field that changed; `old` and `new` are null where it was not there."""

    field: str
    old: Any
    new: Any


class AuditEntryOut(EdgeModel):
    """One event as an audit trail tells it."""

    event_id: str
    position: int
    user_id: str
    action: str
    entity_type: str
    entity_id: str
    changes: list[ChangeOut]
    timestamp: str
    effective_at: str
    request_id: str | None
    causation_id: str | None


class StateOut(EdgeModel):
    """An aggregate as it was known when the log had `position` and everything before it."""

    tenant_id: str
    stream_id: str
    stream_version: int
    position: int
    state: Any


def router(history: History, auth: Authenticator, cursors: Cursors) -> APIRouter:
    """Routes under ``/api/v1/streams``."""
    routes = APIRouter(prefix="/api/v1/streams", tags=["audit"])
    anyone = auth.require(*ROLES)

    @routes.get("/{stream_id}/history")
    def stream_history(
        stream_id: StreamId,
        principal: Annotated[Principal, Depends(anyone)],
        cursor: str | None = None,
        limit: Limit = 50,
        tenant_id: Tenant = None,
    ) -> Page[AuditEntryOut]:
        """Who did what to one aggregate, the newest first, with each field before and after."""
        listing = f"history-{stream_id}"
        below = cursors.decode(listing, cursor)[0] if cursor else 2**62
        steps = history.steps(
            reading_scope(principal), stream_id, _named(tenant_id), below, limit + 1
        )
        return cursors.page(listing, steps[::-1], limit, lambda step: [_version(step)], _entry)

    @routes.get("/{stream_id}/state")
    def stream_state(
        stream_id: StreamId,
        principal: Annotated[Principal, Depends(anyone)],
        known_at: KnownAt = 2**53 - 1,
        tenant_id: Tenant = None,
    ) -> StateOut:
        """What was known of one aggregate at a log position; now, if none is named."""
        found = history.state(reading_scope(principal), stream_id, known_at, _named(tenant_id))
        return StateOut(
            tenant_id=found.tenant_id,
            stream_id=found.stream_id,
            stream_version=found.stream_version,
            position=found.position,
            state=found.state,
        )

    return routes


def _named(tenant_id: str | None) -> str | None:
    """The tenant's id, if one is named. Raises NotFound for what is no id."""
    return None if tenant_id is None else known_uuid(tenant_id, "tenant")


def _version(step: Step) -> int:
    return step.recorded.stream_version


def _entry(step: Step) -> AuditEntryOut:
    recorded = step.recorded
    category, _, entity = recorded.stream_id.partition("-")
    return AuditEntryOut(
        event_id=recorded.event_id,
        position=recorded.position or 0,
        user_id=recorded.actor,
        action=recorded.event.type,
        entity_type=category,
        entity_id=entity,
        changes=[_change(each) for each in step.changes],
        timestamp=recorded.recorded_at.isoformat(),
        effective_at=recorded.effective_at.isoformat(),
        request_id=recorded.correlation_id,
        causation_id=recorded.causation_id,
    )


def _change(change: Change) -> ChangeOut:
    return ChangeOut(field=change.field, old=change.old, new=change.new)
