"""Proofs over HTTP: the files of ``tally verify`` in base64, for whoever may see the events."""

import base64
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import Field

from anchoring.bundle import AnyBundle, EventsBundle
from backend.audit.proofs import EventProof, EventsProof, ProofService
from backend.audit.queries import known_uuid, reading_scope
from backend.audit.stream_proofs import StreamName, StreamProofService, StreamShown
from backend.eventstore.scope import Scope
from backend.kernel.errors import NotFound, ValueInvalid
from backend.web.auth import ROLES, Authenticator, Principal
from backend.web.models import EdgeModel

MAX_EVENTS = 1_000
MAX_ENTRIES = 5_000
"""Entries of one answer: larger ranges and streams are proven by ``tally prove``."""

Disclose = Annotated[
    bool,
    Query(description="Put the personal values beside the proof that one's own tenant holds."),
]
Index = Annotated[int, Query(ge=0, le=2**53 - 1)]


class ErasureProofOut(EdgeModel):
    """The proof of an event that erased personal values: NAME.erasure.* in base64."""

    event: str
    tlog_proof: str
    anchor: str | None


class PersonalOut(EdgeModel):
    """What goes with events that have personal data.

    ``personal`` is NAME.personal: values that open commitments, where they were asked for and
    are still held. ``erasures`` prove that others were destroyed.
    """

    personal: str | None
    erasures: list[ErasureProofOut]


class ProofOut(PersonalOut):
    """A bundle: the three files of ``tally verify`` in base64 (``anchor`` once it is final)."""

    event_id: str
    position: int
    checkpoint_size: int
    anchored: bool
    event: str
    tlog_proof: str
    anchor: str | None


class ProofsIn(EdgeModel):
    """Events to prove together, each named once."""

    event_ids: Annotated[list[str], Field(min_length=1, max_length=MAX_EVENTS)]


class BatchProofOut(PersonalOut):
    """One proof of many entries: NAME.events, NAME.tlog-batch and NAME.anchor in base64."""

    kind: Literal["batch"] = "batch"
    positions: list[int]
    checkpoint_size: int
    anchored: bool
    events: str
    tlog_batch: str
    anchor: str | None


class RangeProofOut(PersonalOut):
    """One proof of the entries from ``start`` to before ``end``, in base64."""

    kind: Literal["range"] = "range"
    start: int
    end: int
    checkpoint_size: int
    anchored: bool
    events: str
    tlog_range: str
    anchor: str | None


class StreamProofOut(PersonalOut):
    """A stream, shown complete: NAME.stream and the files it lies beside, in base64.

    ``count`` events are all of the stream among the first ``index_size`` entries of the log, as
    entry ``index_position`` commits.
    """

    kind: Literal["stream"] = "stream"
    tenant_id: str
    stream_id: str
    count: int
    index_size: int
    index_position: int
    checkpoint_size: int
    anchored: bool
    stream: str
    events: str
    tlog_batch: str
    anchor: str | None


def router(proofs: ProofService, streams: StreamProofService, auth: Authenticator) -> APIRouter:
    """Routes under ``/api/v1`` for proofs of one event, of several, of a range and of a stream."""
    routes = APIRouter(prefix="/api/v1", tags=["audit"])
    _add_events(routes, proofs, auth)
    _add_streams(routes, streams, auth)
    return routes


def _add_events(routes: APIRouter, proofs: ProofService, auth: Authenticator) -> None:
    anyone, auditor = auth.require(*ROLES), auth.require("auditor")

    @routes.get("/events/{event_id}/proof")
    def proof(
        event_id: str, principal: Annotated[Principal, Depends(anyone)], disclose: Disclose = False
    ) -> ProofOut:
        """The event's proof bundle, anchored if an anchor covers it by now."""
        return _proof_out(proofs.prove(reading_scope(principal), known_uuid(event_id), disclose))

    @routes.post("/proofs")
    def prove_many(
        wanted: ProofsIn, principal: Annotated[Principal, Depends(anyone)]
    ) -> BatchProofOut:
        """One proof of several events of one's own (auditors: of any), in the order of the log.

        Nothing is written: the same request may be repeated. 422 for an event named twice.
        """
        event_ids = [known_uuid(each) for each in wanted.event_ids]
        return _batch_out(proofs.prove_many(reading_scope(principal), event_ids))

    @routes.get("/log/range-proof")
    def range_proof(
        start: Index, end: Index, _principal: Annotated[Principal, Depends(auditor)]
    ) -> RangeProofOut:
        """One proof of the entries from `start` to before `end`, 5,000 at most."""
        return _range_out(proofs.prove_range(Scope.auditor(), start, end, MAX_ENTRIES))


