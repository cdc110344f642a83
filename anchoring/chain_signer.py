"""Who signs transactions: a key in this process, or a signing service that keeps it.

The service speaks ``eth_accounts`` and ``eth_signTransaction`` over JSON-RPC, as Web3Signer does
in its eth1 mode. It is trusted to keep the key and with nothing else: what it gives back is
decoded, and refused unless it is the very transaction that was asked for, signed by the very
account, before any node sees it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Protocol

from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_account.typed_transactions.typed_transaction import TypedTransaction
from eth_utils.address import is_same_address, to_checksum_address
from eth_utils.crypto import keccak
from hexbytes import HexBytes

from anchoring.errors import RpcError, SignerRefused
from anchoring.rpc import Rpc

FIELDS: Final = (
    "type",
    "chainId",
    "nonce",
    "to",
    "value",
    "data",
    "gas",
    "maxFeePerGas",
    "maxPriorityFeePerGas",
)
"""What a transaction of ours consists of (EIP-1559); nothing else may be in a signed one."""

_DYNAMIC_FEE = 2
Transaction = Mapping[str, Any]


class ChainSigner(Protocol):
    """Signs EIP-1559 transactions of one account."""

    @property
    def address(self) -> str:
        """The account's checksummed address."""
        ...

    def sign(self, transaction: dict[str, Any]) -> tuple[str, str]:
        """(raw bytes, transaction hash) as 0x hex, of a transaction with exactly ``FIELDS``."""
        ...


class LocalChainSigner:
    """A key in this process's memory."""

    def __init__(self, account: LocalAccount) -> None:
        self._account = account

    @property
    def address(self) -> str:
        """The account's checksummed address."""
        return str(self._account.address)

    def sign(self, transaction: dict[str, Any]) -> tuple[str, str]:
        """(raw bytes, transaction hash) as 0x hex."""
        wanted = {**transaction, "to": to_checksum_address(transaction["to"])}
        signed = self._account.sign_transaction(wanted)
        return "0x" + bytes(signed.raw_transaction).hex(), "0x" + bytes(signed.hash).hex()


class RemoteChainSigner:
    """A key in a signing service behind a JSON-RPC callable."""

    def __init__(self, rpc: Rpc, address: str | None = None) -> None:
        """Choose the service's account: ``address``, or the only one it has.

        Raises SignerRefused when it has no such account or several to choose from, RpcError.
        """
        self._rpc = rpc
        self.address = _choose(_accounts(rpc), address)

    def sign(self, transaction: dict[str, Any]) -> tuple[str, str]:
        """(raw bytes, transaction hash) as 0x hex.

        Raises RpcError when the service does not answer, SignerRefused when it signed something
        else or as someone else: nothing of that may be broadcast.
        """
        asked = {**_quantities(transaction), "from": self.address}
        answer = self._rpc("eth_signTransaction", [asked])
        raw = answer.get("raw") if isinstance(answer, Mapping) else answer
        if not isinstance(raw, str):
            raise SignerRefused("the signing service gave no signed transaction")
        verify_signed(raw, transaction, self.address)
        return raw, "0x" + keccak(hexstr=raw).hex()


def verify_signed(raw: str, wanted: Transaction, address: str) -> None:
    """Raise SignerRefused unless ``raw`` is exactly ``wanted``, signed by ``address``."""
    try:
        data = HexBytes(raw)
        decoded = TypedTransaction.from_bytes(data)
        fields = decoded.as_dict()
        signer = Account.recover_transaction(data)
        is_canonical = decoded.encode() == bytes(data)
    except Exception as error:  # whatever the decoders raise for bytes of a stranger's making
        raise SignerRefused("the signing service gave no EIP-1559 transaction") from error
    if not is_canonical:  # a parity of 0x00 reads as one of 0x80, and has another hash
        raise SignerRefused("the signed transaction is not in its canonical form")
    if decoded.transaction_type != _DYNAMIC_FEE or fields.get("accessList"):
        raise SignerRefused("the signed transaction is of another kind")
    for name in FIELDS:
        if name != "type" and _plain(fields.get(name)) != _plain(wanted[name]):
            raise SignerRefused(f"the signed transaction has another {name}")
    if not is_same_address(signer, to_checksum_address(address)):
        raise SignerRefused(f"the transaction is signed by {signer}, not by {address}")


def _plain(value: object) -> int | bytes:
    """Numbers as numbers, everything else as bytes: 0x text, bytes, or None for none."""
    if isinstance(value, int):
        return value
    return b"" if value is None else bytes(HexBytes(value))  # type: ignore[arg-type]


def _quantities(transaction: Transaction) -> dict[str, str]:
    return {
        name: hex(transaction[name])
        if isinstance(transaction[name], int)
        else "0x" + bytes(HexBytes(transaction[name])).hex()
        for name in FIELDS
    }


def _accounts(rpc: Rpc) -> list[str]:
    answer = rpc("eth_accounts", [])
    if not isinstance(answer, list):
        raise RpcError("the signing service's accounts are not a list")
    try:
        return [to_checksum_address(each) for each in answer]
    except (TypeError, ValueError) as error:
        raise RpcError("the signing service names something that is no address") from error


def _choose(accounts: list[str], address: str | None) -> str:
    if address is None:
        if len(accounts) != 1:
            raise SignerRefused(
                f"the signing service has {len(accounts)} accounts: say which one signs"
            )
        return accounts[0]
    wanted = to_checksum_address(address)
    if wanted not in accounts:
        raise SignerRefused(f"the signing service has no key for {wanted}")
    return wanted
