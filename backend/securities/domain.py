"""The register's rules: what a listing must say, and that a token is bound once.

Pure: state and command in, events out. Uniqueness across securities is the register's own
table's business (``store.py``), since no single stream can see it.
"""

from collections.abc import Sequence
from enum import StrEnum

import msgspec
from eth_utils.address import is_address, to_checksum_address

from backend.kernel.errors import InvariantBroken, ValueInvalid
from backend.kernel.events import Event
from backend.kernel.money import MAX_SCALE, minor_unit
from backend.securities.errors import (
    DuplicateSecurity,
    IdentifierInvalid,
    SecurityUnknown,
    TokenConflict,
)
from backend.securities.events import CashTokenRegistered, SecurityRegistered, SecurityTokenised
from backend.securities.identifiers import checked_isin, checked_mic, checked_ticker

_MAX_NAME = 200
_MAX_CHAIN_ID = 2**53 - 1  # the event profile's integers (DESIGN section 4)


class AssetClass(StrEnum):
    """What kind of thing the security is; it decides which details it has."""

    EQUITY = "equity"
    ETF = "etf"
    FUND = "fund"
    BOND = "bond"


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """What the register records of a security. Construction checks it.

    Raises IdentifierInvalid (ISIN, ticker, MIC) or ValueInvalid (name, currency).
    """

    isin: str
    ticker: str
    name: str
    currency: str
    asset_class: AssetClass
    mic: str

    def __post_init__(self) -> None:
        checked_isin(self.isin)
        checked_ticker(self.ticker)
        checked_mic(self.mic)
        minor_unit(self.currency)
        if not self.name or len(self.name) > _MAX_NAME or self.name != self.name.strip():
            raise ValueInvalid(f"A name has 1 to {_MAX_NAME} characters and no outer blanks.")
        if not self.name.isprintable():
            raise ValueInvalid("The name has characters that cannot be shown.")


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """A token contract: chain, EIP-55 address, and how many decimals one unit has.

    Raises IdentifierInvalid (address) or ValueInvalid (chain id, decimals).
    """

    chain_id: int
    address: str
    decimals: int

    def __post_init__(self) -> None:
        checked_address(self.address)
        if not 1 <= self.chain_id <= _MAX_CHAIN_ID:
            raise ValueInvalid("The chain id is out of range.", value=self.chain_id)
        if not 0 <= self.decimals <= MAX_SCALE:
            raise ValueInvalid(f"Decimals lie between 0 and {MAX_SCALE}.", value=self.decimals)


class SecurityState(msgspec.Struct, frozen=True, kw_only=True):
    """A security as its stream tells it."""

    security_id: str
    listing: Listing
    token: Token | None = None


class CashTokenState(msgspec.Struct, frozen=True, kw_only=True):
    """A currency's token as its stream tells it."""

    currency: str
    token: Token


def checked_address(text: str) -> str:
    """A contract address in its EIP-55 spelling, not the zero address, or IdentifierInvalid.

    The checksum is demanded, not computed: it is there to catch a mistyped address.
    """
    if not is_address(text) or to_checksum_address(text) != text:
        raise IdentifierInvalid(
            "This is not an address with a correct EIP-55 checksum.", value=text[:64]
        )
    if int(text, 16) == 0:
        raise IdentifierInvalid("The zero address holds no contract.", value=text)
    return text


def register(state: SecurityState | None, security_id: str, listing: Listing) -> Sequence[Event]:
    """The events of a registration. Raises DuplicateSecurity when the id is taken."""
    if state is not None:
        raise DuplicateSecurity("The security is already registered.", security_id=security_id)
    return [
        SecurityRegistered(
            security_id=security_id,
            isin=listing.isin,
            ticker=listing.ticker,
            name=listing.name,
            currency=listing.currency,
            asset_class=listing.asset_class.value,
            mic=listing.mic,
        )
    ]


def tokenise(state: SecurityState | None, token: Token) -> Sequence[Event]:
    """The events that bind ``token``; none when it is bound already.

    Raises SecurityUnknown, or TokenConflict when another token is bound: units were issued
    under it, and an address that changes would silently re-point them.
    """
    if state is None:
        raise SecurityUnknown("No such security is registered.")
    if state.token == token:
        return []
    if state.token is not None:
        raise TokenConflict(
            "The security has another token.",
            security_id=state.security_id,
            token_address=state.token.address,
        )
    return [
        SecurityTokenised(
            security_id=state.security_id,
            chain_id=token.chain_id,
            token_address=token.address,
            decimals=token.decimals,
        )
    ]


def register_cash(state: CashTokenState | None, currency: str, token: Token) -> Sequence[Event]:
    """The events that make ``token`` the currency's cash token; none when it is already.

    Raises ValueInvalid for an unknown currency, or fewer decimals than its minor unit has,
    and TokenConflict when the currency has another token.
    """
    exponent = minor_unit(currency).as_tuple().exponent
    if not isinstance(exponent, int) or token.decimals < -exponent:
        raise ValueInvalid(
            "The token cannot carry the currency's minor unit.",
            currency=currency,
            decimals=token.decimals,
        )
    if state is None:
        return [
            CashTokenRegistered(
                currency=currency,
                chain_id=token.chain_id,
                token_address=token.address,
                decimals=token.decimals,
            )
        ]
    if state.token != token:
        raise TokenConflict("The currency has another cash token.", currency=currency)
    return []


def evolve(state: SecurityState | None, event: Event) -> SecurityState:
    """A security's state after ``event``."""
    if isinstance(event, SecurityRegistered):
        listing = Listing(
            isin=event.isin,
            ticker=event.ticker,
            name=event.name,
            currency=event.currency,
            asset_class=AssetClass(event.asset_class),
            mic=event.mic,
        )
        return SecurityState(security_id=event.security_id, listing=listing)
    if isinstance(event, SecurityTokenised) and state is not None:
        return msgspec.structs.replace(state, token=_token(event))
    raise InvariantBroken("A security's stream holds a foreign event.", type=event.type)


def evolve_cash(state: CashTokenState | None, event: Event) -> CashTokenState:
    """A cash token's state after ``event``."""
    if isinstance(event, CashTokenRegistered) and state is None:
        return CashTokenState(currency=event.currency, token=_token(event))
    raise InvariantBroken("A cash token's stream holds a foreign event.", type=event.type)


def _token(event: SecurityTokenised | CashTokenRegistered) -> Token:
    return Token(chain_id=event.chain_id, address=event.token_address, decimals=event.decimals)
