"""Participants, their wallets and their API tokens over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import Field, StringConstraints

from backend.identity.domain import Participant
from backend.identity.service import IdentityService
from backend.kernel.ids import checked_id
from backend.web.auth import Authenticator, Principal
from backend.web.models import EdgeModel

Address = Annotated[str, StringConstraints(strict=True, pattern=r"^0x[0-9a-fA-F]{40}$")]
ChainId = Annotated[int, Field(strict=True, ge=1, le=2**53 - 1)]
Signature = Annotated[str, StringConstraints(strict=True, pattern=r"^0x[0-9a-fA-F]{128,130}$")]


class ParticipantIn(EdgeModel):
    """A legal entity; never a person's name."""

    name: Annotated[str, StringConstraints(strict=True, min_length=1, max_length=100)]


class WalletOut(EdgeModel):
    """A wallet whose control was proven."""

    address: str
    chain_id: int


class ParticipantOut(EdgeModel):
    """A participant and its wallets."""

    participant_id: str
    name: str
    kind: str
    wallets: list[WalletOut]


class MeOut(ParticipantOut):
    """The caller, with the roles its credentials give it."""

    roles: list[str]


class StatementOut(EdgeModel):
    """What the wallet signs (EIP-191 personal message) to be bound."""

    statement: str


class StatementIn(EdgeModel):
    """The wallet to bind."""

    address: Address
    chain_id: ChainId


class WalletIn(EdgeModel):
    """The wallet and its signature over the statement."""

    address: Address
    chain_id: ChainId
    signature: Signature


class TokenIn(EdgeModel):
    """What the new token is for and what it may do."""

    label: Annotated[str, StringConstraints(strict=True, min_length=1, max_length=60)]
    roles: Annotated[list[str], Field(min_length=1, max_length=4)]


class TokenOut(EdgeModel):
    """The token: shown once, kept only as a hash."""

    token: str


def router(service: IdentityService, auth: Authenticator) -> APIRouter:
    """The routes of identity below ``/api/v1``."""
    routes = APIRouter(prefix="/api/v1", tags=["identity"])
    operator = auth.require("operator")
    anyone = auth.require("investor", "trader", "operator", "auditor")
    trader = auth.require("trader")

    @routes.put("/participants/{participant_id}")
    def register_participant(
        participant_id: str,
        body: ParticipantIn,
        request: Request,
        who: Annotated[Principal, Depends(operator)],
    ) -> ParticipantOut:
        """Register a participant under an id of yours (UUID); its tenant has the same id."""
        name = checked_id(participant_id)
        service.register(who.caller(request), name, name, body.name, "participant")
        return _participant(service, name, name)

    @routes.post("/participants/{participant_id}/tokens", status_code=201)
    def issue_token(
        participant_id: str,
        body: TokenIn,
        request: Request,
        who: Annotated[Principal, Depends(operator)],
    ) -> TokenOut:
        """Issue an API token for a participant. It cannot be read again."""
        name = checked_id(participant_id)
        _participant(service, name, name)
        token = service.issue_token(who.caller(request), name, name, body.label, tuple(body.roles))
        return TokenOut(token=token)

    @routes.get("/me")
    def me(who: Annotated[Principal, Depends(anyone)]) -> MeOut:
        """Who the token or the session stands for."""
        found = _participant(service, who.tenant_id, who.participant_id)
        return MeOut(**dict(found), roles=sorted(who.roles))

    @routes.post("/wallet-statements")
    def statement(body: StatementIn, who: Annotated[Principal, Depends(trader)]) -> StatementOut:
        """The sentence a wallet has to sign to be bound."""
        text = service.statement(who.participant_id, body.address, body.chain_id)
        return StatementOut(statement=text)

    @routes.post("/wallets", status_code=201)
    def bind_wallet(
        body: WalletIn, request: Request, who: Annotated[Principal, Depends(trader)]
    ) -> WalletOut:
        """Bind a wallet by its signature; binding it again changes nothing."""
        wallet = service.bind_wallet(
            who.caller(request),
            who.tenant_id,
            who.participant_id,
            body.address,
            body.chain_id,
            body.signature,
        )
        return WalletOut(address=wallet.address, chain_id=wallet.chain_id)

    return routes


def _participant(service: IdentityService, tenant_id: str, participant_id: str) -> ParticipantOut:
    state = service.participant(tenant_id, participant_id)
    return ParticipantOut(
        participant_id=state.participant_id,
        name=state.name,
        kind=state.kind,
        wallets=wallets_out(state),
    )


def wallets_out(state: Participant) -> list[WalletOut]:
    """The participant's wallets as they travel."""
    return [WalletOut(address=each.address, chain_id=each.chain_id) for each in state.wallets]
