"""Settlement's ports, filled by the lower contexts' public ports; bootstrap picks them up."""

from collections.abc import Callable
from typing import Protocol

from backend.compliance.ports import Breakers as BreakerStates
from backend.eventstore.store import UnitOfWork
from backend.kernel.errors import DomainError, ErrorCode
from backend.kernel.money import Money
from backend.portfolio.ports import Books as PortfolioBooksPort
from backend.portfolio.ports import BookTrade, Side
from backend.securities.ports import SecurityDirectory
from backend.settlement.domain.terms import Token
from backend.settlement.events import InstructionFailed, InstructionSettled
from backend.settlement.iso20022 import Direction


class Compliance(Protocol):
    """As much of compliance as a submission asks (``ComplianceService`` fits)."""

    def breakers(self, uow: UnitOfWork, security_id: str) -> BreakerStates: ...


class ComplianceBreakers:
    """``Breakers`` over compliance: halted when the venue's or the security's is open."""

    def __init__(self, compliance: Compliance) -> None:
        self._compliance = compliance

    def is_halted(self, uow: UnitOfWork, security_id: str) -> bool:
        return not self._compliance.breakers(uow, security_id).closed


class PortfolioBooks:
    """``Books`` over the portfolio: a confirmation is booked, a failure frees what was reserved.

    The reservation is the order's; a partly filled order frees only this trade's units.
    """

    def __init__(self, books: PortfolioBooksPort) -> None:
        self._books = books

    def book(self, uow: UnitOfWork, tenant_id: str, settled: InstructionSettled) -> None:
        deal = settled.deal
        trade = BookTrade(
            trade_id=deal.trade_id,
            order_id=settled.order_id,
            side=Side.SELL if settled.direction == Direction.DELIVER else Side.BUY,
            quantity=deal.quantity,
            price=deal.price,
            fees=Money.zero(deal.amount.currency),
            trade_date=deal.trade_date,
            settlement_date=deal.settlement_date,
            reservation_id=settled.order_id,
        )
        self._books.book_trade(uow, settled.account_id, trade, tenant_id=tenant_id)

    def release(self, uow: UnitOfWork, tenant_id: str, failed: InstructionFailed) -> None:
        self._books.release(
            uow,
            failed.account_id,
            failed.order_id,
            failed.instruction_id,
            f"settlement failed: {failed.cause}",
            failed.deal.quantity,
            tenant_id=tenant_id,
        )


class RegisteredTokens:
    """``Tokens`` over the securities register; a security without a token gives None."""

    def __init__(self, directory: Callable[[UnitOfWork], SecurityDirectory]) -> None:
        self._directory = directory

    def asset(self, uow: UnitOfWork, security_id: str) -> Token | None:
        try:
            found = self._directory(uow).by_id(security_id)
        except DomainError as error:
            _require_unknown(error)
            return None
        if found.chain_id is None or found.token_address is None or found.decimals is None:
            return None
        return Token(
            chain_id=found.chain_id,
            address=found.token_address,
            decimals=found.decimals,
            symbol=found.ticker,
        )

    def cash(self, uow: UnitOfWork, currency: str) -> Token | None:
        try:
            found = self._directory(uow).cash_token(currency)
        except DomainError as error:
            _require_unknown(error)
            return None
        return Token(
            chain_id=found.chain_id,
            address=found.token_address,
            decimals=found.decimals,
            symbol=found.currency,
        )


def _require_unknown(error: DomainError) -> None:
    """Only "there is none" is an answer; every other failure goes on."""
    if error.code is not ErrorCode.SECURITY_UNKNOWN:
        raise error
