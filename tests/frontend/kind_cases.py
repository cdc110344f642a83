"""Proofs of many entries, of completeness and of personal data that break one rule each."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import msgspec

from anchoring.batch_proof import BatchProof, prove_batch
from anchoring.bundle import EventsBundle, PersonalFiles, build_bundle, build_range
from anchoring.checkpoint import Checkpoint, sign_checkpoint
from anchoring.disclosure import Disclosed, encode_disclosure
from anchoring.encoding import encode_base64
from anchoring.envelope import sign_entry
from anchoring.events_file import encode_events
from anchoring.merkle import MemoryTree, leaf_hash
from anchoring.stream_index import StreamHead, stream_key
from anchoring.stream_proof import parse_stream_proof
from tests.anchoring.support import EVENT_SIGNER, LOG_SIGNER, ORIGIN, WITNESS, envelope
from tests.frontend.building import Case
from tests.frontend.kinds import (
    EMAIL,
    ERASED_AT,
    FIRST_INDEX,
    FLIPPED,
    NAME,
    ORDER,
    PERSONAL_AT,
    SECOND_INDEX,
    Files,
    SmallLog,
    batch_of,
    erasure_bundle,
    kind_bases,
    parts_of,
    personal_bundle,
    small_log,
    stream_of,
)


def kind_cases() -> Iterator[Case]:
    yield from _whole_and_cut()
    yield from _batches()
    yield from _ranges()
    yield from _streams()
    yield from _stream_texts()
    yield from _dishonest_logs()
    yield from _personal()
    yield from _erasures()


def _whole_and_cut() -> Iterator[Case]:
    for base, files in kind_bases().items():
        yield Case(f"{base}: whole", base)
        for part in dict.fromkeys((*files, "event")):
            yield Case(f"{base}: without {part}", base, {part: None})
        for part in FLIPPED[base]:
            data = files[part] or b""
            for cut in (0, 1, len(data) // 2, len(data) - 1):
                yield Case(f"{base}: {part} cut to {cut}", base, {part: data[:cut]})
            for tail in (b"\n", b" ", b"\x00"):
                yield Case(f"{base}: {part} followed by {tail!r}", base, {part: data + tail})
            yield Case(f"{base}: {part} twice", base, {part: data + data})
            yield Case(f"{base}: {part} with CRLF", base, {part: data.replace(b"\n", b"\r\n")})
        yield Case(f"{base}: as foreign", base, {}, "c2sp")
        yield Case(f"{base}: no keys", base, {"keys": None})


def _lines(base: str, part: str = "proof") -> list[str]:
    return (kind_bases()[base][part] or b"").decode().split("\n")


def _proof(base: str, change: dict[int, str | None]) -> dict[str, bytes | None]:
    """The base's proof with lines replaced (None takes one away)."""
    found = [change.get(at, line) for at, line in enumerate(_lines(base))]
    return {"proof": "\n".join(line for line in found if line is not None).encode()}


def _batches() -> Iterator[Case]:
    lines = _lines("batch")
    first_hash = next(at for at, line in enumerate(lines) if at and not line.startswith("index"))
    log = small_log()
    entries = [log.entries[at] for at in (0, 2, 5, 10)]
    changes: dict[str, dict[int, str | None]] = {
        "an index less": {1: None},
        "an index twice": {2: lines[1]},
        "indices swapped": {1: lines[2], 2: lines[1]},
        "another index": {2: "index 3"},
        "an index beyond the tree": {4: "index 11"},
        "a huge index": {4: "index 9223372036854775807"},
        "an index above": {4: "index 9223372036854775808"},
        "an index with a zero": {2: "index 02"},
        "an index with a sign": {2: "index +2"},
        "a hash less": {first_hash: None},
        "a hash twice": {first_hash: f"{lines[first_hash]}\n{lines[first_hash]}"},
        "a zero hash": {first_hash: encode_base64(bytes(32))},
        "hashes swapped": {first_hash: lines[first_hash + 1], first_hash + 1: lines[first_hash]},
        "a short hash": {first_hash: encode_base64(bytes(31))},
        "an extra line": {0: f"{lines[0]}\nextra aGk="},
        "no index": {1: None, 2: None, 3: None, 4: None},
        "another version": {0: "tallystick/batch@v2"},
        "the header of one entry": {0: "c2sp.org/tlog-proof@v1"},
        "the header of a range": {0: "tallystick/range@v1"},
        "the header of a stream": {0: "tallystick/stream@v1"},
        "an empty line": {0: lines[0] + "\n"},
    }
    for name, change in changes.items():
        yield Case(f"batch with {name}", "batch", _proof("batch", change))
    orders = {
        "swapped": [entries[1], entries[0], *entries[2:]],
        "one twice": [entries[0], entries[0], *entries[2:]],
        "one less": entries[:-1],
        "one more": [*entries, log.entries[1]],
        "another one": [*entries[:-1], log.entries[9]],
        "one of no bytes": [*entries[:-1], b""],
    }
    for name, chosen in orders.items():
        yield Case(f"batch of entries: {name}", "batch", {"events": encode_events(chosen)})
    single = parts_of(build_bundle(entries[0], 0, log.signed(), log.tree()))
    yield Case("batch of one", "batch", _only(parts_of(batch_of([4]))))
    yield Case("batch of the last", "batch", _only(parts_of(batch_of([10]))))
    yield Case("batch of all", "batch", _only(parts_of(batch_of(list(range(11))))))
    yield Case("batch with a proof of one entry", "batch", {"proof": single["proof"]})
    yield Case("batch beside an event", "batch", {"event": entries[0]})
    yield Case("batch beside a stream", "batch", {"stream": kind_bases()["stream"]["stream"]})


