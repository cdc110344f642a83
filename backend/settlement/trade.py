"""The signed object: the contract's ``Trade`` and the EIP-712 domain it is signed for.

Pure values, no hashing and no chain. Amounts are integers in the tokens' smallest units, times
are Unix seconds, as the contract reads them.
"""

import re
from decimal import Context, Decimal, Inexact, InvalidOperation, localcontext

import msgspec

from backend.kernel.errors import AmountInvalid, ValueInvalid

DOMAIN_NAME = "Tallystick Settlement"
DOMAIN_VERSION = "1"

_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")
_EXACT = Context(prec=80, traps=[Inexact, InvalidOperation])
_UINT256 = 2**256
_UINT64 = 2**64


def checked_address(text: str) -> str:
    """``text`` if it is 0x and 40 hex digits, else ValueInvalid. Letter case is not judged."""
    if _ADDRESS.fullmatch(text) is None:
        raise ValueInvalid("This is not an address of 20 bytes.", value=text[:64])
    return text


def same_address(left: str, right: str) -> bool:
    """Whether two spellings name one account (EIP-55 letter case carries no meaning)."""
    return left.lower() == right.lower()


class Domain(msgspec.Struct, frozen=True):
    """Where a signature holds: one contract on one chain (EIP-712 domain)."""

    chain_id: int
    contract: str

    def __post_init__(self) -> None:
        _checked_uint(self.chain_id, _UINT256, "chain_id")
        checked_address(self.contract)


class Trade(msgspec.Struct, frozen=True):
    """One delivery versus payment, as both parties sign it (ISettlement.sol, ``Trade``).

    The seller delivers ``asset_amount`` of ``asset``, the buyer ``cash_amount`` of ``cash``;
    it may settle from second ``valid_from`` to second ``deadline``, both included.
    """

    number: int
    seller: str
    buyer: str
    asset: str
    cash: str
    asset_amount: int
    cash_amount: int
    min_asset_amount: int
    valid_from: int
    deadline: int

    def __post_init__(self) -> None:
        for name in ("seller", "buyer", "asset", "cash"):
            checked_address(getattr(self, name))
        for name in ("number", "asset_amount", "cash_amount", "min_asset_amount"):
            _checked_uint(getattr(self, name), _UINT256, name)
        for name in ("valid_from", "deadline"):
            _checked_uint(getattr(self, name), _UINT64, name)

    def as_abi(self) -> tuple[int, str, str, str, str, int, int, int, int, int]:
        """The ten members in the contract's order."""
        return (
            self.number,
            self.seller,
            self.buyer,
            self.asset,
            self.cash,
            self.asset_amount,
            self.cash_amount,
            self.min_asset_amount,
            self.valid_from,
            self.deadline,
        )


class SignedTrade(msgspec.Struct, frozen=True):
    """A trade with both consents: 65-byte signatures (r ‖ s ‖ v, v 27 or 28) as 0x hex."""

    trade: Trade
    seller_signature: str
    buyer_signature: str


def to_token_units(amount: Decimal, decimals: int) -> int:
    """``amount`` in a token's smallest units, exactly.

    Raises AmountInvalid when the token cannot express the amount, or when it is not positive.
    """
    with localcontext(_EXACT):
        scaled = amount.scaleb(decimals)
        if scaled != scaled.to_integral_value():
            raise AmountInvalid(
                f"The token has {decimals} decimals and cannot express this amount.",
                amount=format(amount, "f"),
            )
        if scaled <= 0:
            raise AmountInvalid("A leg must be greater than zero.", amount=format(amount, "f"))
        return int(scaled)


def from_token_units(units: int, decimals: int) -> Decimal:
    """Smallest units as a plain decimal: 100000000 with 6 decimals is 100."""
    with localcontext(_EXACT):
        value = Decimal(units).scaleb(-decimals).normalize()
        exponent = value.as_tuple().exponent
        return value.quantize(Decimal(1)) if isinstance(exponent, int) and exponent > 0 else value


def _checked_uint(value: int, limit: int, name: str) -> None:
    if not 0 <= value < limit:
        raise ValueInvalid("The number does not fit its unsigned type.", field=name)
