"""The main job, step by step. Each step goes through the API, the chain, or the log itself."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from datetime import time as day_time
from decimal import Decimal
from typing import Any

from eth_typing import Hash32

from backend.eventstore.clock import BusinessClock
from backend.kernel.errors import DomainError, ErrorCode
from backend.platform.demo.cast import Trader
from backend.platform.demo.chain import DevelopmentChain
from backend.platform.demo.client import Api, ApiRefused, wait_for
from backend.platform.demo.data import LAST
from backend.platform.demo.telling import Telling
from backend.securities import calendar
from backend.securities.ports import Security
from backend.settlement.chain.deploy import Deployer, Deployment

FIRST_DAY = date(2012, 8, 31)
ACQUIRED = date(2012, 3, 1)
AFTER_CLOSE = day_time(20, 5)
MORNING = day_time(13, 30)
UNITS = Decimal(100)
CASH_DEPOSIT = {"Alder Capital": "1000000.00", "Birch Partners": "25000.00"}
UNIT_DEPOSIT = {"Birch Partners": {"AAPL": Decimal(1000), "MSFT": Decimal(2000)}}
MAX_UNITS = "2500"


class ExpectedRefusal(DomainError):
    """Something that has to be refused was let through."""

    code = ErrorCode.INVARIANT_BROKEN


@dataclass
class Play:
    """Everything the steps act on."""

    telling: Telling
    operator: Api
    traders: tuple[Trader, Trader]
    securities: dict[str, Security]
    deployment: Deployment
    deployer: Deployer
    chain: DevelopmentChain
    clock: BusinessClock
    check_processes: Callable[[], None]

    def advance(self, moment: datetime) -> None:
        """Make ``moment`` the present of the business and of the chain."""
        if moment > self.clock.now():
            self.clock.advance_to(moment)
            time.sleep(0.7)  # every process reads the offset twice a second
        self.chain.follow(self.clock.now())

    def tick(self) -> None:
        """While waiting: keep blocks coming, and notice a process that died."""
        self.check_processes()
        self.chain.mine()


def fund(play: Play) -> None:
    """Mint tokens into the participants' wallets; the books record what the chain shows."""
    wallets = [each.address for each in play.traders]
    for contract in play.deployment.securities.values():
        play.deployer.allow(contract.address, wallets)
    cash = play.deployment.cash["USD"]
    for trader in play.traders:
        amount = Decimal(CASH_DEPOSIT[trader.name])
        _deposit(play, trader, cash.address, int(amount * 10**cash.decimals), {})
        play.telling.say(f"{trader.name}: {amount:,.2f} USD of cash tokens minted and booked")
        for ticker, units in UNIT_DEPOSIT.get(trader.name, {}).items():
            token, security = play.deployment.securities[ticker], play.securities[ticker]
            price = play.operator.get(f"/securities/{security.security_id}/price", on=str(ACQUIRED))
            body = {
                "unit_cost": {"amount": price["close"], "currency": "USD"},
                "acquired_on": str(ACQUIRED),
            }
            _deposit(play, trader, token.address, int(units * 10**token.decimals), body)
            play.telling.say(
                f"{trader.name}: {units:,} {ticker} in kind,"
                f" acquired {ACQUIRED} at {price['close']}"
            )


def _deposit(play: Play, trader: Trader, token: str, amount: int, body: dict[str, Any]) -> None:
    minted = play.deployer.mint(token, trader.address, amount)
    play.chain.finalize()
    evidence = {
        "chain_id": minted.chain_id,
        "tx_hash": minted.tx_hash,
        "log_index": minted.log_index,
    }
    trader.api.post(f"/accounts/{trader.account_id}/deposits", {**evidence, **body})


def next_trade_date(play: Play) -> date | None:
    """The next session whose settlement still has prices; None when the data ends before."""
    now = play.clock.now()
    day = now.date()
    if not calendar.is_trading_day("XNAS", day) or now.time() >= AFTER_CLOSE:
        day = calendar.next_trading_day("XNAS", day)
    return day if calendar.settlement_date("XNAS", day) <= LAST else None


def parties(play: Play, security_id: str) -> tuple[Trader, Trader]:
    """(seller, buyer): whoever holds more of the security sells."""
    return tuple(sorted(play.traders, key=lambda each: _units(each, security_id), reverse=True))  # type: ignore[return-value]


def trip_and_reset(play: Play, seller: Trader, order: dict[str, str]) -> None:
    """A tripped breaker refuses the order; reset, trading goes on."""
    _reset_open(play, {"venue", order["security_id"]})
    play.operator.post("/circuit-breakers/venue/trip", {"reason": "demonstration drill"})
    play.telling.say("tripped for the whole venue")
    _must_refuse(play, "an order while it is open", seller, order, "circuit-breaker-open")
    play.operator.post("/circuit-breakers/venue/reset", {"reason": "drill over"})
    play.telling.say("reset; the refusal and both changes are signed events")