def _only(files: Files) -> dict[str, bytes | None]:
    return {part: files.get(part) for part in ("events", "proof", "stream")}


def _ranges() -> Iterator[Case]:
    lines = _lines("range")
    marks = [at for at, line in enumerate(lines) if line.startswith("subtree")]
    log = small_log()
    changes: dict[str, dict[int, str | None]] = {
        "a later start": {1: "range 4 8"},
        "an earlier end": {1: "range 3 7"},
        "a later end": {1: "range 3 9"},
        "an end before its start": {1: "range 8 3"},
        "a huge range": {1: "range 3 9223372036854775807"},
        "one number": {1: "range 3"},
        "two spaces": {1: "range 3  8"},
        "no range": {1: None},
        "a subtree less": {marks[-1]: None},
        "another subtree": {marks[0]: "subtree 0 4"},
        "subtrees swapped": {marks[0]: lines[marks[1]], marks[1]: lines[marks[0]]},
        "no left hash": {2: None},
        "a left hash twice": {2: f"{lines[2]}\n{lines[2]}"},
        "a zero left hash": {2: encode_base64(bytes(32))},
        "a zero path hash": {marks[0] + 1: encode_base64(bytes(32))},
        "a path hash less": {marks[0] + 1: None},
        "a path hash twice": {marks[0] + 1: f"{lines[marks[0] + 1]}\n{lines[marks[0] + 1]}"},
        "65 path hashes": {marks[0] + 1: "\n".join([lines[marks[0] + 1]] * 65)},
    }
    for name, change in changes.items():
        yield Case(f"range with {name}", "range", _proof("range", change))
    for start, end in ((0, 11), (0, 1), (10, 11), (0, 8), (8, 11), (1, 11), (5, 6), (2, 4)):
        files = parts_of(_range(start, end))
        yield Case(f"range from {start} to {end}", "range", _only(files))
    entries = log.entries[3:8]
    swapped = [entries[1], entries[0], *entries[2:]]
    yield Case("range of entries swapped", "range", {"events": encode_events(swapped)})
    yield Case("range of an entry less", "range", {"events": encode_events(entries[:-1])})
    longer = encode_events(log.entries[3:9])
    yield Case("range of an entry more", "range", {"events": longer})


def _range(start: int, end: int) -> EventsBundle:
    log = small_log()
    return build_range(log.entries[start:end], start, log.signed(), log.tree())


