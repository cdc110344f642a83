"""Given events, when a command, then events: helpers the portfolio tests share."""

from datetime import date
from decimal import Decimal

from backend.kernel.money import Money, Price, Quantity
from backend.portfolio import decisions
from backend.portfolio.commands import BookTrade
from backend.portfolio.domain import AccountState, check_invariants, evolve
from backend.portfolio.events import AccountEvent, Evidence, LotMethod, Side

WALLET = "0x" + "a1" * 20
ACME = "acme"
DAY = date(2024, 1, 2)


def evidence(number: int = 1) -> Evidence:
    return Evidence(chain_id=31337, tx_hash=f"0x{number:064x}", log_index=0)


def money(text: str, currency: str = "USD") -> Money:
    return Money.of(text, currency)


def units(text: str, security: str = ACME) -> Quantity:
    return Quantity.of(text, security)


def price(text: str, currency: str = "USD") -> Price:
    return Price.of(text, currency)


def account(currency: str = "USD", method: LotMethod = LotMethod.FIFO) -> AccountState:
    opened = decisions.open_account(
        account_id="account",
        portfolio_id="portfolio",
        name="Main",
        currency=currency,
        wallet_address=WALLET,
        lot_method=method,
    )
    return evolve(None, opened)


def then(state: AccountState, events: tuple[AccountEvent, ...]) -> AccountState:
    for event in events:
        state = evolve(state, event)
        check_invariants(state)
    return state


def trade(
    trade_id: str,
    side: Side,
    quantity: str,
    at: str,
    *,
    fees: str = "0",
    on: date = DAY,
    settles: date | None = None,
    currency: str = "USD",
    security: str = ACME,
    reservation_id: str | None = None,
) -> BookTrade:
    return BookTrade(
        trade_id=trade_id,
        order_id=reservation_id,
        side=side,
        quantity=units(quantity, security),
        price=price(at, currency),
        fees=money(fees, currency),
        trade_date=on,
        settlement_date=settles or on,
        reservation_id=reservation_id,
    )


def book(state: AccountState, command: BookTrade) -> AccountState:
    return then(state, decisions.book_trade(state, command))


def with_cash(state: AccountState, amount: str, number: int = 1) -> AccountState:
    deposit = decisions.deposit_cash(
        state, f"cash-{number}", money(amount, state.currency), DAY, evidence(number)
    )
    return then(state, deposit)


def with_units(
    state: AccountState, quantity: str, unit_cost: str, acquired: date, number: int
) -> AccountState:
    deposit = decisions.deposit_units(
        state,
        f"units-{number}",
        units(quantity),
        price(unit_cost, state.currency),
        acquired,
        max(acquired, DAY),
        evidence(number),
    )
    return then(state, deposit)


def total(amounts: list[Decimal]) -> Decimal:
    return sum(amounts, Decimal(0))