def _add_streams(routes: APIRouter, streams: StreamProofService, auth: Authenticator) -> None:
    anyone = auth.require(*ROLES)

    @routes.get("/streams/{stream_id}/proof")
    def stream_proof(
        stream_id: str,
        principal: Annotated[Principal, Depends(anyone)],
        tenant_id: Annotated[str | None, Query(description="Auditors: whose stream.")] = None,
        allow_absent: Annotated[
            bool, Query(description="Auditors: prove that there is no such stream.")
        ] = False,
        disclose: Disclose = False,
    ) -> StreamProofOut:
        """All events of a stream of one's own, 5,000 at most, shown complete.

        409 `proof-not-ready` until an index commitment that covers the stream is published.
        """
        is_auditor = "auditor" in principal.roles
        name = StreamName(_tenant(principal, tenant_id, is_auditor), stream_id)
        shown = streams.prove(
            reading_scope(principal),
            name,
            allow_absent=allow_absent and is_auditor,
            disclose=disclose,
            limit=MAX_ENTRIES,
        )
        return _stream_out(shown)


def _tenant(principal: Principal, tenant_id: str | None, is_auditor: bool) -> str:
    """Whose stream is asked for. Raises ValueInvalid for an auditor who does not say."""
    if is_auditor:
        if tenant_id is None:
            raise ValueInvalid("An auditor names the tenant whose stream it is: tenant_id.")
        return known_uuid(tenant_id, "tenant")
    if tenant_id not in (None, principal.tenant_id):
        raise NotFound("There is no such stream.")
    return principal.tenant_id


def _proof_out(found: EventProof) -> ProofOut:
    return ProofOut(
        event_id=found.event_id,
        position=found.position,
        checkpoint_size=found.size,
        anchored=found.anchored,
        event=_base64(found.bundle.event),
        tlog_proof=_base64(found.bundle.proof),
        anchor=_optional(found.bundle.anchor),
        personal=_optional(found.bundle.personal),
        erasures=_erasures(found.bundle),
    )


def _batch_out(found: EventsProof) -> BatchProofOut:
    return BatchProofOut(
        positions=list(found.positions),
        checkpoint_size=found.size,
        anchored=found.anchored,
        events=_base64(found.bundle.events),
        tlog_batch=_base64(found.bundle.proof),
        anchor=_optional(found.bundle.anchor),
        personal=_optional(found.bundle.personal),
        erasures=_erasures(found.bundle),
    )


def _range_out(found: EventsProof) -> RangeProofOut:
    return RangeProofOut(
        start=found.positions[0],
        end=found.positions[-1] + 1,
        checkpoint_size=found.size,
        anchored=found.anchored,
        events=_base64(found.bundle.events),
        tlog_range=_base64(found.bundle.proof),
        anchor=_optional(found.bundle.anchor),
        personal=_optional(found.bundle.personal),
        erasures=_erasures(found.bundle),
    )


def _stream_out(found: StreamShown) -> StreamProofOut:
    return StreamProofOut(
        tenant_id=found.name.tenant_id,
        stream_id=found.name.stream_id,
        count=found.count,
        index_size=found.index_size,
        index_position=found.index_position,
        checkpoint_size=found.size,
        anchored=found.anchored,
        stream=_base64(_stream_file(found.bundle)),
        events=_base64(found.bundle.events),
        tlog_batch=_base64(found.bundle.proof),
        anchor=_optional(found.bundle.anchor),
        personal=_optional(found.bundle.personal),
        erasures=_erasures(found.bundle),
    )


def _stream_file(bundle: EventsBundle) -> bytes:
    return bundle.stream or b""


def _erasures(bundle: AnyBundle) -> list[ErasureProofOut]:
    return [
        ErasureProofOut(
            event=_base64(each.event),
            tlog_proof=_base64(each.proof),
            anchor=_optional(each.anchor),
        )
        for each in bundle.erasures
    ]


def _optional(data: bytes | None) -> str | None:
    return None if data is None else _base64(data)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