def _streams() -> Iterator[Case]:
    log = small_log()
    at = log.positions(ORDER, SECOND_INDEX)
    stream = parse_stream_proof(kind_bases()["stream"]["stream"] or b"")
    earlier = parts_of(stream_of(ORDER, FIRST_INDEX))
    yield Case("stream up to the earlier index", "stream", _only(earlier))
    fewer = replace(stream, count=len(at) - 1).encode()
    chosen = {
        "the last event withheld": ([*at[:-1], SECOND_INDEX], fewer),
        "the last event withheld, the count kept": ([*at[:-1], SECOND_INDEX], None),
        "a hole": ([at[0], *at[2:], SECOND_INDEX], fewer),
        "the first event withheld": ([*at[1:], SECOND_INDEX], fewer),
        "no event at all": ([SECOND_INDEX], replace(stream, count=0).encode()),
        "an event of another stream": ([at[0], 4, *at[2:], SECOND_INDEX], None),
        "the earlier index event": (sorted([*at[:-1], FIRST_INDEX]), fewer),
        "no index event": (at, fewer),
        "another event for the index": ([*at, 10], None),
        "two index events": (sorted([*at, FIRST_INDEX, SECOND_INDEX]), None),
    }
    for name, (indices, text) in chosen.items():
        files = _only(parts_of(batch_of(indices)))
        files["stream"] = text or stream.encode()
        yield Case(f"stream with {name}", "stream", files)
    absent = parts_of(stream_of("order-9", SECOND_INDEX))
    claims = {
        "another stream's file": parts_of(stream_of("order-1", SECOND_INDEX))["stream"],
        "another tenant": replace(stream, tenant_id="other").encode(),
        "another stream": replace(stream, stream_id="order-1").encode(),
        "a larger count": replace(stream, count=len(at) + 1).encode(),
        "an absent stream's file": absent["stream"],
    }
    for name, data in claims.items():
        yield Case(f"stream with {name}", "stream", {"stream": data})
    # Claimed absent though it is there: with no place, with its own, with a neighbour's.
    there = parse_stream_proof(kind_bases()["absent"]["stream"] or b"")
    path = log.maps[SECOND_INDEX].prove(stream_key("acme", ORDER))
    own = StreamHead(stream_key("acme", ORDER), 4, leaf_hash(log.entries[at[-1]]))
    for name, neighbour in {"nothing": None, "itself": own}.items():
        lie = replace(there, stream_id=ORDER, path=replace(path, neighbour=neighbour))
        yield Case(f"present stream claimed absent: {name}", "absent", {"stream": lie.encode()})
    yield Case(
        "absent stream of another name",
        "absent",
        {"stream": replace(there, stream_id="x").encode()},
    )


def _stream_texts() -> Iterator[Case]:
    text = (kind_bases()["stream"]["stream"] or b"").decode()
    lines = text.split("\n")
    first = lines[4]
    near = f"neighbour {'00' * 32} 1 {'11' * 32}"
    texts = {
        "another version": text.replace("@v1", "@v2"),
        "no tenant": text.replace(lines[1] + "\n", ""),
        "an empty tenant": text.replace(lines[1], "tenant "),
        "a space before the tenant": text.replace(lines[1], "tenant  acme"),
        "a space after the tenant": text.replace(lines[1], "tenant acme "),
        "a tab in the stream": text.replace(lines[2], "stream order\t0"),
        "no count": text.replace(lines[3] + "\n", ""),
        "a count with a zero": text.replace(lines[3], "count 04"),
        "a neighbour": text.replace(first, f"{near}\n{first}"),
        "a hash less": text.replace(first + "\n", ""),
        "a hash twice": text.replace(first, f"{first}\n{first}"),
        "257 hashes": text.replace(first, "\n".join([first] * 257)),
        "a hash that is none": text.replace(first, "neighbours"),
        "an empty line": text + "\n",
    }
    for name, changed in texts.items():
        yield Case(f"stream file with {name}", "stream", {"stream": changed.encode()})
    absent = (kind_bases()["absent"]["stream"] or b"").decode().split("\n")
    for name, line in {
        "no count": f"neighbour {'00' * 32} 0 {'11' * 32}",
        "no head": f"neighbour {'00' * 32} 1",
        "a short key": f"neighbour {'00' * 31} 1 {'11' * 32}",
        "capitals": f"neighbour {'AA' * 32} 1 {'11' * 32}",
        "another key": f"neighbour {'00' * 32} 1 {'11' * 32}",
    }.items():
        kept = [each for each in absent if not each.startswith("neighbour")]
        changed = "\n".join([*kept[:4], line, *kept[4:]])
        yield Case(f"neighbour with {name}", "absent", {"stream": changed.encode()})


class _LyingLog(SmallLog):
    """A log whose last index event has a payload of the test's choice."""

    def lie(self, changes: dict[str, object], **event: object) -> None:
        found = self.index()
        self.maps[len(self.entries)] = found
        payload = {
            "algorithm": "tallystick/index/v1",
            "root": found.root().hex(),
            "size": len(self.entries),
            "streams": found.streams,
        } | changes
        kept = {name: value for name, value in payload.items() if value is not None}
        fields = {"type": "index.committed", "payload": kept} | event
        self.add(str(fields.pop("stream", "index-log")), "venue", **fields)


