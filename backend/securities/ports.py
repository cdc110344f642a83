"""What other contexts may ask of the securities register, and the answers' types."""

from datetime import date, datetime
from typing import Protocol

import msgspec

from backend.securities.domain import AssetClass


class Security(msgspec.Struct, frozen=True, kw_only=True):
    """A registered security as others see it; the token fields are None before tokenisation."""

    security_id: str
    isin: str
    ticker: str
    name: str
    currency: str
    asset_class: AssetClass
    mic: str
    chain_id: int | None
    token_address: str | None
    decimals: int | None


class CashToken(msgspec.Struct, frozen=True, kw_only=True):
    """The token that stands for a currency."""

    currency: str
    chain_id: int
    token_address: str
    decimals: int


class SecurityDirectory(Protocol):
    """Looks securities up. Every method raises SecurityUnknown when there is none."""

    def by_id(self, security_id: str) -> Security: ...

    def by_isin(self, isin: str) -> Security: ...

    def by_ticker(self, ticker: str, mic: str) -> Security: ...

    def with_ticker(self, ticker: str) -> tuple[Security, ...]:
        """Every market's security of this ticker, by MIC; empty when there is none."""
        ...

    def cash_token(self, currency: str) -> CashToken: ...


class MarketCalendar(Protocol):
    """Sessions and settlement by market; ``backend.securities.calendar`` is one."""

    def is_trading_day(self, mic: str, day: date) -> bool: ...

    def next_trading_day(self, mic: str, day: date) -> date: ...

    def session_hours(self, mic: str, day: date) -> tuple[datetime, datetime]: ...

    def is_settlement_day(self, mic: str, day: date) -> bool: ...

    def settlement_date(self, mic: str, trade_date: date) -> date: ...