def _reset_open(play: Play, scopes: set[str]) -> None:
    """A run that ended half-way, or a person at the dashboard, may have left trading stopped."""
    for breaker in play.operator.get("/circuit-breakers"):
        if breaker["scope"] in scopes and breaker["state"] == "open":
            body = {"reason": "left open before this run"}
            play.operator.post(f"/circuit-breakers/{breaker['scope']}/reset", body)
            play.telling.say(f"found open ({breaker['reason']}), and reset")


def refusals(play: Play, seller: Trader, buyer: Trader, order: dict[str, str]) -> None:
    """Compliance before the trade: holdings, limits, identity of the security, form."""
    units = _units(seller, order["security_id"])
    too_many = {**order, "quantity": str(units + 1), "client_order_id": _order_id()}
    _must_refuse(play, "selling more than is held", seller, too_many, "insufficient-units")
    buy = {**order, "side": "buy", "account_id": buyer.account_id}
    above = {**buy, "quantity": str(Decimal(MAX_UNITS) + 1), "client_order_id": _order_id()}
    _must_refuse(play, "buying beyond cash and the position limit", buyer, above, None)
    malformed = {**buy, "limit_price": "1e5", "client_order_id": _order_id()}
    _must_refuse(play, 'a price of "1e5"', buyer, malformed, "value-invalid")


def _must_refuse(
    play: Play, what: str, trader: Trader, order: dict[str, str], code: str | None
) -> None:
    try:
        trader.api.post("/orders", order)
    except ApiRefused as error:
        if code is not None and error.problem.get("code") != code:
            raise
        play.telling.refused(what, error)
        return
    raise ExpectedRefusal(f"This had to be refused: {what}.")


def trade(play: Play, seller: Trader, buyer: Trader, order: dict[str, str]) -> dict[str, Any]:
    """Two limit orders meet; returns the seller's side of the trade."""
    key = _order_id()
    first = seller.api.post("/orders", order, key=key)
    again = seller.api.post("/orders", order, key=key)
    if first["order_id"] != again["order_id"]:
        raise ExpectedRefusal("A repeated request made a second order.")
    buy = {**order, "side": "buy", "account_id": buyer.account_id, "client_order_id": _order_id()}
    bought = buyer.api.post("/orders", buy)
    for check in bought["checks"]:
        inputs = ", ".join(f"{name} {value}" for name, value in check["inputs"].items())
        play.telling.say(f"[green]passed[/]   {check['name']} ({inputs})")
    order_id = bought["order_id"]
    wait_for(
        "the match", lambda: _status(buyer, order_id, "FILLED"), meanwhile=play.check_processes
    )
    found: dict[str, Any] = next(
        each for each in seller.api.pages("/trades") if each["order_id"] == first["order_id"]
    )
    return {**found, "buyer_order_id": order_id}


def sign_both(play: Play, seller: Trader, buyer: Trader, trade_id: str) -> None:
    """Each side reads its instruction as a sentence and signs the same EIP-712 Trade."""
    for trader in (seller, buyer):
        instruction = wait_for(
            "the settlement instruction",
            lambda who=trader: _instruction(who, trade_id),  # type: ignore[misc]
            meanwhile=play.check_processes,
        )
        path = f"/instructions/{instruction['instruction_id']}"
        consent = trader.api.get(path)["consent"]
        sentence, signature = trader.sign(consent)
        _must_refuse_signature(play, seller, buyer, trader, path, consent)
        trader.api.post(f"{path}/signature", {"signature": signature})
        play.telling.say(f"[bold]{trader.name}[/] signed: {sentence}")
        play.telling.say(f"[dim]digest {consent['digest']}[/]")


def _must_refuse_signature(
    play: Play, seller: Trader, buyer: Trader, trader: Trader, path: str, consent: dict[str, Any]
) -> None:
    """Once, with the wrong wallet: nobody signs for another."""
    if trader is not seller:
        return
    wrong = buyer.account.unsafe_sign_hash(Hash32(bytes.fromhex(consent["digest"][2:])))
    try:
        trader.api.post(f"{path}/signature", {"signature": wrong.signature.to_0x_hex()})
    except ApiRefused as error:
        play.telling.refused("the counterparty's wallet in one's own place", error)
        return
    raise ExpectedRefusal("A signature of another wallet was accepted.")


