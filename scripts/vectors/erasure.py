"""Vectors of personal data: withheld, disclosed, erased, and what does not match."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from anchoring.bundle import Bundle, EventsBundle, PersonalFiles
from anchoring.disclosure import Disclosed
from scripts.vectors.cases import (
    FAILED,
    MALFORMED,
    NOT_ANCHORED,
    Case,
    batch,
    case,
    contiguous,
    flip,
    single,
)
from scripts.vectors.log import ACME
from scripts.vectors.story import CONTACT, OTHER_VALUES, VALUES, Story, tell

HOLDS = {"personal": "ok"}
FAILS = {"personal": "failed"}
BAD = {"personal": "malformed"}


def cases() -> Iterator[Case]:
    """Return the vectors in the order in which they are published."""
    yield from _disclosed(tell())
    yield from _wrong(tell())
    yield from _erased(tell())
    yield from _not_erased(tell())


def _shown(story: Story, *fields: str, **changed: Disclosed) -> Bundle:
    values = {field: VALUES[field] for field in fields} | changed
    return single(story.log, story.contact, None, PersonalFiles(values))


def _disclosed(story: Story) -> Iterator[Case]:
    plain = single(story.log, story.contact)
    yield case("withheld", "no value is given", plain, NOT_ANCHORED, **HOLDS)
    yield case("disclosed", "one of three", _shown(story, "email"), NOT_ANCHORED, **HOLDS)
    every = _shown(story, "email", "name", "phone")
    yield case("all disclosed", "three of three", every, NOT_ANCHORED, **HOLDS)
    many = batch(story.log, [1, story.contact, story.other_contact])
    values = PersonalFiles({"email": VALUES["email"]})
    many = replace(many, personal=values.encode())
    yield case("disclosed in a batch", "one event's of two", many, NOT_ANCHORED, **HOLDS)


def _wrong(story: Story) -> Iterator[Case]:
    email = VALUES["email"]
    other = Disclosed(email.salt, "eve@example.org")
    yield case("another value", "same salt", _shown(story, email=other), FAILED, **FAILS)
    salted = Disclosed(flip(email.salt, 0), email.value)
    yield case("another salt", "same value", _shown(story, email=salted), FAILED, **FAILS)
    swapped = _shown(story, name=email)
    yield case("under another field", "the e-mail as name", swapped, FAILED, **FAILS)
    stranger = _shown(story, fax=email)
    yield case("a field that is not there", "fax", stranger, FAILED, **FAILS)
    good = _shown(story, "email")
    spaced = replace(good, personal=(good.personal or b"") + b"\n")
    yield case("not canonical", "a newline after it", spaced, MALFORMED, **BAD)
    empty = replace(good, personal=b'{"disclosed":{}}')
    yield case("nothing disclosed", "an empty object", empty, MALFORMED, **BAD)
    bare = replace(single(story.log, 1), personal=good.personal)
    yield case("no personal data", "values of another event", bare, FAILED, **FAILS)


def _erased(story: Story) -> Iterator[Case]:
    log = story.log
    erasure = single(log, story.erasure)
    gone = _with(single(log, story.contact), erasure)
    yield case("erased", "e-mail and name; the telephone is withheld", gone, NOT_ANCHORED, **HOLDS)
    earlier = _with(single(log, story.contact, 6), erasure)
    why = "the proof was made before the erasure, under an earlier checkpoint"
    yield case("erased, proven before", why, earlier, NOT_ANCHORED, **HOLDS)
    held = _with(_shown(story, "name", "phone"), erasure)
    why = "somebody kept the name: it is disclosed and erased"
    yield case("disclosed and erased", why, held, NOT_ANCHORED, **HOLDS)
    within = contiguous(log, story.contact, story.erasure + 1)
    yield case("erased by an event of the range", "entry 13", within, NOT_ANCHORED, **HOLDS)


def _not_erased(story: Story) -> Iterator[Case]:
    log = story.log
    plain, erasure = single(log, story.contact), single(log, story.erasure)
    other = _with(plain, single(log, story.other_erasure))
    yield case("the erasure of another", "it lists nothing shown", other, FAILED, **FAILS)
    changed = replace(erasure, event=erasure.event.replace(b"subject_id", b"subjest_id"))
    yield case("the erasure changed", "a member's name", _with(plain, changed), FAILED, **FAILS)
    reason = replace(erasure, event=erasure.event.replace(b"request", b"reqvest"))
    yield case("the erasure's reason changed", "one letter", _with(plain, reason), FAILED, **FAILS)
    moved = replace(erasure, proof=erasure.proof.replace(b"\nindex 13\n", b"\nindex 12\n"))
    yield case("the erasure elsewhere", "index 12", _with(plain, moved), FAILED, **FAILS)
    kind = _with(plain, single(log, story.index))
    yield case("no erasure event", "an index event instead", kind, MALFORMED, **BAD)
    unordered = log.append(
        ACME,
        CONTACT,
        "personal_data.erased",
        {
            "commitments": ["ff" * 32, "00" * 32],
            "fields": ["email"],
            "reason": "-",
            "subject_id": CONTACT,
        },
    )
    bad = _with(plain, single(log, unordered))
    yield case("an erasure out of order", "commitments not sorted", bad, MALFORMED, **BAD)
    wrong = log.append(ACME, CONTACT, "contact.corrected", {"personal": {"email": "no hash"}})
    yield case("no commitment", "personal holds text", single(log, wrong), MALFORMED, **BAD)
    kept = replace(plain, personal=PersonalFiles(OTHER_VALUES).encode())
    yield case("another person's value", "it opens another event", kept, FAILED, **FAILS)


def _with(bundle: Bundle, erasure: Bundle) -> Bundle | EventsBundle:
    return replace(bundle, erasures=(erasure,))
