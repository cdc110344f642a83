"""Payloads as they were shipped: what is in somebody's log must stay readable."""

import json
from pathlib import Path

import pytest

from backend.kernel.events import EventUnreadable, from_payload
from backend.portfolio.events import EVENTS

GOLDEN = Path(__file__).parent / "golden"
BY_TYPE = {kind.type: kind for kind in EVENTS}
SAMPLES = sorted(GOLDEN.glob("*.json"))


def test_every_type_and_version_has_a_sample():
    assert {path.name for path in SAMPLES} >= {
        f"{kind.type}.v{kind.schema_version}.json" for kind in EVENTS
    }


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_a_shipped_payload_is_read_and_written_alike(path):
    payload = json.loads(path.read_text())
    event = from_payload(BY_TYPE[path.name.split(".v")[0]], payload)
    assert json.loads(json.dumps(event.payload())) == payload
    with pytest.raises(EventUnreadable):
        from_payload(type(event), {k: v for k, v in payload.items() if not k.endswith("_id")})
