"""Development mode: sign in by name, and sign with the demonstration's wallets in the browser.

It exists on a loopback address over a development chain only, and only where the wallet process
was started for it. The API's process holds no trader's key: it forwards to that process, and
only for the wallets of whoever is signed in.
"""

import json
from pathlib import Path
from typing import Any

import httpx
import msgspec

from backend.eventstore.database import Database
from backend.eventstore.scope import Scope
from backend.identity.domain import ROLES_OF
from backend.identity.service import TokenHolder
from backend.kernel.errors import NodeUnavailable, NotFound, ValueInvalid
from backend.platform import jsonrpc
from backend.platform.errors import ConfigurationInvalid
from backend.platform.loopback import is_loopback, is_loopback_url
from backend.platform.settings import DEVELOPMENT_CHAIN, Settings

ANVIL = "anvil/"
PARTICIPANTS = "participants.json"
WALLET_TIMEOUT_SECONDS = 10.0


class Played(msgspec.Struct, frozen=True):
    """A participant of the demonstration, as its cast file names it."""

    participant_id: str
    name: str
    roles: tuple[str, ...]


class WalletError(msgspec.Struct, frozen=True):
    """A JSON-RPC error object (EIP-1474 codes)."""

    code: int
    message: str


class Answer(msgspec.Struct, frozen=True):
    """What the wallet answered: one of the two is set."""

    result: Any = None
    error: WalletError | None = None


class Development:
    """The demonstration's participants and its wallet process."""

    def __init__(self, url: str, secret: str, cast: Path, database: Database) -> None:
        self._url = url
        self._headers = {
            "Authorization": f"Bearer {secret}",
            "Content-Type": "application/json",
        }
        self._cast = cast
        self._database = database

    def participants(self) -> list[Played]:
        """Whom the demonstration plays; empty until it has opened them."""
        return read_cast(self._cast)

    def holder(self, participant_id: str) -> TokenHolder:
        """Whom a session by name stands for. Raises NotFound for one that is not in the cast."""
        played = next((e for e in self.participants() if e.participant_id == participant_id), None)
        if played is None:
            raise NotFound("The demonstration has no such participant.")
        with self._database.transaction(Scope.identity()) as connection:
            row = connection.execute(
                "SELECT tenant_id, kind FROM participants WHERE participant_id = %s",
                (participant_id,),
            ).fetchone()
        if row is None or not set(played.roles) <= set(ROLES_OF[row["kind"]]):
            raise NotFound("The demonstration has no such participant.")
        return TokenHolder(str(row["tenant_id"]), participant_id, frozenset(played.roles))

    def call(self, method: str, params: list[Any]) -> Answer:
        """Ask the wallet's process.

        Raises ValueInvalid for parameters that JSON cannot hold (an infinite number, half a
        surrogate pair), NodeUnavailable when the wallet does not answer.
        """
        content = _json({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
        try:
            answer = httpx.post(
                self._url, content=content, headers=self._headers, timeout=WALLET_TIMEOUT_SECONDS
            )
            answer.raise_for_status()
            return msgspec.json.decode(answer.content, type=Answer)
        except (httpx.HTTPError, msgspec.MsgspecError) as error:
            raise NodeUnavailable("The development wallet does not answer.") from error


def _json(body: dict[str, Any]) -> bytes:
    try:
        return json.dumps(body, ensure_ascii=False, allow_nan=False).encode()
    except ValueError as error:  # also what cannot be encoded
        raise ValueInvalid("The parameters are not plain JSON.") from error


def read_cast(path: Path) -> list[Played]:
    """The participants that a demonstration wrote down; none where there is no file."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=list[Played])
    except FileNotFoundError:
        return []


def development_of(settings: Settings, cast: Path, database: Database) -> Development | None:
    """Development mode as configured, or None where it is not.

    Raises ConfigurationInvalid when it is asked for where it must not be, NodeUnavailable when
    the node does not say what it is.
    """
    url, secret = settings.development_wallet_url, settings.development_wallet_secret
    if url is None:
        return None
    if secret is None:
        raise ConfigurationInvalid("Development mode needs TALLYSTICK_DEVELOPMENT_WALLET_SECRET.")
    public = settings.public_url
    here = {
        "TALLYSTICK_HOST": is_loopback(settings.host),
        "TALLYSTICK_PUBLIC_URL": public is None or is_loopback_url(public),
        "The wallet": is_loopback_url(url),
    }
    for what, is_here in here.items():
        if not is_here:
            raise ConfigurationInvalid(f"Development mode: {what} must be a loopback address.")
    if settings.chain_id != DEVELOPMENT_CHAIN:
        raise ConfigurationInvalid(f"Development mode is for chain {DEVELOPMENT_CHAIN} only.")
    _require_anvil(settings)
    return Development(url, secret.get_secret_value(), cast, database)


def _require_anvil(settings: Settings) -> None:
    if settings.chain_rpc_url is None:
        raise ConfigurationInvalid("Development mode needs CHAIN_RPC_URL.")
    version = jsonrpc.call(settings.chain_rpc_url.get_secret_value(), "web3_clientVersion")
    if not str(version).lower().startswith(ANVIL):
        raise ConfigurationInvalid("Development mode needs an Anvil node.", found=str(version)[:80])
