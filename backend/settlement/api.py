"""Settlement over HTTP: a party's instructions and consent, the venue's processes."""

from collections.abc import Callable
from datetime import date, datetime
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import Response
from pydantic import StringConstraints

from backend.eventstore.database import Database
from backend.eventstore.scope import Scope
from backend.eventstore.store import EventStore
from backend.kernel.errors import NotFound
from backend.settlement import store
from backend.settlement.domain.instruction import Instruction
from backend.settlement.domain.timeline import BranchKind, Outcome, StepName, StepState
from backend.settlement.service import Consent, SettlementService
from backend.settlement.timelines import Timelines, TradeView
from backend.web.auth import Authenticator, Principal
from backend.web.idempotency import Idempotency, KeyHeader
from backend.web.models import DecimalOut, EdgeModel, Page
from backend.web.paging import MAX_LIMIT, Cursors

Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT)]
Id = Annotated[str, Path(min_length=1, max_length=80)]
Reader = Callable[..., Principal]


class SignatureModel(EdgeModel):
    """A wallet's consent to the typed data: 64 or 65 bytes as 0x hex."""

    signature: Annotated[str, StringConstraints(strict=True, max_length=200)]


class SignedModel(EdgeModel):
    """What was recorded."""

    instruction_id: str
    status: str
    signer: str


class InstructionModel(EdgeModel):
    """A party's instruction. ``direction``, ``advice`` and ``reason`` are ISO 20022 codes.

    ``direction`` DELI or RECE (against payment, APMT); ``advice`` PACK, MACH, PEND, PENF, SETT,
    FAIL; ``reason`` as in ``sese.024`` (LACK, CLAC, MONY, CMON, SBLO, BLOC, FUTU, LATE, NARR).
    """

    instruction_id: str
    trade_id: str
    direction: str
    status: str
    account_id: str
    order_id: str
    security_id: str
    quantity: DecimalOut
    price: DecimalOut
    amount: DecimalOut
    currency: str
    trade_date: date
    settlement_date: date
    advice: str
    reason: str | None
    narrative: str
    settlement_state: str
    transaction_hash: str | None
    block_number: int | None
    received_at: datetime | None
    signed_at: datetime | None
    settled_at: datetime | None
    failed_at: datetime | None


class ConsentModel(EdgeModel):
    """What the party is asked to sign, for the person and for the wallet."""

    sentence: str
    domain_separator: str
    struct_hash: str
    digest: str
    typed_data: dict[str, Any]
    tokens: list[dict[str, Any]]


class InstructionDetail(EdgeModel):
    """An instruction with what there is to sign; ``consent`` is null where there are no terms."""

    instruction: InstructionModel
    consent: ConsentModel | None


class SettlementModel(EdgeModel):
    """The venue's process of one trade."""

    trade_id: str
    state: str
    security_id: str
    quantity: DecimalOut
    price: DecimalOut
    amount: DecimalOut
    currency: str
    trade_date: date
    settlement_date: date
    number: int | None
    chain_id: int | None
    contract: str | None
    deadline: int | None
    digest: str | None
    reasons: list[str]
    cause: str | None
    transaction_hash: str | None
    block_number: int | None
    block_hash: str | None
    gas_used: int | None
    safe: bool
    entered_at: datetime
    matched_at: datetime | None
    final_at: datetime | None
    failed_at: datetime | None


class StepModel(EdgeModel):
    """One step of a trade; ``event_id`` and ``position`` name an event the caller may prove."""

    name: StepName
    state: StepState
    at: datetime | None
    event_id: str | None
    position: int | None
    detail: str | None


class BranchModel(EdgeModel):
    """Something that happened beside the steps."""

    kind: BranchKind
    at: datetime
    detail: str
    event_id: str | None


class TimelineModel(EdgeModel):
    """A trade's way, derived from its events. A step that is done stays done.

    ``attempt`` counts the submissions. ``last_error`` and ``next_retry_at`` (real time) say what
    the worker ran into last, until its next look succeeds. All other times are business time.
    """

    trade_id: str
    outcome: Outcome
    steps: list[StepModel]
    branches: list[BranchModel]
    attempt: int
    last_error: str | None
    next_retry_at: datetime | None


class SettlementDetail(SettlementModel):
    """The venue's process of one trade, and its way so far."""

    timeline: TimelineModel


def router(
    events: EventStore,
    service: SettlementService,
    auth: Authenticator,
    idempotency: Idempotency,
    cursors: Cursors,
) -> APIRouter:
    """The routes of settlement below ``/api/v1``."""
    routes = APIRouter(prefix="/api/v1", tags=["settlement"])
    party = auth.require("investor", "trader")
    timelines = Timelines(events)
    _add_instructions(routes, events, service, party, cursors)
    _add_signature(routes, service, party, idempotency)
    _add_timelines(routes, timelines, party, auth.require("operator", "auditor"))
    _add_settlements(routes, events.database, auth.require("operator", "auditor"), cursors)
    return routes


