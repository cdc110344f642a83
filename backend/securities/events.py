"""Events of the securities register. All belong to the venue's tenant."""

from backend.kernel.events import Event


class SecurityRegistered(Event, frozen=True, kw_only=True):
    """A security entered the register, under its ISIN and its ticker on one market."""

    type = "security.registered"

    security_id: str
    isin: str
    ticker: str
    name: str
    currency: str
    asset_class: str
    mic: str


class SecurityTokenised(Event, frozen=True, kw_only=True):
    """A token contract stands for the security from now on."""

    type = "security.tokenised"

    security_id: str
    chain_id: int
    token_address: str
    decimals: int


class CashTokenRegistered(Event, frozen=True, kw_only=True):
    """A token contract stands for a currency: the cash leg of settlement."""

    type = "cash_token.registered"

    currency: str
    chain_id: int
    token_address: str
    decimals: int


EVENTS: tuple[type[Event], ...] = (SecurityRegistered, SecurityTokenised, CashTokenRegistered)
