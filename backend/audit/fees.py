"""What an anchor may cost. Pure; all amounts are in wei.

Two limits. The cap holds for each transaction: no more than so much for a unit of gas. The
daily budget holds for any 24 hours: what was paid in them, and the most that the next
transaction can cost, stay within it together. A transaction that would pass a limit waits; the
log does not. EIP-1559 fees: the base fee is burnt, the tip goes to the block's builder.
"""

from typing import NamedTuple

FEE_CAP = 500 * 10**9
"""The default cap, 500 gwei: dearer blocks are rare, and an anchor can wait for the next."""

FEE_CAP_REACHED = "fee-cap"
BUDGET_REACHED = "daily-budget"


class Market(NamedTuple):
    """What the chain asks for now, per gas."""

    base_fee: int
    tip: int


class Offer(NamedTuple):
    """The two fee fields of a transaction, per gas."""

    max_fee_per_gas: int
    max_priority_fee_per_gas: int


NOTHING = Offer(0, 0)
"""No transaction was sent yet: any offer is enough."""


class Limits(NamedTuple):
    """The operator's limits; ``daily_budget`` None sets none."""

    fee_per_gas: int = FEE_CAP
    daily_budget: int | None = None


DEFAULT_LIMITS = Limits()


class Refusal(NamedTuple):
    """Why nothing is offered now, with the figures."""

    reason: str
    fee_per_gas: int
    worst_case: int


def raised(offer: Offer) -> Offer:
    """The least that nodes take in place of ``offer``: 12.5 % more on both fields."""
    return Offer(*(fee * 9 // 8 + 1 for fee in offer))


def make_offer(
    market: Market, limits: Limits, spent: int, gas: int, at_least: Offer = NOTHING
) -> Offer | Refusal:
    """What to offer for a transaction of at most ``gas``, or why not to.

    Twice the base fee stays includable through six full blocks in a row; where that passes the
    cap, the cap itself is offered as long as it covers the present block.
    """
    tip = max(market.tip, at_least.max_priority_fee_per_gas)
    least = max(market.base_fee + tip, at_least.max_fee_per_gas)
    if least > limits.fee_per_gas:
        return Refusal(FEE_CAP_REACHED, least, least * gas)
    wanted = max(2 * market.base_fee + tip, least)
    offer = Offer(min(wanted, limits.fee_per_gas), tip)
    worst = offer.max_fee_per_gas * gas
    if limits.daily_budget is not None and spent + worst > limits.daily_budget:
        return Refusal(BUDGET_REACHED, offer.max_fee_per_gas, worst)
    return offer
