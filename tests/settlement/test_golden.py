"""Every version of every settlement event that was ever written can be read."""

import json
from pathlib import Path

import pytest

from backend.kernel.events import EventUnreadable, from_payload
from backend.settlement.events import EVENTS

GOLDEN = Path(__file__).parents[1] / "golden"


def sample(kind):
    path = GOLDEN / f"{kind.type}.v{kind.schema_version}.json"
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("kind", EVENTS, ids=lambda kind: kind.type)
def test_a_golden_sample_is_read_and_written_back_unchanged(kind):
    written = json.dumps(from_payload(kind, sample(kind)).payload())
    assert json.loads(written) == sample(kind)


@pytest.mark.parametrize("kind", EVENTS, ids=lambda kind: kind.type)
def test_a_sample_that_lacks_a_field_is_not_read(kind):
    payload = sample(kind)
    payload.pop(sorted(payload)[0])
    with pytest.raises(EventUnreadable):
        from_payload(kind, payload)
