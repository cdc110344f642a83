"""Callers of the API under test, and the parties that trade over it."""

import uuid
from dataclasses import dataclass
from typing import Any

import httpx
from eth_account import Account
from eth_account.messages import encode_defunct
from eth_account.signers.local import LocalAccount

from backend.settlement.wallet import sign_trade

PROBLEM = "application/problem+json"
MEMBERS = {"type", "title", "status", "detail", "code", "retryable", "instance"}


class Client:
    """One caller with a token; answers are returned whatever their status."""

    def __init__(self, http: httpx.Client, token: str | None = None) -> None:
        self.http = http
        self.token = token

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """The request below ``/api/v1`` with this caller's token."""
        headers = dict(options.pop("headers", {}))
        if self.token is not None:
            headers.setdefault("Authorization", f"Bearer {self.token}")
        return self.http.request(method, f"/api/v1{path}", headers=headers, **options)

    def get(self, path: str, **query: Any) -> httpx.Response:
        return self.request("GET", path, params=query)

    def post(self, path: str, body: Any = None, key: str | None = None) -> httpx.Response:
        """POST with an Idempotency-Key, a new one unless given."""
        headers = {"Idempotency-Key": key or str(uuid.uuid4())}
        return self.request("POST", path, json=body, headers=headers)

    def put(self, path: str, body: Any) -> httpx.Response:
        return self.request("PUT", path, json=body)

    def raw(self, path: str, content: bytes, content_type: str = "application/json") -> Any:
        """POST of exactly these bytes."""
        headers = {"Idempotency-Key": str(uuid.uuid4()), "Content-Type": content_type}
        return self.request("POST", path, content=content, headers=headers)

    def pages(self, path: str, **query: Any) -> list[Any]:
        """Every item of a list, page by page."""
        items: list[Any] = []
        while True:
            page = ok(self.get(path, **query))
            items.extend(page["items"])
            if not page["has_more"]:
                return items
            query["cursor"] = page["next_cursor"]


@dataclass
class Trader:
    """A participant with a wallet, a portfolio and an account."""

    name: str
    participant_id: str
    portfolio_id: str
    account_id: str
    wallet: LocalAccount
    token: str
    client: Client

    def sign(self, consent: dict[str, Any]) -> str:
        """The wallet's signature over the consent the API asks for."""
        return sign_trade(self.wallet, consent).signature


def ok(response: httpx.Response) -> Any:
    """The body of an answer that has to be a success."""
    assert response.status_code < 300, f"{response.status_code}: {response.text}"
    return response.json() if response.content else None


def refused(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The problem document of an answer that has to be this refusal (RFC 9457)."""
    assert response.status_code == status, f"{response.status_code}: {response.text}"
    assert response.headers["content-type"] == PROBLEM
    problem: dict[str, Any] = response.json()
    assert problem["code"] == code, problem
    assert problem["status"] == status
    assert problem["type"].endswith(f"#{code}")
    assert set(problem) >= MEMBERS, problem
    assert problem["instance"] == f"urn:uuid:{response.headers['x-request-id']}"
    return problem


def wallet_of(name: str) -> LocalAccount:
    """The same key for the same name in every run."""
    account: LocalAccount = Account.from_key((name.encode() * 32)[:32])
    return account


def bind_wallet(client: Client, account: LocalAccount, chain_id: int) -> None:
    """Prove the wallet to identity and bind it to the caller."""
    wallet = {"address": str(account.address), "chain_id": chain_id}
    statement = ok(client.post("/wallet-statements", wallet))["statement"]
    signature = account.sign_message(encode_defunct(text=statement)).signature.to_0x_hex()
    ok(client.post("/wallets", {**wallet, "signature": signature}))
