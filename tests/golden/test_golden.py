"""Every version of every event that was ever shipped can be read, and reads as what it said.

A sample is one payload as it was written: ``<type>.v<version>.json``. Reading is strict: a sample
must come back as the same canonical bytes, so a field its class does not know, or a value it
spells otherwise, is a break and not a nuisance that is skipped.
"""

import json
import re
from pathlib import Path

import pytest

from anchoring import canonical
from anchoring.errors import MalformedInput
from backend.kernel.events import EventUnreadable
from backend.platform.bootstrap import event_registry

SAMPLES = {path.stem: path for path in sorted(Path(__file__).parent.glob("*.json"))}
REGISTRY = event_registry()
KINDS = REGISTRY.types()


class Unfaithful(Exception):
    """The event does not say what its payload said."""


REFUSED = (EventUnreadable, MalformedInput, Unfaithful)


def payload_of(name):
    return json.loads(SAMPLES[name].read_text(encoding="utf-8"))


def type_and_version(name):
    found = re.fullmatch(r"(.+)\.v([0-9]+)", name)
    assert found is not None, f"{name} is not <type>.v<version>"
    return found[1], int(found[2])


def read(name, payload):
    """The event that the payload is; one of the current version must say exactly the same."""
    kind, version = type_and_version(name)
    event = REGISTRY.read(kind, version, payload)
    if version == event.schema_version and canonical.encode(event.payload()) != canonical.encode(
        payload
    ):
        raise Unfaithful(name)
    return event


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.type)
def test_every_version_up_to_the_newest_has_a_sample(kind):
    wanted = {f"{kind.type}.v{version}" for version in range(1, kind.schema_version + 1)}
    assert wanted <= SAMPLES.keys()


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_reads_into_its_class_and_back_into_the_same_bytes(name):
    event = read(name, payload_of(name))
    assert type(event) is KINDS[type_and_version(name)[0]]
    written = canonical.encode(event.payload())
    again = REGISTRY.read(event.type, event.schema_version, canonical.parse(written))
    assert again == event


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_that_lacks_any_one_field_is_not_read(name):
    payload = payload_of(name)
    for field in payload:
        with pytest.raises(EventUnreadable):
            read(name, {key: value for key, value in payload.items() if key != field})


@pytest.mark.parametrize("name", SAMPLES)
def test_a_field_nobody_knows_is_refused_at_every_depth(name):
    for changed in with_a_stranger(payload_of(name)):
        with pytest.raises(REFUSED):
            read(name, changed)


@pytest.mark.parametrize("name", SAMPLES)
def test_a_value_of_another_type_is_refused(name):
    payload = payload_of(name)
    for field in payload:
        for wrong in (1.5, [[1]], {"no_such_field": True}):
            with pytest.raises(REFUSED):
                read(name, {**payload, field: wrong})


def test_a_type_or_version_nobody_knows_is_refused():
    with pytest.raises(EventUnreadable):
        REGISTRY.read("order.imagined", 1, {})
    with pytest.raises(EventUnreadable):
        REGISTRY.read("order.accepted", 99, payload_of("order.accepted.v1"))


# Objects whose keys are data: any key is one of theirs.
OPEN_OBJECTS = {"inputs"}


def with_a_stranger(payload):
    """The payload with one unknown field more: in itself, then in each object inside it."""
    yield {**payload, "no_such_field": "x"}
    for key, value in payload.items():
        if isinstance(value, dict) and key not in OPEN_OBJECTS:
            for changed in with_a_stranger(value):
                yield {**payload, key: changed}
        elif isinstance(value, list):
            for at, item in enumerate(value):
                if isinstance(item, dict):
                    for changed in with_a_stranger(item):
                        yield {**payload, key: [*value[:at], changed, *value[at + 1 :]]}
