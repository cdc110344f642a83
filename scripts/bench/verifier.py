"""How long the browser's verifier takes: verify.html in a headless Chromium, from files to verdict.

The time runs from the moment the files are chosen to the moment the exit code stands on the page:
reading, every signature and hash, and the drawing of it. The first check of a page is told apart
from the later ones, which run code that the browser has compiled by then.
"""

import sys
from base64 import b64encode
from hashlib import sha256
from statistics import median
from typing import Any

from playwright.sync_api import Browser, sync_playwright

from anchoring.bundle import (
    AnyBundle,
    Bundle,
    StreamEvents,
    build_batch,
    build_bundle,
    build_stream,
)
from anchoring.checkpoint import Checkpoint, sign_checkpoint
from anchoring.envelope import EventEnvelope, sign_entry
from anchoring.keys import EventKey, EventKeys, write_event_keys
from anchoring.merkle import MemoryTree, leaf_hash, leaf_hashes
from anchoring.note import Ed25519NoteSigner
from anchoring.signing import Ed25519Signer
from anchoring.stream_index import INDEX_CONTEXT, StreamHead, StreamIndex, stream_key
from scripts.bench.dashboard import DIST
from scripts.bench.report import Figure
from scripts.running import BROWSER_FLAGS, find_chromium

ENTRIES = 1_000
ROUNDS = 5
_ORIGIN, _TENANT, _STREAM = "bench.example/log", "bench", "account-1"
_SIGNER = Ed25519Signer.from_seed(sha256(b"bench").digest())
_LOG = Ed25519NoteSigner(_ORIGIN, _SIGNER)
_VERIFY = """(files) => new Promise((resolve) => {
  const exit = document.getElementById("exit");
  const choose = document.getElementById("choose");
  const list = new DataTransfer();
  for (const [name, text] of files) {
    list.items.add(new File([Uint8Array.from(atob(text), (each) => each.charCodeAt(0))], name));
  }
  document.getElementById("clear").click();
  const start = performance.now();
  new MutationObserver((_, watch) => {
    if (exit.dataset.exit === undefined) return;
    watch.disconnect();
    requestAnimationFrame(() => resolve([performance.now() - start, exit.dataset.exit]));
  }).observe(exit, { attributes: true, attributeFilter: ["data-exit"] });
  choose.files = list.files;
  choose.dispatchEvent(new Event("change"));
})"""


def figures() -> list[Figure]:
    """Milliseconds for one entry, a batch of 1,000 and a stream of 1,000; none without Chromium."""
    chromium = find_chromium()
    if chromium is None or not (DIST / "verify.html").is_file():
        sys.stderr.write("no Chromium, or verify.html is not built: nothing is measured … ")
        return []
    bundles = _bundles()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(BROWSER_FLAGS))
        found = [each for name, bundle in bundles.items() for each in _time(browser, name, bundle)]
        browser.close()
    return found


def _time(browser: Browser, name: str, bundle: AnyBundle) -> list[Figure]:
    page = browser.new_page()
    page.goto((DIST / "verify.html").as_uri())
    times = []
    for _ in range(ROUNDS + 1):
        took, code = page.evaluate(_VERIFY, _files(bundle))
        if code != "4":  # all holds, and there is no anchor
            raise RuntimeError(f"the page came to exit code {code} over {name}")
        times.append(float(took))
    page.close()
    kinds = (("the first in a page", times[0]), ("later ones", median(times[1:])))
    return [
        Figure(f"verify.html: {name}, {kind}", value, "ms", "files to verdict", None, "", None)
        for kind, value in kinds
    ]


def _files(bundle: AnyBundle) -> list[tuple[str, str]]:
    keys = EventKeys(_ORIGIN, (EventKey(_SIGNER.public_key, 0),))
    files: dict[str, bytes | None] = {
        "policy.txt": f"log {_LOG.vkey}\nquorum none\n".encode(),
        "keys": write_event_keys(keys, [_LOG]),
    }
    if isinstance(bundle, Bundle):
        files |= {"x.event": bundle.event, "x.tlog-proof": bundle.proof}
    else:
        files |= {"x.events": bundle.events, "x.tlog-batch": bundle.proof}
        files |= {"x.stream": bundle.stream}
    return [(name, b64encode(data).decode()) for name, data in files.items() if data is not None]


def _bundles() -> dict[str, AnyBundle]:
    entries = _stream()
    head = StreamHead(stream_key(_TENANT, _STREAM), ENTRIES, leaf_hash(entries[-1]))
    index = StreamIndex.of([head])
    payload = {
        "algorithm": INDEX_CONTEXT, "root": index.root().hex(), "size": ENTRIES, "streams": 1
    }  # fmt: skip
    last = _entry(ENTRIES, None, stream_id="index-log", type="index.committed", payload=payload)
    tree = MemoryTree(leaf_hashes([*entries, last]))
    signed = sign_checkpoint(Checkpoint(_ORIGIN, tree.size, tree.root()), [_LOG])
    events = StreamEvents(
        _TENANT, _STREAM, tuple(entries), tuple(range(ENTRIES)), last, ENTRIES,
        index.prove(head.key),
    )  # fmt: skip
    return {
        "one entry": build_bundle(entries[500], 500, signed, tree),
        f"a batch of {ENTRIES:,}": build_batch(entries, range(ENTRIES), signed, tree),
        f"a stream of {ENTRIES:,}": build_stream(events, signed, tree),
    }


def _stream() -> list[bytes]:
    entries: list[bytes] = []
    previous: str | None = None
    for number in range(ENTRIES):
        entries.append(_entry(number, previous, stream_version=number + 1))
        previous = leaf_hash(entries[-1]).hex()
    return entries


def _entry(number: int, previous: str | None, **changes: Any) -> bytes:
    fields: dict[str, Any] = {
        "actor": "system:bench",
        "algorithm": "ed25519",
        "causation_id": None,
        "correlation_id": None,
        "effective_at": "2026-01-01T00:00:00.000000Z",
        "event_id": f"00000000-0000-7000-8000-{number:012x}",
        "key_id": _SIGNER.key_id,
        "origin": _ORIGIN,
        "payload": {"amount": "12.5", "n": number, "text": "x" * 200},
        "previous": previous,
        "recorded_at": "2026-01-01T00:00:00.000000Z",
        "salt": f"{number:032x}",
        "schema_version": 1,
        "stream_id": _STREAM,
        "stream_version": 1,
        "tenant_id": _TENANT,
        "type": "account.cash_deposited",
    }
    return sign_entry(EventEnvelope(**(fields | changes)), _SIGNER)
