"""EIP-712 typed data of a ``Trade``: hashed by hand, written for wallets, read back strictly.

digest = keccak256(0x19 0x01 ‖ domain separator ‖ struct hash)              (EIP-712)
struct hash = keccak256(type hash ‖ the ten members, one 32-byte word each)
domain separator = keccak256(type hash ‖ keccak(name) ‖ keccak(version) ‖ chain id ‖ contract)
"""

import re
from collections.abc import Mapping
from typing import Any

import msgspec
from eth_utils.crypto import keccak

from backend.kernel.errors import DomainError
from backend.settlement.errors import TypedDataInvalid
from backend.settlement.trade import DOMAIN_NAME, DOMAIN_VERSION, Domain, Trade, checked_address

_PLAIN_INTEGER = re.compile("0|[1-9][0-9]{0,77}")

# (Solidity type, member of the contract's struct, our name)
_MEMBERS = (
    ("uint256", "id", "number"),
    ("address", "seller", "seller"),
    ("address", "buyer", "buyer"),
    ("address", "asset", "asset"),
    ("address", "cash", "cash"),
    ("uint256", "assetAmount", "asset_amount"),
    ("uint256", "cashAmount", "cash_amount"),
    ("uint256", "minAssetAmount", "min_asset_amount"),
    ("uint64", "validFrom", "valid_from"),
    ("uint64", "deadline", "deadline"),
)
_DOMAIN_MEMBERS = (
    ("string", "name"),
    ("string", "version"),
    ("uint256", "chainId"),
    ("address", "verifyingContract"),
)
TRADE_TYPE = "Trade(" + ",".join(f"{kind} {name}" for kind, name, _ in _MEMBERS) + ")"
DOMAIN_TYPE = "EIP712Domain(" + ",".join(f"{kind} {name}" for kind, name in _DOMAIN_MEMBERS) + ")"
TRADE_TYPE_HASH = keccak(text=TRADE_TYPE)
DOMAIN_TYPE_HASH = keccak(text=DOMAIN_TYPE)
TYPES: dict[str, list[dict[str, str]]] = {
    "EIP712Domain": [{"name": name, "type": kind} for kind, name in _DOMAIN_MEMBERS],
    "Trade": [{"name": name, "type": kind} for kind, name, _ in _MEMBERS],
}


class TradeHashes(msgspec.Struct, frozen=True):
    """The three hashes a careful wallet shows, 32 bytes each."""

    domain_separator: bytes
    struct_hash: bytes
    digest: bytes

    def as_hex(self) -> dict[str, str]:
        """Each as 0x and 64 lower-case hex digits."""
        return {
            "domain_separator": "0x" + self.domain_separator.hex(),
            "struct_hash": "0x" + self.struct_hash.hex(),
            "digest": "0x" + self.digest.hex(),
        }


def domain_separator(domain: Domain) -> bytes:
    """What binds a signature to this chain and this contract."""
    return keccak(
        DOMAIN_TYPE_HASH
        + keccak(text=DOMAIN_NAME)
        + keccak(text=DOMAIN_VERSION)
        + _word(domain.chain_id)
        + _word(domain.contract)
    )


def struct_hash(trade: Trade) -> bytes:
    """The hash of the trade's terms alone, the same on every chain."""
    return keccak(TRADE_TYPE_HASH + b"".join(_word(each) for each in trade.as_abi()))


def hashes(trade: Trade, domain: Domain) -> TradeHashes:
    """Domain separator, struct hash, and the digest that is signed."""
    separator, members = domain_separator(domain), struct_hash(trade)
    return TradeHashes(separator, members, keccak(b"\x19\x01" + separator + members))


def typed_data_json(trade: Trade, domain: Domain) -> dict[str, Any]:
    """The JSON for ``eth_signTypedData_v4``. Big integers are decimal strings."""
    return {
        "types": {kind: [dict(member) for member in members] for kind, members in TYPES.items()},
        "primaryType": "Trade",
        "domain": {
            "name": DOMAIN_NAME,
            "version": DOMAIN_VERSION,
            "chainId": domain.chain_id,
            "verifyingContract": domain.contract,
        },
        "message": {
            name: value if kind == "address" else str(value)
            for (kind, name, ours) in _MEMBERS
            for value in (getattr(trade, ours),)
        },
    }


def parse_typed_data(document: Mapping[str, Any]) -> tuple[Trade, Domain]:
    """The trade and domain that typed-data JSON holds.

    Strict, because what is read here is shown and signed: the types must be exactly ours, no
    member may be missing or unknown. Raises TypedDataInvalid.
    """
    if document.get("primaryType") != "Trade" or document.get("types") != TYPES:
        raise TypedDataInvalid("This is not the typed data of a Tallystick trade.")
    if set(document) != {"types", "primaryType", "domain", "message"}:
        raise TypedDataInvalid("The typed data has members that do not belong there.")
    message = _members(document["message"], {name for _, name, _ in _MEMBERS}, "message")
    domain = _members(document["domain"], {name for _, name in _DOMAIN_MEMBERS}, "domain")
    if (domain["name"], domain["version"]) != (DOMAIN_NAME, DOMAIN_VERSION):
        raise TypedDataInvalid("The typed data is for another application.", name=domain["name"])
    try:
        values = {
            ours: _address(message[name]) if kind == "address" else _integer(message[name])
            for kind, name, ours in _MEMBERS
        }
        trade = msgspec.convert(values, Trade)
        return trade, Domain(_integer(domain["chainId"]), _address(domain["verifyingContract"]))
    except TypedDataInvalid:
        raise
    except DomainError as error:
        raise TypedDataInvalid(error.message, **error.context) from error


def _members(value: Any, names: set[str], where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping) or set(value) != names:
        raise TypedDataInvalid("The typed data lacks a member or has an unknown one.", part=where)
    return value


def _integer(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and _PLAIN_INTEGER.fullmatch(value) is not None:
        return int(value)
    raise TypedDataInvalid("A number of the typed data is not a plain integer.")


def _address(value: Any) -> str:
    if isinstance(value, str):
        return checked_address(value)
    raise TypedDataInvalid("An address of the typed data is not a string.")


def _word(value: int | str) -> bytes:
    if isinstance(value, str):
        return bytes(12) + bytes.fromhex(checked_address(value)[2:])
    return value.to_bytes(32, "big")