def settle(play: Play, trade_id: str) -> dict[str, Any]:
    """One transaction moves both legs; follow it to finality."""
    shown: set[str] = set()

    def look() -> dict[str, Any] | None:
        row: dict[str, Any] = next(
            each for each in play.operator.pages("/settlements") if each["trade_id"] == trade_id
        )
        if row["state"] not in shown:
            shown.add(row["state"])
            play.telling.say(_state_line(row))
        if row["state"] == "FAILED":
            raise ExpectedRefusal(f"The settlement failed: {row['cause']}.")
        return row if row["state"] == "FINAL" else None

    return wait_for("finality", look, seconds=90, meanwhile=play.tick)


def show_books(play: Play, security: Security, on: date) -> None:
    """Positions with lots behind them, and what they are worth."""
    rows = []
    for trader in play.traders:
        account = trader.api.get(f"/accounts/{trader.account_id}")
        rows.append((trader.name, "cash", "", "", f"{Decimal(account['balance']):,.2f}", "", ""))
        held = trader.api.get(f"/portfolios/{trader.portfolio_id}/holdings", as_of=str(on))
        tickers = {each.security_id: ticker for ticker, each in play.securities.items()}
        for each in held["items"]:
            rows.append(
                (
                    "", tickers[each["security_id"]], f"{Decimal(each['units']):,.0f}",
                    each["price"] or "", _money(each["market_value"]),
                    _money(each["unrealised_gain"]), _money(each["realised_gain"]),
                )
            )  # fmt: skip
    columns = ("name", "security", "units", "price", "value USD", "unrealised", "realised")
    play.telling.table(columns, rows)


def show_nav(play: Play, first: date, last: date) -> None:
    """Net asset value by day, and the return, from the same calculation service as the API."""
    series = [
        trader.api.get(f"/portfolios/{trader.portfolio_id}/nav", **{"from": first, "to": last})
        for trader in play.traders
    ]
    rows = [
        (left["on"], f"{Decimal(left['value']):,.2f}", f"{Decimal(right['value']):,.2f}")
        for left, right in zip(series[0]["days"], series[1]["days"], strict=True)
        if calendar.is_trading_day("XNAS", date.fromisoformat(left["on"]))
    ]
    play.telling.table(("date", *(f"NAV {each.name}" for each in play.traders)), rows[-8:])
    for trader in play.traders:
        found = trader.api.get(
            f"/portfolios/{trader.portfolio_id}/performance",
            **{"from": first - timedelta(days=1), "to": last},
        )
        rate = Decimal(found["time_weighted"] or 0) * 100
        play.telling.say(
            f"{trader.name}: gain {Decimal(found['gain']):,.2f} USD"
            f" (realised {Decimal(found['realised']):,.2f}), time-weighted {rate:.3f} %"
        )


def order_for(play: Play, seller: Trader, security: Security, day: date) -> dict[str, str]:
    """A sell order at the day's real closing price."""
    price = play.operator.get(f"/securities/{security.security_id}/price", on=str(day))
    return {
        "account_id": seller.account_id,
        "security_id": security.security_id,
        "side": "sell",
        "quantity": str(UNITS),
        "limit_price": price["close"],
        "client_order_id": _order_id(),
    }


def at(day: date, moment: day_time) -> datetime:
    """A moment of a day, UTC."""
    return datetime.combine(day, moment, UTC)


def settlement_morning(day: date) -> datetime:
    """When the settlement date's business begins."""
    return at(calendar.settlement_date("XNAS", day), MORNING)


def _units(trader: Trader, security_id: str) -> Decimal:
    held = trader.api.get(f"/portfolios/{trader.portfolio_id}/holdings")["items"]
    return sum(
        (Decimal(each["units"]) for each in held if each["security_id"] == security_id), Decimal(0)
    )


def _status(trader: Trader, order_id: str, wanted: str) -> dict[str, Any] | None:
    order: dict[str, Any] = trader.api.get(f"/orders/{order_id}")
    return order if order["status"].upper() == wanted else None


def _instruction(trader: Trader, trade_id: str) -> dict[str, Any] | None:
    rows = trader.api.pages("/instructions")
    return next((each for each in rows if each["trade_id"] == trade_id), None)


def _state_line(row: dict[str, Any]) -> str:
    facts = [f"[bold]{row['state']}[/]"]
    if row["block_number"] is not None:
        facts.append(f"block {row['block_number']}")
    if row["gas_used"] is not None:
        facts.append(f"{row['gas_used']:,} gas")
    if row["transaction_hash"]:
        facts.append(f"tx {row['transaction_hash'][:18]}…")
    return "  ".join(facts)


def _money(text: str | None) -> str:
    return "" if text is None else f"{Decimal(text):,.2f}"


def _order_id() -> str:
    return f"demo-{time.time_ns()}"


def week_before(day: date) -> date:
    """A week before ``day``, but not before there was anything."""
    return max(day - timedelta(days=7), FIRST_DAY)