def _dishonest_logs() -> Iterator[Case]:
    """What a log signs that does not keep to the rules, under a proof that holds."""
    lies: dict[str, tuple[dict[str, object], dict[str, object]]] = {
        "whole": ({}, {}),
        "of more than came before": ({"size": 9}, {}),
        "of fewer than the last event": ({"size": 2}, {}),
        "of more streams than entries": ({"streams": 99}, {}),
        "of a size in words": ({"size": "3"}, {}),
        "of a negative count": ({"streams": -1}, {}),
        "of a true size": ({"size": True}, {}),
        "of another algorithm": ({"algorithm": "tallystick/index/v2"}, {}),
        "without a root": ({"root": None}, {}),
        "with a short root": ({"root": "00"}, {}),
        "with another member": ({"more": 1}, {}),
        "of another type": ({}, {"type": "index.forged"}),
        "of another stream": ({}, {"stream": "index-log-2"}),
        "of another version": ({}, {"schema_version": 2}),
    }
    for name, (payload, event) in lies.items():
        log = _LyingLog()
        for _ in range(3):
            log.add(ORDER)
        log.lie(payload, **event)
        yield _lying_case(f"index event {name}", log)
    forked = _LyingLog()
    forked.add(ORDER)
    forked.add(ORDER)
    forked.heads["acme", ORDER] = (1, leaf_hash(forked.entries[0]))
    other = sign_entry(
        envelope(7, stream_id=ORDER, stream_version=2, previous=leaf_hash(forked.entries[0]).hex()),
        EVENT_SIGNER,
    )
    forked.heads["acme", ORDER] = (2, leaf_hash(other))
    forked.entries.append(other)
    forked.lie({})
    yield _lying_case("forked stream, the branch not committed", forked, [0, 1])
    yield _lying_case("forked stream, the committed branch", forked, [0, 2])
    yield _lying_case("forked stream, both branches", forked, [0, 1, 2])


def _lying_case(name: str, log: _LyingLog, shown: list[int] | None = None) -> Case:
    last = len(log.entries) - 1
    chosen = [*(range(last) if shown is None else shown), last]
    tree = MemoryTree([leaf_hash(entry) for entry in log.entries])
    signed = sign_checkpoint(Checkpoint(ORIGIN, tree.size, tree.root()), [LOG_SIGNER, WITNESS])
    proof = BatchProof(tuple(chosen), tuple(prove_batch(chosen, tree.size, tree)), signed)
    template = parse_stream_proof(kind_bases()["stream"]["stream"] or b"")
    path = log.maps[last].prove(stream_key("acme", ORDER))
    stream = replace(template, count=len(chosen) - 1, path=path)
    files = {
        "events": encode_events([log.entries[at] for at in chosen]),
        "proof": proof.encode(),
        "stream": stream.encode(),
        "anchor": None,
    }
    return Case(name, "stream", files)


def _personal() -> Iterator[Case]:
    wrong = Disclosed(NAME.salt, "Ada King")
    salted = Disclosed(bytes(32), NAME.value)
    files = {
        "all disclosed": {"name": NAME, "email": EMAIL},
        "what is erased disclosed": {"email": EMAIL},
        "a wrong value": {"name": wrong},
        "a wrong salt": {"name": salted},
        "values swapped": {"name": EMAIL, "email": NAME},
        "a field it has not": {"phone": NAME},
        "an empty value": {"name": Disclosed(NAME.salt, "")},
        "another normal form": {"name": Disclosed(NAME.salt, "Ada\u00a0Lovelace")},
    }
    for name, disclosure in files.items():
        data = encode_disclosure(disclosure)
        yield Case(f"personal with {name}", "personal", {"personal": data})
    none = {"personal": None, "erasure.event": None, "erasure.tlog-proof": None}
    yield Case("personal all withheld", "personal", none)
    salt = NAME.salt.hex()
    texts = {
        "nothing": '{"disclosed":{}}',
        "a list": '{"disclosed":[]}',
        "another member": '{"disclosed":{"name":{"salt":"' + salt + '","value":"x"}},"more":1}',
        "no value": '{"disclosed":{"name":{"salt":"' + salt + '"}}}',
        "a number": '{"disclosed":{"name":{"salt":"' + salt + '","value":1}}}',
        "a third": '{"disclosed":{"name":{"more":1,"salt":"' + salt + '","value":"x"}}}',
        "a short salt": '{"disclosed":{"name":{"salt":"00","value":"x"}}}',
        "capitals": '{"disclosed":{"name":{"salt":"' + salt.upper() + '","value":"x"}}}',
        "spaces": '{"disclosed": {}}',
        "no object": "[]",
        "no bytes": "",
    }
    for name, text in texts.items():
        yield Case(f"personal file of {name}", "personal", {"personal": text.encode()})
    batch = parts_of(batch_of([PERSONAL_AT, ERASED_AT], PersonalFiles({"name": NAME})))
    yield Case("personal in a batch with its erasure", "batch", _only(batch) | _beside(batch))
    for name, value in {
        "a list": [],
        "a number": 1,
        "null": None,
        "empty": {},
        "a field of a number": {"name": 1},
        "a short commitment": {"name": "00"},
        "a commitment in capitals": {"name": "AA" * 32},
    }.items():
        entry = sign_entry(envelope(1, payload={"personal": value}), EVENT_SIGNER)
        yield Case(f"event whose personal is {name}", "personal", none | _alone(entry))


