"""Register participants, bind wallets, issue and check API tokens."""

import hashlib
import hmac
import secrets
import time
from datetime import datetime

import msgspec
from eth_account import Account
from eth_account.messages import encode_defunct
from eth_keys.exceptions import BadSignature
from eth_utils.address import to_checksum_address
from eth_utils.exceptions import ValidationError

from backend.eventstore.aggregate import Aggregate
from backend.eventstore.scope import Scope
from backend.eventstore.store import Caller, EventStore
from backend.identity import domain
from backend.identity.domain import Participant, Wallet
from backend.kernel.errors import DomainError, ErrorCode, NotFound, ValueInvalid

PARTICIPANT = Aggregate("participant", domain.evolve)
_CACHE_SECONDS = 30.0


class SignatureInvalid(DomainError):
    """Not a signature that any wallet could have made."""

    code = ErrorCode.SIGNATURE_INVALID


class TokenHolder(msgspec.Struct, frozen=True):
    """Whom a token stands for; without ``token_hash`` nobody's token (development mode)."""

    tenant_id: str
    participant_id: str
    roles: frozenset[str]
    expires_at: datetime | None = None
    token_hash: bytes | None = None


class IdentityService:
    """Use cases of identity; one transaction each."""

    def __init__(self, store: EventStore, origin: str) -> None:
        self._store = store
        self._origin = origin
        self._known: dict[bytes, tuple[float, TokenHolder]] = {}

    def register(
        self, caller: Caller, tenant_id: str, participant_id: str, name: str, kind: str
    ) -> None:
        """Register a participant under its own tenant; repeating it changes nothing."""
        with self._store.transaction(Scope.identity(), caller) as uow:
            loaded = uow.load(PARTICIPANT, participant_id, tenant_id=tenant_id)
            uow.append(loaded, domain.register(loaded.state, participant_id, name, kind))

    def statement(self, participant_id: str, address: str, chain_id: int) -> str:
        """What the wallet has to sign to be bound. Raises ValueInvalid for a bad address."""
        return domain.wallet_statement(
            participant_id, _checksummed(address), chain_id, self._origin
        )

    def bind_wallet(
        self,
        caller: Caller,
        tenant_id: str,
        participant_id: str,
        address: str,
        chain_id: int,
        signature: str,
    ) -> Wallet:
        """Bind a wallet by its signature over the statement. Raises SignatureInvalid & co."""
        wallet = Wallet(_checksummed(address), chain_id)
        statement = self.statement(participant_id, address, chain_id)
        signer = _recover(statement, signature)
        with self._store.transaction(Scope.app(tenant_id), caller) as uow:
            loaded = uow.load(PARTICIPANT, participant_id)
            if loaded.state is None:
                raise NotFound("There is no such participant.")
            uow.append(
                loaded, domain.bind_wallet(loaded.state, wallet, statement, signature, signer)
            )
        return wallet

    def participant(self, tenant_id: str, participant_id: str) -> Participant:
        """The participant as it stands. Raises NotFound."""
        with self._store.transaction(Scope.app(tenant_id), Caller("query")) as uow:
            state = uow.load(PARTICIPANT, participant_id).state
        if state is None:
            raise NotFound("There is no such participant.")
        return state

    def issue_token(
        self,
        caller: Caller,
        tenant_id: str,
        participant_id: str,
        label: str,
        roles: tuple[str, ...],
    ) -> str:
        """A new API token: 256 random bits, shown once, kept only as SHA-256."""
        token = "tally_" + secrets.token_urlsafe(32)
        digest = hashlib.sha256(token.encode()).digest()
        with self._store.transaction(Scope.identity(), caller) as uow:
            loaded = uow.load(PARTICIPANT, participant_id, tenant_id=tenant_id)
            uow.append(loaded, domain.issue_token(loaded.state, label, roles, digest.hex()[:16]))
            uow.connection.execute(
                "INSERT INTO api_tokens (tenant_id, token_hash, participant_id, label, roles)"
                " VALUES (%s, %s, %s, %s, %s)",
                (tenant_id, digest, participant_id, label, list(roles)),
            )
        return token

    def holder_of(self, token: str) -> TokenHolder | None:
        """Whom the token stands for, or None. Known tokens are remembered for 30 seconds."""
        digest = hashlib.sha256(token.encode()).digest()
        remembered = self._known.get(digest)
        if remembered is not None and time.monotonic() - remembered[0] < _CACHE_SECONDS:
            return remembered[1]
        with self._store.database.transaction(Scope.identity()) as connection:
            row = connection.execute(
                "SELECT tenant_id, participant_id, roles, token_hash, expires_at FROM api_tokens"
                " WHERE token_hash = %s AND (expires_at IS NULL OR expires_at > now())",
                (digest,),
            ).fetchone()
        if row is None or not hmac.compare_digest(bytes(row["token_hash"]), digest):
            return None
        holder = TokenHolder(
            str(row["tenant_id"]),
            row["participant_id"],
            frozenset(row["roles"]),
            row["expires_at"],
            digest,
        )
        self._known[digest] = (time.monotonic(), holder)
        return holder


def _checksummed(address: str) -> str:
    try:
        return str(to_checksum_address(address))
    except ValueError:
        raise ValueInvalid(
            "The wallet address is not 20 bytes in hex.", value=address[:64]
        ) from None


def _recover(statement: str, signature: str) -> str:
    try:
        return str(Account.recover_message(encode_defunct(text=statement), signature=signature))
    except (ValueError, BadSignature, ValidationError) as error:
        raise SignatureInvalid("The signature is not one that a wallet makes.") from error
