"""Events that break one rule of the canonical form or of the envelope each, honestly signed."""

from __future__ import annotations

import json
from collections.abc import Iterator

from tests.frontend.building import Case, event_text, one_leaf, raw_entry

SWAPPED = b'"algorithm":"ed25519","actor":"user:ada"'


def event_cases() -> Iterator[Case]:
    good = event_text()
    deep = "[" * 62 + "]" * 62
    texts: dict[str, bytes] = {
        "whole": good,
        "a member twice": good.replace(b'{"actor":', b'{"actor":"x","actor":', 1),
        "a space": good.replace(b'{"actor":', b'{ "actor":', 1),
        "another order": b'{"algorithm":"ed25519",'
        + good[1:].replace(b'"algorithm":"ed25519",', b""),
        "an escape": good.replace(b'"user:ada"', b'"\\u0075ser:ada"'),
        "an escaped slash": good.replace(b'"user:ada"', b'"user\\/ada"'),
        "a slash": event_text(actor="user/ada"),
        "controls": event_text(actor="\x00\x01\b\t\n\f\r\x1f\x7f\u2028\U0001f600\ufeff"),
        "capital escapes": event_text(actor="\x1f").replace(b"\\u001f", b"\\u001F"),
        "a long escape": event_text(actor="\n").replace(b"\\n", b"\\u000a"),
        "a lone surrogate": good.replace(b'"user:ada"', b'"\\ud800"'),
        "raw surrogate bytes": good.replace(b'"user:ada"', b'"\xed\xa0\x80"'),
        "a float": event_text(payload={"n": 1.5}),
        "a whole float": event_text(payload={"n": 1.0}),
        "an exponent": good.replace(b'"n":1', b'"n":1e2'),
        "minus zero": good.replace(b'"n":1', b'"n":-0'),
        "a leading zero": good.replace(b'"n":1', b'"n":01'),
        "the largest integer": event_text(payload={"n": 2**53 - 1}),
        "the smallest integer": event_text(payload={"n": 1 - 2**53}),
        "a larger integer": event_text(payload={"n": 2**53}),
        "an integer between doubles": event_text(payload={"n": 2**53 + 1}),
        "not a number": good.replace(b'"n":1', b'"n":NaN'),
        "booleans": event_text(payload={"a": True, "b": False, "c": None}),
        "a capital key": event_text(payload={"Quantity": "1"}),
        "an empty key": event_text(payload={"": "1"}),
        "the key __proto__": event_text(payload={"__proto__": "1"}),
        "the key constructor": event_text(payload={"constructor": "1", "to_string": []}),
        "a key with a newline": event_text(payload={"a\n": "1"}),
        "keys of one stem": event_text(payload={"a": 1, "a0": 2, "a_": 3, "aa": 4}),
        "64 levels": event_text(payload={"d": json.loads(deep)}),
        "65 levels": event_text(payload={"d": [json.loads(deep)]}),
        "100 brackets": good.replace(b'"n":1', b'"n":' + b"[" * 100),
        "brackets in a string": event_text(actor="[" * 100 + '"' + "{" * 100),
        "a mark": b"\xef\xbb\xbf" + good,
        "a member missing": event_text(salt=...),
        "an unknown member": event_text(zone="x"),
        "a number for a string": event_text(actor=1),
        "a string for a number": event_text(stream_version="1"),
        "true for a number": event_text(stream_version=True),
        "null for a string": event_text(tenant_id=None),
        "a list for the payload": event_text(payload=[]),
        "an empty payload": event_text(payload={}),
        "an empty actor": event_text(actor=""),
        "an empty tenant": event_text(tenant_id=""),
        "another algorithm": event_text(algorithm="ed448"),
        "UUID version 4": event_text(event_id="7a2b9f0e-3f49-4c0e-8d0a-0b6e3e0a1b2c"),
        "a capital UUID": event_text(event_id="7A2B9F0E-3F49-7C0E-8D0A-0B6E3E0A1B2C"),
        "a UUID and a newline": event_text(event_id="7a2b9f0e-3f49-7c0e-8d0a-0b6e3e0a1b2c\n"),
        "a short salt": event_text(salt="00" * 15),
        "a time in seconds": event_text(recorded_at="2024-03-01T10:00:00Z"),
        "a time with an offset": event_text(recorded_at="2024-03-01T10:00:00.000000+00:00"),
        "a leap day": event_text(recorded_at="2024-02-29T10:00:00.000000Z"),
        "no leap day": event_text(recorded_at="2023-02-29T10:00:00.000000Z"),
        "no leap century": event_text(recorded_at="1900-02-29T10:00:00.000000Z"),
        "a leap century": event_text(recorded_at="2000-02-29T10:00:00.000000Z"),
        "April 31": event_text(recorded_at="2024-04-31T10:00:00.000000Z"),
        "year 0": event_text(recorded_at="0000-03-01T10:00:00.000000Z"),
        "year 1": event_text(recorded_at="0001-03-01T10:00:00.000000Z"),
        "year 9999": event_text(recorded_at="9999-12-31T23:59:59.999999Z"),
        "a leap second": event_text(recorded_at="2016-12-31T23:59:60.000000Z"),
        "24 hours": event_text(recorded_at="2016-12-31T24:00:00.000000Z"),
        "Arabic digits": event_text(recorded_at="\u0662024-03-01T10:00:00.000000Z"),
        "version 0": event_text(stream_version=0),
        "version 2 without previous": event_text(stream_version=2),
        "version 2": event_text(stream_version=2, previous="00" * 32),
        "version 1 with previous": event_text(previous="00" * 32),
        "a capital previous": event_text(stream_version=2, previous="AA" * 32),
        "schema 0": event_text(schema_version=0),
        "another origin": event_text(origin="x.example"),
        "another key": event_text(key_id="00" * 16),
        "no object": b'"event"',
        "nothing": b"",
    }
    for name, event in texts.items():
        entry = raw_entry(event)
        files = {"event": entry, "proof": one_leaf(entry), "anchor": None}
        yield Case(f"event with {name}", "witnessed", files)
    good_entry = raw_entry(good)
    entries = {
        "capital digits": good_entry[:-130] + good_entry[-130:-2].upper() + good_entry[-2:],
        "a space after": good_entry + b" ",
        "another frame": good_entry.replace(b'{"event":', b'{"Event":', 1),
        "a zero signature": good_entry[:-130] + b"0" * 128 + b'"}',
    }
    for name, entry in entries.items():
        files = {"event": entry, "proof": one_leaf(entry), "anchor": None}
        yield Case(f"entry with {name}", "witnessed", files)