def _add_instructions(
    routes: APIRouter,
    events: EventStore,
    service: SettlementService,
    party: Reader,
    cursors: Cursors,
) -> None:
    @routes.get("/instructions")
    def list_instructions(
        who: Annotated[Principal, Depends(party)], cursor: str | None = None, limit: Limit = 50
    ) -> Page[InstructionModel]:
        """The caller's own settlement instructions, newest first."""
        after = str(cursors.decode("instructions", cursor)[0]) if cursor else None
        with events.database.transaction(who.scope) as db:
            rows = store.list_instructions(db, who.tenant_id, after, limit)
        return cursors.page(
            "instructions", rows, limit, lambda row: [row["instruction_id"]], _instruction_model
        )

    @routes.get("/instructions/{instruction_id}")
    def get_instruction(
        request: Request, instruction_id: Id, who: Annotated[Principal, Depends(party)]
    ) -> InstructionDetail:
        """One instruction with its typed data and the sentence that says what it means."""
        with events.transaction(who.scope, who.caller(request)) as uow:
            row = store.find_instruction(uow.connection, who.tenant_id, instruction_id)
            if row is None:
                raise NotFound("There is no such instruction.")
            consent = service.consent(uow, instruction_id) if row["terms"] is not None else None
        shown = None if consent is None else _consent_model(consent)
        return InstructionDetail(instruction=_instruction_model(row), consent=shown)


def _add_signature(
    routes: APIRouter, service: SettlementService, party: Reader, idempotency: Idempotency
) -> None:
    @routes.post("/instructions/{instruction_id}/signature", response_model=SignedModel)
    def sign_instruction(
        request: Request,
        instruction_id: Id,
        body: SignatureModel,
        who: Annotated[Principal, Depends(party)],
        key: KeyHeader = None,
    ) -> Response:
        """Consent to the trade with the wallet's signature over the typed data."""
        return idempotency.run(
            request, who.scope, who.caller(request), key, body,
            lambda uow: (
                200, _signed_model(service.sign(uow, instruction_id, body.signature))
            ),
        )  # fmt: skip


def _add_settlements(
    routes: APIRouter, database: Database, venue: Reader, cursors: Cursors
) -> None:
    @routes.get("/settlements")
    def list_settlements(
        who: Annotated[Principal, Depends(venue)], cursor: str | None = None, limit: Limit = 50
    ) -> Page[SettlementModel]:
        """All settlements of the venue, newest first; for its operators and auditors."""
        after = str(cursors.decode("settlements", cursor)[0]) if cursor else None
        with database.transaction(Scope.auditor()) as db:
            rows = store.list_settlements(db, after, limit)
        return cursors.page(
            "settlements", rows, limit, lambda row: [row["trade_id"]], _settlement_model
        )


def _add_timelines(routes: APIRouter, timelines: Timelines, party: Reader, venue: Reader) -> None:
    @routes.get("/instructions/{instruction_id}/timeline")
    def instruction_timeline(
        instruction_id: Id, who: Annotated[Principal, Depends(party)]
    ) -> SettlementDetail:
        """The trade behind one's own instruction, step by step."""
        return _detail(timelines.of_instruction(who.tenant_id, instruction_id))

    @routes.get("/settlements/{trade_id}")
    def get_settlement(
        trade_id: Id, _who: Annotated[Principal, Depends(venue)]
    ) -> SettlementDetail:
        """One settlement of the venue, step by step; for its operators and auditors."""
        return _detail(timelines.of_trade(trade_id))


def _instruction_model(row: dict[str, Any]) -> InstructionModel:
    return InstructionModel(**{name: row[name] for name in InstructionModel.model_fields})


def _settlement_model(row: dict[str, Any]) -> SettlementModel:
    return SettlementModel(**_settlement_values(row))


def _settlement_values(row: dict[str, Any]) -> dict[str, Any]:
    values = {name: row[name] for name in SettlementModel.model_fields}
    chain_id = row["chain_id"]
    return {**values, "chain_id": None if chain_id is None else int(chain_id)}


def _detail(view: TradeView) -> SettlementDetail:
    found = view.timeline
    timeline = TimelineModel(
        trade_id=found.trade_id,
        outcome=found.outcome,
        steps=[StepModel(**msgspec.structs.asdict(each)) for each in found.steps],
        branches=[BranchModel(**msgspec.structs.asdict(each)) for each in found.branches],
        attempt=found.attempt,
        last_error=view.last_error,
        next_retry_at=view.next_retry_at,
    )
    return SettlementDetail(**_settlement_values(view.row), timeline=timeline)


def _consent_model(consent: Consent) -> ConsentModel:
    return ConsentModel(
        sentence=consent.sentence,
        typed_data=consent.typed_data,
        tokens=consent.tokens,
        **consent.hashes.as_hex(),
    )


def _signed_model(state: Instruction) -> SignedModel:
    return SignedModel(
        instruction_id=state.instruction_id,
        status=state.status.value,
        signer=state.signer or state.wallet,
    )
