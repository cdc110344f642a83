"""A sale is refused while it could touch more lots than one event can name."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from backend.compliance.domain.checks import lots_spanned

lots = st.lists(st.integers(1, 6).map(Decimal), max_size=12)


def naive(held: list[Decimal], units: Decimal) -> int:
    """Try every offset an earlier sale may have left, in sixths of nothing smaller than a unit."""
    total = int(sum(held, Decimal(0)))
    most = 0
    for start in range(total):
        end = min(total, start + int(units))
        position, touched = 0, 0
        for each in held:
            if position < end and position + int(each) > start:
                touched += 1
            position += int(each)
        most = max(most, touched)
    return most


@given(lots, st.integers(1, 40).map(Decimal))
def test_it_is_at_least_what_any_sale_touches_and_hardly_more(
    held: list[Decimal], units: Decimal
) -> None:
    bound, exact = lots_spanned(held, units), naive(held, units)
    assert exact <= bound <= max(exact + 1, 1 if held else 0)


def test_a_thousand_small_lots() -> None:
    assert lots_spanned([Decimal(1)] * 1_000, Decimal(10)) in (10, 11)
    assert lots_spanned([Decimal(1)] * 1_000, Decimal(1_000)) == 1_000
