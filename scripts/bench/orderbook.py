"""Operations per second of the order book, beside a bare Python book in the same run.

The bare book does the same matching with the same structures and nothing else: no facts to
replay, no self-trade prevention, no errors. Both get the same operations, alternately, several
times; the best run of each counts.
"""

import random
import time
from collections.abc import Callable, Sequence

from sortedcontainers import SortedDict

from backend.trading.domain.orderbook import Cancel, Command, Enter, OrderBook
from scripts.bench.report import Figure

OPERATIONS, ROUNDS = 500_000, 3
LEAST = 400_000


class BareBook:
    """Price-time priority in as little Python as it takes."""

    def __init__(self) -> None:
        self.sides: tuple[SortedDict, SortedDict] = (SortedDict(), SortedDict())
        self.index: dict[str, tuple[int, int]] = {}
        self.trades = 0

    def execute(self, command: Command) -> None:
        """Match or rest an order; a cancel of what is not here is ignored."""
        if isinstance(command, Enter):
            self._enter(command.order_id, command.buy, command.price, command.quantity)
        elif (where := self.index.pop(command.order_id, None)) is not None:
            self._remove(where[0], where[1], command.order_id)

    def _enter(self, order_id: str, buy: bool, price: int, leaves: int) -> None:
        other, limit = (0, price) if buy else (1, -price)
        levels = self.sides[other]
        while leaves and levels and (key := levels.peekitem(0)[0]) <= limit:
            level = levels[key]
            maker, resting = next(iter(level.items()))
            self.trades += 1
            if resting > leaves:
                level[maker] = resting - leaves
                return
            leaves -= resting
            del self.index[maker]
            self._remove(other, key, maker)
        if leaves:
            key = -price if buy else price
            side = 1 - other
            self.sides[side].setdefault(key, {})[order_id] = leaves
            self.index[order_id] = (side, key)

    def _remove(self, side: int, key: int, order_id: str) -> None:
        level = self.sides[side][key]
        del level[order_id]
        if not level:
            del self.sides[side][key]


def operations(count: int, seed: int = 1) -> list[Command]:
    """30 % cancels of an order not cancelled before, 10 % aggressive orders, the rest passive."""
    chance = random.Random(seed)  # noqa: S311 - a reproducible load, not a secret
    live: list[str] = []
    made: list[Command] = []
    for number in range(count):
        kind = chance.random()
        if kind < 0.3 and live:
            at = chance.randrange(len(live))
            live[at], live[-1] = live[-1], live[at]
            made.append(Cancel(live.pop()))
            continue
        buy, order_id = chance.random() < 0.5, f"o{number}"
        distance = chance.randint(-65, -55) if kind < 0.4 else chance.randint(1, 100)
        price = 10_000 - distance if buy else 10_000 + distance
        made.append(Enter(order_id, f"p{number % 50}", buy, price, chance.randint(1, 100)))
        live.append(order_id)
    return made


def runnable(commands: Sequence[Command]) -> list[Command]:
    """The operations without cancels of orders that were filled or prevented meanwhile."""
    book = OrderBook()
    kept: list[Command] = []
    for command in commands:
        if isinstance(command, Enter) or command.order_id in book:
            book.execute(command)
            kept.append(command)
    return kept


def figures() -> list[Figure]:
    """The book's operations per second, with limit orders and cancels, beside the bare book's."""
    commands = runnable(operations(OPERATIONS))
    ours, bare = 0.0, 0.0
    for _ in range(ROUNDS):
        ours = max(ours, _rate(OrderBook().execute, commands))
        bare = max(bare, _rate(BareBook().execute, commands))
    return [
        Figure(
            "order book operations", ours, "/s", "bare Python book", bare, "≥ 400,000/s",
            ours >= LEAST,
        )
    ]  # fmt: skip


def _rate(execute: Callable[[Command], object], commands: Sequence[Command]) -> float:
    begin = time.perf_counter()
    for command in commands:
        execute(command)
    return len(commands) / (time.perf_counter() - begin)
