"""The register over HTTP: anyone who may trade reads it, an operator writes it."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from backend.eventstore.scope import Role, Scope
from backend.eventstore.store import EventStore
from backend.securities.domain import AssetClass, Listing, Token
from backend.securities.ports import CashToken, Security
from backend.securities.service import SecuritiesService
from backend.securities.store import SecurityTable
from backend.web.auth import ROLES, Authenticator, Principal
from backend.web.idempotency import Idempotency, KeyHeader
from backend.web.models import EdgeModel, Identifier, Page
from backend.web.paging import MAX_LIMIT, Cursors

_LISTING = "securities"


class TokenModel(EdgeModel):
    """A token contract: chain, EIP-55 address, decimals of one unit."""

    chain_id: int
    token_address: str
    decimals: int


class SecurityModel(EdgeModel):
    """A registered security; ``token`` is null before tokenisation."""

    security_id: str
    isin: str
    ticker: str
    name: str
    currency: str
    asset_class: AssetClass
    mic: str
    token: TokenModel | None

    @classmethod
    def of(cls, security: Security) -> "SecurityModel":
        return cls(
            security_id=security.security_id,
            isin=security.isin,
            ticker=security.ticker,
            name=security.name,
            currency=security.currency,
            asset_class=security.asset_class,
            mic=security.mic,
            token=_token(security),
        )


class CashTokenModel(EdgeModel):
    """The token of a currency."""

    currency: str
    token: TokenModel

    @classmethod
    def of(cls, cash: CashToken) -> "CashTokenModel":
        token = TokenModel(
            chain_id=cash.chain_id, token_address=cash.token_address, decimals=cash.decimals
        )
        return cls(currency=cash.currency, token=token)


class RegisterSecurity(EdgeModel):
    """What an operator enters. Check digits and forms are the register's business."""

    isin: str
    ticker: str
    name: str
    currency: str
    asset_class: AssetClass
    mic: str


def router(
    store: EventStore,
    service: SecuritiesService,
    auth: Authenticator,
    cursors: Cursors,
    idempotency: Idempotency,
) -> APIRouter:
    """The routes under ``/api/v1``: securities and cash tokens."""
    routes = APIRouter(prefix="/api/v1", tags=["securities"])
    _add_reads(routes, store, auth, cursors)
    _add_writes(routes, service, auth, idempotency)
    return routes


def _add_reads(routes: APIRouter, store: EventStore, auth: Authenticator, cursors: Cursors) -> None:
    reader = Annotated[Principal, Depends(auth.require(*ROLES))]

    @routes.get("/securities")
    def list_securities(
        request: Request,
        principal: reader,
        ticker: Annotated[str | None, Query(max_length=16)] = None,
        isin: Annotated[str | None, Query(max_length=12)] = None,
        cursor: Annotated[str | None, Query(max_length=500)] = None,
        limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = 50,
    ) -> Page[SecurityModel]:
        """Securities by ticker and market; with ``ticker`` or ``isin`` only those."""
        with store.transaction(principal.scope, principal.caller(request)) as uow:
            table = SecurityTable(uow.connection)
            if ticker is not None or isin is not None:
                found = table.matching(ticker, isin)
                return Page(items=[SecurityModel.of(each) for each in found])
            after = cursors.decode(_LISTING, cursor) if cursor else None
            rows = table.page((after[0], after[1]) if after else None, limit + 1)
        return cursors.page(
            _LISTING, rows, limit, lambda each: (each.ticker, each.mic), SecurityModel.of
        )

    @routes.get("/securities/{security_id}")
    def get_security(
        request: Request, principal: reader, security_id: Annotated[Identifier, Path()]
    ) -> SecurityModel:
        """One security by its id."""
        with store.transaction(principal.scope, principal.caller(request)) as uow:
            return SecurityModel.of(SecurityTable(uow.connection).by_id(security_id))

    @routes.get("/cash-tokens")
    def list_cash_tokens(request: Request, principal: reader) -> Page[CashTokenModel]:
        """The token of every currency that can be settled in."""
        with store.transaction(principal.scope, principal.caller(request)) as uow:
            found = SecurityTable(uow.connection).cash_tokens()
        return Page(items=[CashTokenModel.of(each) for each in found])


def _add_writes(
    routes: APIRouter,
    service: SecuritiesService,
    auth: Authenticator,
    idempotency: Idempotency,
) -> None:
    operator = Annotated[Principal, Depends(auth.require("operator"))]

    @routes.post("/securities", status_code=201, response_model=SecurityModel)
    def register_security(
        request: Request, principal: operator, body: RegisterSecurity, key: KeyHeader = None
    ) -> Response:
        """Enter a security in the register."""
        listing = Listing(
            isin=body.isin,
            ticker=body.ticker,
            name=body.name,
            currency=body.currency,
            asset_class=body.asset_class,
            mic=body.mic,
        )
        return idempotency.run(
            request,
            _venue(principal),
            principal.caller(request),
            key,
            body,
            lambda uow: (201, SecurityModel.of(service.register_within(uow, listing))),
        )

    @routes.put("/securities/{security_id}/token")
    def tokenise_security(
        request: Request,
        principal: operator,
        security_id: Annotated[Identifier, Path()],
        body: TokenModel,
    ) -> SecurityModel:
        """Bind a token contract to the security; the same one again changes nothing."""
        return SecurityModel.of(
            service.tokenise(principal.caller(request), security_id, _domain_token(body))
        )

    @routes.put("/cash-tokens/{currency}")
    def register_cash_token(
        request: Request,
        principal: operator,
        currency: Annotated[str, Path(pattern="^[A-Z]{3}$")],
        body: TokenModel,
    ) -> CashTokenModel:
        """Make a token contract the currency's cash leg; the same one again changes nothing."""
        return CashTokenModel.of(
            service.register_cash(principal.caller(request), currency, _domain_token(body))
        )


def _venue(principal: Principal) -> Scope:
    # The venue writes reference data; the idempotency key stays the operator's own.
    return Scope(Role.VENUE, principal.tenant_id)


def _domain_token(model: TokenModel) -> Token:
    return Token(chain_id=model.chain_id, address=model.token_address, decimals=model.decimals)


def _token(security: Security) -> TokenModel | None:
    if security.chain_id is None or security.token_address is None or security.decimals is None:
        return None
    return TokenModel(
        chain_id=security.chain_id,
        token_address=security.token_address,
        decimals=security.decimals,
    )
