"""UUIDv7: form, order within a process, and no repeats across threads."""

import re
import threading

import pytest

from backend.kernel.errors import ValueInvalid
from backend.kernel.ids import Uuid7Factory, checked_id

FORM = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


def test_ids_sort_by_creation_even_when_the_clock_stands_still() -> None:
    factory = Uuid7Factory(milliseconds=lambda: 1_700_000_000_000)
    made = [factory.new() for _ in range(10_000)]
    assert made == sorted(made)
    assert len(set(made)) == len(made)
    assert all(FORM.fullmatch(each) for each in made)


def test_a_clock_that_goes_back_does_not_take_the_order_with_it() -> None:
    times = iter([2_000, 1_000, 1_000, 3_000])
    factory = Uuid7Factory(milliseconds=lambda: next(times))
    made = [factory.new() for _ in range(4)]
    assert made == sorted(made)


def test_threads_never_get_the_same_id() -> None:
    factory, made, lock = Uuid7Factory(), [], threading.Lock()

    def work() -> None:
        mine = [factory.new() for _ in range(2_000)]
        with lock:
            made.extend(mine)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(set(made)) == 16_000


def test_ids_are_checked_strictly() -> None:
    good = Uuid7Factory().new()
    assert checked_id(good) == good
    for bad in (good.upper(), good + "\n", good[:-1], "{" + good + "}", ""):
        with pytest.raises(ValueInvalid):
            checked_id(bad)
