"""The business of a round: orders of both sides, consents, and the way to finality."""

import random
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from backend.securities import calendar
from scripts.crash.parties import Participant
from scripts.crash.world import AFTER_CLOSE, MORNING, World

SETTLE_SECONDS = 240.0
MOST_UNITS = 4
PAGE = 200
MOST_PAIRS = PAGE // 4
"""Pairs a round: the trades of both sides of a participant must fit one page."""


class NotSettled(Exception):
    """A round did not come to rest in time; the message says what was still under way."""


@dataclass
class Ledger:
    """What the clients know: their orders as the API acknowledged them."""

    orders: dict[str, str] = field(default_factory=dict)
    quantity: dict[str, int] = field(default_factory=dict)
    consented: dict[str, int] = field(default_factory=dict)
    repeats: int = 0

    def acknowledge(self, client_order_id: str, order_id: str) -> None:
        """Raises AssertionError when one request was given two orders."""
        known = self.orders.setdefault(client_order_id, order_id)
        if known != order_id:
            raise AssertionError(f"{client_order_id} became two orders: {known} and {order_id}")


class Traffic:
    """Drives rounds over HTTP only."""

    def __init__(self, world: World, rng: random.Random) -> None:
        self._world = world
        self._rng = rng
        self._round = 0
        self.ledger = Ledger()

    def trade(self, pairs: int) -> None:
        """A trading day: ``pairs`` sales and as many purchases that meet, and both consents."""
        world = self._world
        self._round += 1
        day = calendar.next_trading_day("XNAS", world.day)
        world.advance(datetime.combine(day, AFTER_CLOSE, UTC))
        world.day = day
        price = world.price(day)
        half = len(world.participants) // 2
        sides = (world.participants[:half], world.participants[half:])
        sellers, buyers = sides if self._round % 2 else sides[::-1]
        for _ in range(pairs):
            units = self._rng.randint(1, MOST_UNITS)
            self._order(self._rng.choice(sellers), "sell", units, price)
            self._order(self._rng.choice(buyers), "buy", units, price)
        self._consent()

    def open_settlement_date(self) -> None:
        """Bring clock and chain to the morning on which what was traded may settle."""
        world = self._world
        world.day = calendar.settlement_date("XNAS", world.day)
        world.advance(datetime.combine(world.day, MORNING, UTC))

    def settle(self, meanwhile: Callable[[], None] = lambda: None) -> None:
        """Until every settlement of the round has ended. Raises NotSettled."""
        rows: list[dict[str, Any]] = []

        def at_rest() -> bool:
            nonlocal rows
            rows = self._world.operator.get("/settlements", limit=PAGE)["items"]
            return all(row["state"] in ("FINAL", "FAILED") for row in rows)

        self._wait("settlements", at_rest, lambda: _states(rows), meanwhile)

    def _order(self, who: Participant, side: str, units: int, price: Decimal) -> None:
        client_order_id = f"{who.name}-{uuid.UUID(int=self._rng.getrandbits(128)).hex}"
        body = {
            "account_id": who.account_id,
            "security_id": self._world.security.security_id,
            "side": side,
            "quantity": str(units),
            "limit_price": str(price),
            "client_order_id": client_order_id,
        }
        placed = who.api.post("/orders", body, client_order_id)
        self.ledger.acknowledge(client_order_id, placed["order_id"])
        self.ledger.quantity[placed["order_id"]] = units
        if self._rng.random() < 0.1:  # a client that did not hear the answer asks again
            again = who.api.post("/orders", body, client_order_id)
            self.ledger.acknowledge(client_order_id, again["order_id"])
            self.ledger.repeats += 1

    def _consent(self) -> None:
        """Sign instructions as they appear, until all units of the round are under consent."""
        wanted = sum(self.ledger.quantity.values())
        consented = self.ledger.consented

        def all_signed() -> bool:
            for who in self._world.participants:
                for row in who.api.get("/instructions", limit=PAGE)["items"]:
                    if row["signed_at"] is None and row["instruction_id"] not in consented:
                        self._sign(who, row["instruction_id"])
                    consented[row["instruction_id"]] = int(Decimal(row["quantity"]))
            return sum(consented.values()) >= wanted

        self._wait("instructions", all_signed, lambda: f"{sum(consented.values())} of {wanted}")

    def _sign(self, who: Participant, instruction_id: str) -> None:
        path = f"/instructions/{instruction_id}"
        consent = who.api.get(path)["consent"]
        who.api.post(
            f"{path}/signature", {"signature": who.sign(consent)}, f"consent-{instruction_id}"
        )

    @staticmethod
    def _wait(
        what: str,
        done: Callable[[], bool],
        state: Callable[[], str],
        meanwhile: Callable[[], None] = lambda: None,
    ) -> None:
        end = time.monotonic() + SETTLE_SECONDS
        while not done():
            if time.monotonic() > end:
                raise NotSettled(f"{what} after {SETTLE_SECONDS:.0f} s: {state()}")
            meanwhile()
            time.sleep(0.2)


def _states(rows: list[dict[str, Any]]) -> str:
    counts: dict[str, int] = {}
    for row in rows:
        counts[row["state"]] = counts.get(row["state"], 0) + 1
    return ", ".join(f"{count} {state}" for state, count in sorted(counts.items()))
