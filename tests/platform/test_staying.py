"""Where the demonstration's clock goes: to a signed trade's date, past nobody's deadline."""

from datetime import UTC, datetime
from typing import Any

from msgspec.structs import replace

from backend.platform.demo.staying import OpenTrade, plan


def at(day: int) -> int:
    return int(datetime(2013, 3, day, tzinfo=UTC).timestamp())


def trade(name: str, settles: int, until: int, **changes: Any) -> OpenTrade:
    made = OpenTrade(name, "SIGNED", ("NOT_YET_VALID",), at(until), at(settles))
    return replace(made, **changes)


def test_the_clock_goes_to_the_first_date_that_a_signed_trade_waits_for() -> None:
    first, second = trade("a", 8, 12), trade("b", 11, 15)
    assert plan([]).next is None
    assert plan([first, second]).next == first
    assert plan([replace(first, state="SUBMITTED", reasons=()), second]).next == second
    assert plan([first, second]).notes == ()


def test_it_does_not_pass_the_deadline_of_another_open_trade() -> None:
    unsigned = trade("a", 8, 12, state="INSTRUCTED", reasons=())
    late = trade("b", 13, 19)
    found = plan([unsigned, late])
    assert found.next is None
    (note,) = found.notes
    assert "trade a is open, and its deadline on 2013-03-12 would pass" in note
    assert plan([unsigned, trade("c", 12, 19)]).next is not None, "the deadline itself is in time"


def test_it_says_why_a_trade_that_lacks_more_than_its_date_waits() -> None:
    lacking = trade("a", 8, 12, reasons=("NOT_YET_VALID", "SELLER_LACKS_UNITS"))
    found = plan([lacking])
    assert found.next is None
    (note,) = found.notes
    assert "waits for more than its date (SELLER_LACKS_UNITS)" in note
    other = trade("b", 11, 15)
    assert plan([lacking, other]).next == other
    assert plan([replace(lacking, reasons=("SELLER_LACKS_UNITS",))]).notes == ()