def _beside(files: Files) -> dict[str, bytes | None]:
    return {part: files.get(part) for part in ("personal", "erasure.event", "erasure.tlog-proof")}


def _alone(entry: bytes) -> dict[str, bytes | None]:
    """An entry that is a whole log, honestly signed and not anchored."""
    tree = MemoryTree([leaf_hash(entry)])
    signed = sign_checkpoint(Checkpoint(ORIGIN, 1, tree.root()), [LOG_SIGNER, WITNESS])
    bundle = build_bundle(entry, 0, signed, tree)
    return {"event": entry, "proof": bundle.proof, "anchor": None}


def _erasures() -> Iterator[Case]:
    log = small_log()
    erasure = erasure_bundle()
    other = build_bundle(log.entries[4], 4, log.signed(), log.tree())
    given = {
        "another event": (other.event, other.proof),
        "another event's proof": (erasure.event, other.proof),
        "another event's bytes": (other.event, erasure.proof),
        "no proof": (erasure.event, None),
        "no event": (None, erasure.proof),
    }
    for name, (event, proof) in given.items():
        files = {"erasure.event": event, "erasure.tlog-proof": proof}
        yield Case(f"erasure with {name}", "personal", files)
    payloads: dict[str, dict[str, object]] = {
        "whole": {},
        "of another value": {"commitments": ["11" * 32]},
        "of several values": {"commitments": sorted([*_committed(), "11" * 32])},
        "out of order": {"commitments": sorted([*_committed(), "11" * 32], reverse=True)},
        "of a value twice": {"commitments": [_committed()[0]] * 2},
        "of nothing": {"commitments": []},
        "of a number": {"commitments": [1]},
        "of a short commitment": {"commitments": ["00"]},
        "of a text": {"commitments": _committed()[0]},
        "of odd fields": {"fields": ["E-mail"]},
        "of fields in a text": {"fields": "email"},
        "without a reason": {"reason": None},
        "with another member": {"more": 1},
    }
    for name, changes in payloads.items():
        yield from _erasure_case(name, changes)
    twice = {"erasure-2.event": erasure.event, "erasure-2.tlog-proof": erasure.proof}
    yield Case("erasure twice", "personal", twice)
    second = {"erasure-2.event": other.event, "erasure-2.tlog-proof": other.proof}
    yield Case("erasure and a second that is none", "personal", second)
    plain = parts_of(personal_bundle(4, PersonalFiles(None, (erasure,))))
    files = {part: plain.get(part) for part in ("event", "proof", "personal")}
    yield Case("erasure beside an event without personal data", "personal", files)


def _committed() -> list[str]:
    entry = json.loads(small_log().entries[ERASED_AT])
    found: list[str] = entry["event"]["payload"]["commitments"]
    return found


def _erasure_case(name: str, changes: dict[str, object]) -> Iterator[Case]:
    payload = json.loads(small_log().entries[ERASED_AT])["event"]["payload"] | changes
    kept = {key: value for key, value in payload.items() if value is not None}
    event = envelope(3, type="personal_data.erased", payload=kept)
    for version in (1, 2) if name == "whole" else (1,):
        versioned = msgspec.structs.replace(event, schema_version=version)
        entry = sign_entry(versioned, EVENT_SIGNER)
        alone = _alone(entry)
        files = {"erasure.event": alone["event"], "erasure.tlog-proof": alone["proof"]}
        yield Case(f"erasure {name}, version {version}", "personal", files)
