"""The key that submits settlements: its own process and file, apart from every party's key."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from eth_account import Account
from eth_account.signers.local import LocalAccount

from anchoring.chain_signer import RemoteChainSigner
from anchoring.errors import RpcError, SignerRefused
from anchoring.rpc import Rpc
from backend.kernel.errors import KeyUnavailable, NodeUnavailable
from backend.settlement.wallet import load_keystore


class TransactionSigner(Protocol):
    """Signs transactions of one account. A remote signer or HSM fits behind it."""

    @property
    def address(self) -> str:
        """The account's checksummed address."""
        ...

    def sign(self, transaction: dict[str, Any]) -> tuple[str, str]:
        """(raw bytes, transaction hash) as 0x hex. Raises KeyUnavailable."""
        ...


class LocalSigner:
    """A key in this process's memory."""

    def __init__(self, account: LocalAccount) -> None:
        self._account = account

    @classmethod
    def from_key(cls, key: str | bytes) -> "LocalSigner":
        """From a raw private key (development chains)."""
        try:
            return cls(Account.from_key(key))
        except (ValueError, TypeError) as error:
            raise KeyUnavailable("The key is not a secp256k1 private key.") from error

    @classmethod
    def from_keystore(cls, path: Path, password: str) -> "LocalSigner":
        """From a V3 keystore of mode 0600."""
        return cls(load_keystore(path, password))

    @property
    def address(self) -> str:
        return str(self._account.address)

    def sign(self, transaction: dict[str, Any]) -> tuple[str, str]:
        signed = self._account.sign_transaction(transaction)
        return "0x" + bytes(signed.raw_transaction).hex(), "0x" + bytes(signed.hash).hex()


class RemoteSigner:
    """A key that a signing service keeps; what it signs is checked before it is used."""

    def __init__(self, rpc: Rpc, address: str | None = None) -> None:
        """Choose the account. Raises KeyUnavailable, NodeUnavailable."""
        with _typed():
            self._signer = RemoteChainSigner(rpc, address)

    @property
    def address(self) -> str:
        return self._signer.address

    def sign(self, transaction: dict[str, Any]) -> tuple[str, str]:
        """(raw bytes, transaction hash) as 0x hex.

        Raises KeyUnavailable for an answer that is not what was asked for, NodeUnavailable when
        the service does not answer.
        """
        with _typed():
            return self._signer.sign(transaction)


@contextmanager
def _typed() -> Iterator[None]:
    try:
        yield
    except SignerRefused as error:
        raise KeyUnavailable(f"The signing service cannot be used: {error}") from error
    except RpcError as error:
        raise NodeUnavailable(f"The signing service does not answer: {error}") from error
