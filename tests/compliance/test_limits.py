"""Which limit holds: the most specific that is set, for each maximum by itself."""

from decimal import Decimal
from uuid import uuid4

import pytest

from backend.compliance.domain.limits import (
    DEFAULT_LIMITS,
    Limits,
    LimitTable,
    evolve,
    set_limit,
)
from backend.compliance.errors import LimitInvalid
from backend.kernel.errors import DomainError, ValueInvalid

TENANT, ACCOUNT, SECURITY = (str(uuid4()) for _ in range(3))


def given(*entries):
    table = None
    for account, security, limits in entries:
        (event,) = set_limit(TENANT, account, security, limits, "drill")
        table = evolve(table, event)
    return table


def test_without_any_entry_the_stated_default_holds():
    assert LimitTable({}).resolve(ACCOUNT, SECURITY) == DEFAULT_LIMITS


def test_the_most_specific_entry_wins():
    one, two, three, four = (Limits(max_units=Decimal(n)) for n in (1, 2, 3, 4))
    entries = [
        (None, None, one),
        (None, SECURITY, two),
        (ACCOUNT, None, three),
        (ACCOUNT, SECURITY, four),
    ]
    for number in range(1, 5):
        found = given(*entries[:number]).resolve(ACCOUNT, SECURITY)
        assert found.max_units == number
    assert given(*entries).resolve("other", "other").max_units == 1


def test_each_maximum_is_resolved_by_itself():
    table = given(
        (None, None, Limits(max_weight=Decimal("0.2"))),
        (ACCOUNT, SECURITY, Limits(max_units=Decimal(5))),
    )
    assert table.resolve(ACCOUNT, SECURITY) == Limits(
        Decimal(5), DEFAULT_LIMITS.max_notional, Decimal("0.2")
    )


def test_setting_again_replaces():
    table = given(
        (None, None, Limits(max_units=Decimal(5))), (None, None, Limits(max_weight=Decimal(1)))
    )
    assert table.resolve(ACCOUNT, SECURITY).max_units == DEFAULT_LIMITS.max_units


@pytest.mark.parametrize(
    "limits",
    [
        Limits(max_units=Decimal(0)),
        Limits(max_notional=Decimal(-1)),
        Limits(max_weight=Decimal("1.01")),
        Limits(max_units=Decimal("NaN")),
    ],
)
def test_a_limit_is_positive_and_a_weight_at_most_one(limits):
    with pytest.raises(DomainError):
        set_limit(TENANT, None, None, limits, "drill")


def test_a_reason_and_real_ids_are_demanded():
    with pytest.raises(LimitInvalid):
        set_limit(TENANT, None, None, Limits(max_units=Decimal(1)), " ")
    with pytest.raises(ValueInvalid):
        set_limit(TENANT, "not-an-id", None, Limits(max_units=Decimal(1)), "drill")
