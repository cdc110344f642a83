"""The demonstration's wallet: a process of the traders' side that signs for the dashboard.

It stands for the wallets that two people would have in their own browsers. It holds the
demonstration's trader keys and nothing else, listens on a loopback address, answers nobody
without its secret, and signs only trades of our own contract on the development chain, and
personal messages (EIP-191), which no chain takes for a transaction.
"""

import hmac
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec
from eth_account.messages import encode_defunct
from eth_account.signers.local import LocalAccount
from fastapi import FastAPI, Header, Response

from backend.kernel.errors import DomainError
from backend.settlement.trade import Domain, same_address
from backend.settlement.typed_data import TYPES, parse_typed_data
from backend.settlement.wallet import load_keystore, sign_trade

# EIP-1193 and EIP-1474
UNAUTHORIZED, UNSUPPORTED, INVALID_PARAMS = 4_100, 4_200, -32_602
MAX_MESSAGE_BYTES = 10_000


class Refused(Exception):
    """The wallet does not sign this; ``code`` is EIP-1193's."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class RpcRequest(msgspec.Struct):
    """A JSON-RPC 2.0 request."""

    method: str
    params: list[Any]
    id: int | str | None = None


class DevelopmentWallet:
    """The keystores of a folder, opened when they are first needed."""

    def __init__(self, folder: Path, domain: Domain) -> None:
        self._folder = folder
        self._domain = domain
        self._open: dict[Path, LocalAccount] = {}

    def answer(self, method: str, params: list[Any]) -> Any:
        """The result of one call. Raises Refused."""
        match method, params:
            case "eth_accounts", []:
                return [str(each.address) for each in self._accounts()]
            case "eth_signTypedData_v4", [str(address), document]:
                return self._sign_trade(self._account(address), document)
            case "personal_sign", [str(message), str(address)]:
                return _sign_message(self._account(address), message)
            case (("eth_accounts" | "eth_signTypedData_v4" | "personal_sign"), _):
                raise Refused(INVALID_PARAMS, "The parameters are not what this method takes.")
        raise Refused(UNSUPPORTED, "This wallet does not know the method.")

    def _sign_trade(self, account: LocalAccount, document: Any) -> str:
        """A signature over a trade of ours. The document may leave out ``EIP712Domain``."""
        typed = _with_domain_type(document)
        try:
            _, domain = parse_typed_data(typed)
            if not self._is_ours(domain):
                raise Refused(UNAUTHORIZED, "This is for another chain or another contract.")
            return sign_trade(account, typed).signature
        except DomainError as error:
            raise Refused(UNAUTHORIZED, error.message) from error

    def _is_ours(self, domain: Domain) -> bool:
        same = same_address(domain.contract, self._domain.contract)
        return same and domain.chain_id == self._domain.chain_id

    def _account(self, address: str) -> LocalAccount:
        for each in self._accounts():
            if same_address(str(each.address), address):
                return each
        raise Refused(UNAUTHORIZED, "This wallet has no such account.")

    def _accounts(self) -> list[LocalAccount]:
        """Every key that lies in the folder now: participants may still be opened."""
        for path in sorted(self._folder.glob("*.json")):
            password = path.with_suffix(".password")
            if path not in self._open and password.exists():
                self._open[path] = load_keystore(path, password.read_text("ascii"))
        return list(self._open.values())


def application(wallet: DevelopmentWallet, secret: str) -> FastAPI:
    """The wallet over HTTP: JSON-RPC 2.0 by POST to ``/``, for whoever shows ``secret``."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)

    @app.post("/")
    def call(body: dict[str, Any], authorization: Annotated[str, Header()] = "") -> Response:
        shown = authorization.removeprefix("Bearer ").encode()
        if not hmac.compare_digest(shown, secret.encode()):
            return Response(status_code=401)
        try:
            request = msgspec.convert(body, RpcRequest, strict=True)
        except msgspec.ValidationError:
            return Response(status_code=400)
        return Response(_answer(wallet, request), media_type="application/json")

    return app


def _answer(wallet: DevelopmentWallet, request: RpcRequest) -> bytes:
    envelope: dict[str, Any] = {"jsonrpc": "2.0", "id": request.id}
    try:
        envelope["result"] = wallet.answer(request.method, request.params)
    except Refused as error:
        envelope["error"] = {"code": error.code, "message": str(error)}
    return msgspec.json.encode(envelope)


def _with_domain_type(document: Any) -> Mapping[str, Any]:
    """Typed data as an object. Wallets take it as JSON text, and derive the domain's own type."""
    try:
        found = json.loads(document) if isinstance(document, str) else document
    except ValueError:
        found = None
    if not isinstance(found, dict) or not isinstance(found.get("types"), dict):
        raise Refused(INVALID_PARAMS, "The typed data is not a JSON object.")
    domain = {"EIP712Domain": TYPES["EIP712Domain"]}
    return {**found, "types": {**domain, **found["types"]}}


def _sign_message(account: LocalAccount, message: str) -> str:
    """EIP-191: ``message`` is 0x hex of its bytes, as EIP-1474 says, or plain text."""
    if len(message) > 2 * MAX_MESSAGE_BYTES:
        raise Refused(INVALID_PARAMS, "The message is too long.")
    try:
        data = bytes.fromhex(message[2:]) if message.startswith("0x") else message.encode()
    except ValueError:
        data = message.encode()
    return account.sign_message(encode_defunct(data)).signature.to_0x_hex()
