"""Participants with wallets who keep asking until they have an answer, as clients must."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx
from eth_account import Account
from eth_account.messages import encode_defunct
from eth_account.signers.local import LocalAccount

from backend.settlement.wallet import sign_trade

T = TypeVar("T")
PATIENCE_SECONDS = 90.0
_PAUSE_SECONDS = 0.1


class Unanswered(Exception):
    """The platform refused what it should take, or was silent for too long."""


class PatientApi:
    """One caller. A request is repeated with the same Idempotency-Key until it is answered."""

    def __init__(self, base_url: str, token: str) -> None:
        headers = {"Authorization": f"Bearer {token}"}
        self._client = httpx.Client(base_url=base_url, headers=headers, timeout=10.0)
        self.repeated = 0

    def get(self, path: str, **query: Any) -> Any:
        return self._ask(lambda: self._client.get(f"/api/v1{path}", params=query))

    def put(self, path: str, body: Any) -> Any:
        return self._ask(lambda: self._client.put(f"/api/v1{path}", json=body))

    def post(self, path: str, body: Any, key: str) -> Any:
        headers = {"Idempotency-Key": key}
        return self._ask(lambda: self._client.post(f"/api/v1{path}", json=body, headers=headers))

    def pages(self, path: str, **query: Any) -> list[Any]:
        """Every item of a list."""
        items: list[Any] = []
        while True:
            page = self.get(path, **{"limit": 200, **query})
            items.extend(page["items"])
            if not page["has_more"]:
                return items
            query["cursor"] = page["next_cursor"]

    def close(self) -> None:
        self._client.close()

    def _ask(self, request: Callable[[], httpx.Response]) -> Any:
        end = time.monotonic() + PATIENCE_SECONDS
        last = ""
        while time.monotonic() < end:
            try:
                response = request()
            except httpx.HTTPError as error:
                last = f"{type(error).__name__}: {error}"
            else:
                if response.status_code < 300:
                    return response.json() if response.content else None
                last = f"{response.status_code}: {response.text[:300]}"
                if not _passes(response):
                    raise Unanswered(last)
            self.repeated += 1
            time.sleep(_PAUSE_SECONDS)
        raise Unanswered(f"no answer within {PATIENCE_SECONDS:.0f} s; the last was {last}")


def _passes(response: httpx.Response) -> bool:
    """Whether the problem says that it passes by itself (RFC 9457, our member ``retryable``)."""
    try:
        problem = response.json()
    except ValueError:
        return response.status_code >= 500
    return bool(problem.get("retryable"))


@dataclass(frozen=True)
class Participant:
    """Someone with a wallet, a portfolio and one account."""

    name: str
    participant_id: str
    portfolio_id: str
    account_id: str
    wallet: LocalAccount
    api: PatientApi

    @property
    def address(self) -> str:
        return str(self.wallet.address)

    def sign(self, consent: dict[str, Any]) -> str:
        """The wallet's signature over the consent the API asks for."""
        return sign_trade(self.wallet, consent).signature


def wallet_of(name: str) -> LocalAccount:
    """A development key, the same for the same name."""
    account: LocalAccount = Account.from_key((name.encode() * 32)[:32])
    return account


def open_participant(
    operator: PatientApi, base_url: str, name: str, participant_id: str, chain_id: int
) -> Participant:
    """Register, bind a wallet, open a portfolio and an account: all over the API."""
    wallet = wallet_of(name)
    operator.put(f"/participants/{participant_id}", {"name": name})
    issued = operator.post(
        f"/participants/{participant_id}/tokens",
        {"label": "crash", "roles": ["investor", "trader"]},
        f"token-{name}",
    )
    api = PatientApi(base_url, issued["token"])
    bound = {"address": str(wallet.address), "chain_id": chain_id}
    statement = api.post("/wallet-statements", bound, f"statement-{name}")["statement"]
    signature = wallet.sign_message(encode_defunct(text=statement)).signature.to_0x_hex()
    api.post("/wallets", {**bound, "signature": signature}, f"wallet-{name}")
    portfolio = {"name": name, "base_currency": "USD"}
    portfolio_id = api.post("/portfolios", portfolio, f"portfolio-{name}")["id"]
    account = {"name": "Trading", "currency": "USD", "wallet_address": str(wallet.address)}
    path = f"/portfolios/{portfolio_id}/accounts"
    account_id = api.post(path, account, f"account-{name}")["id"]
    return Participant(name, participant_id, portfolio_id, account_id, wallet, api)
