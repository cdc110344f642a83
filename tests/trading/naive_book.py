"""A model of the order book that is too simple to be wrong: one list, searched from end to end."""

from dataclasses import dataclass

from backend.trading.domain.orderbook import (
    Cancel,
    Command,
    Enter,
    Entered,
    Fact,
    Removed,
    SelfTradePrevention,
    Traded,
)
from backend.trading.events import RemovalReason


@dataclass
class _Resting:
    arrival: int
    order: Enter
    leaves: int


class NaiveBook:
    """Every operation is O(n): the best order is the minimum over all of the other side."""

    def __init__(self) -> None:
        self.orders: list[_Resting] = []
        self.arrivals = 0

    def execute(self, command: Command) -> list[Fact] | None:
        """The facts, or None for a cancel of what is not here."""
        if isinstance(command, Cancel):
            return self._cancel(command.order_id)
        self.arrivals += 1
        taker = _Resting(self.arrivals, command, command.quantity)
        facts: list[Fact] = [
            Entered(command.order_id, command.owner, command.buy, command.price, command.quantity)
        ]
        while taker.leaves and (maker := self._best_for(taker)):
            if maker.order.owner == command.owner:
                mode = command.prevention
                if mode is not SelfTradePrevention.CANCEL_NEWEST:
                    facts.append(_removed(maker))
                    self.orders.remove(maker)
                if mode is not SelfTradePrevention.CANCEL_OLDEST:
                    facts.append(_removed(taker))
                    taker.leaves = 0
                continue
            quantity = min(taker.leaves, maker.leaves)
            facts.append(
                Traded(maker.order.order_id, command.order_id, maker.order.price, quantity)
            )
            taker.leaves -= quantity
            maker.leaves -= quantity
            self.orders = [each for each in self.orders if each.leaves]
        if taker.leaves:
            self.orders.append(taker)
        return facts

    def resting(self, buy: bool) -> list[tuple[str, int, int]]:
        side = [each for each in self.orders if each.order.buy is buy]
        side.sort(key=lambda each: (-each.order.price if buy else each.order.price, each.arrival))
        return [(each.order.order_id, each.order.price, each.leaves) for each in side]

    def _best_for(self, taker: _Resting) -> _Resting | None:
        buy = taker.order.buy
        limit = taker.order.price
        fitting = [
            each
            for each in self.orders
            if each.order.buy is not buy
            and (each.order.price <= limit if buy else each.order.price >= limit)
        ]
        return min(
            fitting,
            key=lambda each: (each.order.price if buy else -each.order.price, each.arrival),
            default=None,
        )

    def _cancel(self, order_id: str) -> list[Fact] | None:
        for each in self.orders:
            if each.order.order_id == order_id:
                self.orders.remove(each)
                return [Removed(order_id, each.leaves, RemovalReason.CANCELLED)]
        return None


def _removed(order: _Resting) -> Removed:
    return Removed(order.order.order_id, order.leaves, RemovalReason.SELF_TRADE)
