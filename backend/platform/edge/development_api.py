"""The routes of development mode. They are registered nowhere else."""

import re
from typing import Annotated, Any, Literal

import structlog
from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field, StringConstraints

from backend.identity.session_api import SessionOut, SignIn
from backend.kernel.errors import Forbidden, ValueInvalid
from backend.platform.edge.development import Answer, Development, WalletError
from backend.platform.loopback import is_loopback
from backend.platform.settings import DEVELOPMENT_CHAIN
from backend.settlement.trade import same_address
from backend.web.auth import ROLES, Authenticator, Principal, refuse_foreign_page
from backend.web.models import EdgeModel, Identifier

RpcId = Annotated[int, Field(ge=0, le=2**53 - 1)] | Annotated[str, StringConstraints(max_length=80)]
SIGNING = ("eth_signTypedData_v4", "personal_sign")
_HOST = re.compile(r"([A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")
_FORWARDED = re.compile(r"forwarded$|x-forwarded-|x-real-ip$|via$")
# EIP-1193 and EIP-1474
UNAUTHORIZED = WalletError(4_100, "The account is not one of yours.")
INVALID_PARAMS = WalletError(-32_602, "The parameters are not what this method takes.")


class DevelopmentSessionIn(EdgeModel):
    """Whom to sign in as: a participant of the demonstration."""

    participant_id: Identifier


class RpcIn(EdgeModel):
    """A JSON-RPC 2.0 request of a wallet (EIP-1193)."""

    jsonrpc: Literal["2.0"]
    id: RpcId
    method: Literal[
        "eth_chainId",
        "eth_accounts",
        "eth_requestAccounts",
        "eth_signTypedData_v4",
        "personal_sign",
    ]
    params: Annotated[list[Any], Field(max_length=2, default_factory=list)]


class RpcErrorOut(EdgeModel):
    """A JSON-RPC error."""

    code: int
    message: str


class RpcOut(EdgeModel):
    """A JSON-RPC 2.0 answer; one of ``result`` and ``error`` is null."""

    jsonrpc: Literal["2.0"] = "2.0"
    id: RpcId
    result: Any = None
    error: RpcErrorOut | None = None


def router(development: Development, sign_in: SignIn, auth: Authenticator) -> APIRouter:
    """The routes of development mode below ``/api/v1``."""
    routes = APIRouter(prefix="/api/v1/development", tags=["development"])

    @routes.post("/sessions", status_code=201)
    def begin_development_session(
        request: Request, response: Response, body: DevelopmentSessionIn
    ) -> SessionOut:
        """Sign in as a participant of the demonstration, by name. Development mode only."""
        _require_local(request)
        return sign_in.begin(request, response, development.holder(body.participant_id))

    @routes.post("/rpc")
    def development_rpc(
        request: Request,
        body: RpcIn,
        who: Annotated[Principal, Depends(auth.require(*ROLES))],
    ) -> RpcOut:
        """The development wallet (EIP-1193), for one's own wallets. Development mode only.

        Only a trader has something signed.
        """
        _require_local(request)
        if body.method in SIGNING:
            _require_trader(request, who, body.method)
        wallets = sign_in.wallets_of(who.tenant_id, who.participant_id, DEVELOPMENT_CHAIN)
        answer = answer_rpc(development, wallets, body.method, body.params)
        error = answer.error
        shown = None if error is None else RpcErrorOut(code=error.code, message=error.message)
        return RpcOut(id=body.id, result=answer.result, error=shown)

    return routes


def _require_trader(request: Request, who: Principal, method: str) -> None:
    """Raise Forbidden unless the caller may trade; either way the log says who asked."""
    admitted = "trader" in who.roles
    structlog.get_logger(process="api").info(
        "development.signature" if admitted else "development.signature_refused",
        method=method,
        participant_id=who.participant_id,
        request_id=request.state.request_id,
    )
    if not admitted:
        raise Forbidden("Your role does not admit this.", needed="trader")


def answer_rpc(
    development: Development, wallets: list[str], method: str, params: list[Any]
) -> Answer:
    """What the wallet of somebody who has ``wallets`` answers."""
    if method == "eth_chainId":
        return Answer(hex(DEVELOPMENT_CHAIN))
    if method in ("eth_accounts", "eth_requestAccounts"):
        held = development.call("eth_accounts", []).result
        return Answer([each for each in wallets if any(same_address(each, h) for h in held)])
    account = _account(method, params)
    if account is None:
        return Answer(error=INVALID_PARAMS)
    if not any(same_address(account, each) for each in wallets):
        return Answer(error=UNAUTHORIZED)
    try:
        return development.call(method, params)
    except ValueInvalid:
        return Answer(error=INVALID_PARAMS)


def _account(method: str, params: list[Any]) -> str | None:
    """The account a signature is asked of: typed data names it first, personal_sign second."""
    if len(params) != 2:
        return None
    found = params[0] if method == "eth_signTypedData_v4" else params[1]
    return found if isinstance(found, str) else None


def _require_local(request: Request) -> None:
    """Raise Forbidden unless the request names this machine, and no foreign page made it.

    A page whose name was pointed to this address (DNS rebinding) carries its own name as Host.
    """
    refuse_foreign_page(request)
    host, origin = request.headers.get("host", ""), request.headers.get("origin")
    if not _names_this_machine(host) or (origin is not None and not _from_this_machine(origin)):
        raise Forbidden("Development mode answers under the name localhost only.")
    if any(_FORWARDED.match(name) for name in request.headers):
        raise Forbidden("Development mode answers nobody through a proxy.")


def _from_this_machine(origin: str) -> bool:
    scheme, _, host = origin.partition("://")
    return scheme in ("http", "https") and _names_this_machine(host)


def _names_this_machine(host: str) -> bool:
    """Whether a Host header (RFC 9110 §7.2) names a loopback address, with or without port."""
    found = _HOST.fullmatch(host)
    return found is not None and is_loopback(found[1])
