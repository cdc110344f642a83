"""Money-weighted return: the internal rate of return, found by scanning, never guessed.

NPV(r) = sum of cf_i / (1 + r)^t_i with t in years of 365 days (ACT/365F). The whole range of
1 + r from 1e-9 to 1e7 is scanned on a grid of ln(1 + r) and every change of sign bisected, so
"no root" and "several roots" are told apart from a root; an iteration from a guess cannot.
Exponents are shifted by their maximum: only the sign of the NPV matters, and nothing overflows.
float64 from here on: rates are analytics, not money.
"""

import math
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from enum import StrEnum

import msgspec
import numpy as np
import numpy.typing as npt

YEAR_DAYS = 365
_LOW, _HIGH, _STEPS = math.log(1e-9), math.log(1e7), 8_000
_CHUNK = 500
Floats = npt.NDArray[np.float64]


class RootStatus(StrEnum):
    """Whether a rate can be told, and if not, why."""

    OK = "ok"
    MULTIPLE_ROOTS = "multiple_roots"
    NO_ROOT = "no_root"
    ONE_SIGN = "one_sign"


class MoneyWeighted(msgspec.Struct, frozen=True, kw_only=True):
    """``rate`` per period of the times given; with several roots the one nearest to 0."""

    status: RootStatus
    rate: float | None
    roots: tuple[float, ...]


def xirr(flows: Sequence[tuple[date, Decimal | float]]) -> MoneyWeighted:
    """The annual rate of dated flows, contributions negative, proceeds positive, any order."""
    if not flows:
        return MoneyWeighted(status=RootStatus.ONE_SIGN, rate=None, roots=())
    start = min(on for on, _ in flows)
    by_day: dict[date, Decimal | float] = {}
    for on, amount in flows:
        by_day[on] = by_day.get(on, type(amount)(0)) + amount  # type: ignore[operator]
    years = [(on - start).days / YEAR_DAYS for on in by_day]
    return internal_rate(list(map(float, by_day.values())), years)


def internal_rate(amounts: Sequence[float], times: Sequence[float]) -> MoneyWeighted:
    """The rate per unit of ``times`` at which the amounts are worth nothing together."""
    every = np.array(amounts, dtype=np.float64)
    flows = every[every != 0]
    when = np.array(times, dtype=np.float64)[every != 0]
    if not (flows > 0).any() or not (flows < 0).any():
        return MoneyWeighted(status=RootStatus.ONE_SIGN, rate=None, roots=())
    grid = np.linspace(_LOW, _HIGH, _STEPS + 1)
    chunks = [grid[i : i + _CHUNK] for i in range(0, len(grid), _CHUNK)]
    signs = np.concatenate([_sign(flows, when, chunk) for chunk in chunks])
    roots = [float(grid[i]) for i in np.flatnonzero(signs == 0)]
    for i in np.flatnonzero(signs[:-1] * signs[1:] < 0):
        roots.append(_bisect(flows, when, float(grid[i]), float(grid[i + 1])))
    if not roots:
        return MoneyWeighted(status=RootStatus.NO_ROOT, rate=None, roots=())
    rates = tuple(sorted(math.expm1(root) for root in roots))
    return MoneyWeighted(
        status=RootStatus.OK if len(rates) == 1 else RootStatus.MULTIPLE_ROOTS,
        rate=math.expm1(min(roots, key=abs)),
        roots=rates,
    )


def net_present_value(rate: float, flows: Sequence[tuple[date, float]]) -> float:
    """The flows' worth on the earliest of their days at an annual rate (ACT/365F)."""
    start = min(on for on, _ in flows)
    return math.fsum(amount / (1 + rate) ** ((on - start).days / YEAR_DAYS) for on, amount in flows)


def _sign(flows: Floats, when: Floats, logs: Floats) -> Floats:
    exponents = -np.outer(logs, when)
    exponents -= exponents.max(axis=1, keepdims=True)
    signs: Floats = np.sign(np.exp(exponents) @ flows)
    return signs


def _bisect(flows: Floats, when: Floats, low: float, high: float) -> float:
    at_low = _sign(flows, when, np.array([low]))[0]
    for _ in range(80):
        middle = (low + high) / 2
        if _sign(flows, when, np.array([middle]))[0] == at_low:
            low = middle
        else:
            high = middle
    return (low + high) / 2
