"""How long it takes from an event to a proof that stands on a final block.

A running platform on a chain that makes a block every 100 ms and calls it final two blocks later:
what remains beside three blocks is ours. Each round writes an event, asks for an anchor of the
exact size, and fetches the event's proof until it carries the chain's evidence.
"""

import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import quantiles

import httpx

from anchoring.rpc import HttpRpc
from scripts.bench.report import Figure
from scripts.running import Platform, running_platform

ROUNDS = 20
BLOCK_SECONDS = 0.1
LIMIT_SECONDS = 60.0


def figures() -> list[Figure]:
    """Median and 90th percentile of the time from a commit to an anchored proof."""
    with (
        running_platform() as platform,
        _mining(platform),
        platform.api("alder") as trader,
        platform.api("operator") as operator,
    ):
        times = [_round(trader, operator) for _ in range(ROUNDS)]
    cuts = quantiles(times, n=10)
    beside = f"three blocks of {BLOCK_SECONDS * 1e3:.0f} ms"
    return [
        Figure(f"event to anchored proof, {name}", value * 1e3, "ms", beside,
               3 * BLOCK_SECONDS * 1e3, "", None)
        for name, value in (("median", cuts[4]), ("90th percentile", cuts[8]))
    ]  # fmt: skip


def _round(trader: httpx.Client, operator: httpx.Client) -> float:
    start = time.perf_counter()
    key = {"Idempotency-Key": uuid.uuid4().hex}
    opened = trader.post("/portfolios", json={"name": "P", "base_currency": "USD"}, headers=key)
    opened.raise_for_status()
    event = _event_of(trader, opened.json()["id"])  # an anchor covers what is sequenced by then
    operator.post("/anchors", json={}).raise_for_status()
    while time.perf_counter() - start < LIMIT_SECONDS:
        found = trader.get(f"/events/{event}/proof")
        if found.is_success and found.json()["anchored"]:
            return time.perf_counter() - start
        time.sleep(0.02)
    raise TimeoutError(f"no anchor within {LIMIT_SECONDS:.0f} s")


def _event_of(trader: httpx.Client, portfolio: str) -> str:
    """The id of the event that opened the portfolio, once it has its position."""
    for _ in range(500):
        stream = {"stream_id": f"portfolio-{portfolio}"}
        if items := trader.get("/events", params=stream).raise_for_status().json()["items"]:
            return str(items[0]["event_id"])
        time.sleep(0.01)
    raise TimeoutError("the event was not sequenced")


@contextmanager
def _mining(platform: Platform) -> Iterator[None]:
    stop, rpc = threading.Event(), HttpRpc(platform.chain_url)

    def mine() -> None:
        while not stop.wait(BLOCK_SECONDS):
            rpc("evm_mine", [])

    thread = threading.Thread(target=mine, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
