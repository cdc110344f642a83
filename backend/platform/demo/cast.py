"""The two participants: their keys stay in their own folders, as they would on their machines."""

import json
import os
import secrets
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from eth_account.messages import encode_defunct
from eth_account.signers.local import LocalAccount

from backend.eventstore.store import Caller
from backend.identity.ids import VENUE_PARTICIPANT, VENUE_TENANT
from backend.identity.service import IdentityService
from backend.platform.demo.client import Api
from backend.platform.edge.development import PARTICIPANTS, Played
from backend.settlement.wallet import create_keystore, load_keystore, sign_trade

OPERATOR_NAME = "Tallystick Venue"
OPERATOR_ROLES = ("operator", "auditor")
PARTICIPANT_ROLES = ["investor", "trader"]


@dataclass
class Trader:
    """A participant as the demonstration plays it."""

    name: str
    participant_id: str
    portfolio_id: str
    account_id: str
    account: LocalAccount
    api: Api

    @property
    def address(self) -> str:
        return str(self.account.address)

    def sign(self, document: dict[str, Any]) -> tuple[str, str]:
        """(sentence, signature) for the consent the API asks for."""
        signed = sign_trade(self.account, document)
        return signed.sentence, signed.signature


class Cast:
    """Opens or finds the operator and the participants; what it must remember lies in ``demo``."""

    def __init__(self, folder: Path, base_url: str, chain_id: int) -> None:
        self._folder = folder
        self._base_url = base_url
        self._chain_id = chain_id
        self._folder.mkdir(parents=True, exist_ok=True)
        self._file = folder / "cast.json"
        self._known: dict[str, Any] = (
            json.loads(self._file.read_text("utf-8")) if self._file.exists() else {}
        )

    def operator(self, identity: IdentityService) -> Api:
        """The venue's operator, with a token issued in this process (there is no other way in)."""
        if "operator" not in self._known:
            caller = Caller("process:operator")
            identity.register(caller, VENUE_TENANT, VENUE_PARTICIPANT, OPERATOR_NAME, "venue")
            token = identity.issue_token(
                caller, VENUE_TENANT, VENUE_PARTICIPANT, "demonstration", OPERATOR_ROLES
            )
            self._remember("operator", {"token": token})
        return Api(self._base_url, self._known["operator"]["token"])

    def trader(self, operator: Api, name: str) -> tuple[Trader, bool]:
        """The participant, and whether it was opened just now."""
        key = name.split()[0].lower()
        new = key not in self._known
        if new:
            self._remember(key, {"participant_id": str(uuid.uuid4()), "opened": False})
        known = self._known[key]
        account = self._wallet(key)
        if not known["opened"]:
            self._open(operator, name, key, account)
        api = Api(self._base_url, known["token"])
        return (
            Trader(
                name,
                known["participant_id"],
                known["portfolio_id"],
                known["account_id"],
                account,
                api,
            ),
            new,
        )

    def _open(self, operator: Api, name: str, key: str, account: LocalAccount) -> None:
        known = self._known[key]
        participant_id = known["participant_id"]
        operator.put(f"/participants/{participant_id}", {"name": name})
        issued = operator.post(
            f"/participants/{participant_id}/tokens",
            {"label": "demonstration", "roles": PARTICIPANT_ROLES},
        )
        api = Api(self._base_url, issued["token"])
        wallet = {"address": str(account.address), "chain_id": self._chain_id}
        statement = api.post("/wallet-statements", wallet)["statement"]
        signature = account.sign_message(encode_defunct(text=statement)).signature.to_0x_hex()
        api.post("/wallets", {**wallet, "signature": signature})
        portfolio = api.post("/portfolios", {"name": f"{name} main", "base_currency": "USD"})["id"]
        opened = api.post(
            f"/portfolios/{portfolio}/accounts",
            {"name": "Trading", "currency": "USD", "wallet_address": str(account.address)},
        )
        known.update(
            token=issued["token"], portfolio_id=portfolio, account_id=opened["id"], opened=True
        )
        self._remember(key, known)

    def _wallet(self, key: str) -> LocalAccount:
        folder = self._folder / "wallets"
        folder.mkdir(mode=0o700, exist_ok=True)
        path, password = folder / f"{key}.json", folder / f"{key}.password"
        if not password.exists():
            _write_private(password, secrets.token_urlsafe(18))
        secret = password.read_text("ascii")
        if not path.exists():
            create_keystore(path, secret, kdf="pbkdf2")
        return load_keystore(path, secret)

    def announce(self, traders: Sequence[Trader]) -> None:
        """Write down whom development mode lets people sign in as; no credential is in it."""
        played = [
            Played(each.participant_id, each.name, tuple(PARTICIPANT_ROLES)) for each in traders
        ]
        played.append(Played(VENUE_PARTICIPANT, OPERATOR_NAME, OPERATOR_ROLES))
        data = msgspec.json.format(msgspec.json.encode(played), indent=2)
        _write_private(self._folder / PARTICIPANTS, data.decode())

    def _remember(self, key: str, value: dict[str, Any]) -> None:
        self._known[key] = value
        _write_private(self._file, json.dumps(self._known, indent=2))


def _write_private(path: Path, text: str) -> None:
    temporary = path.with_name(path.name + "~")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    temporary.replace(path)
