"""Fixtures of the proof library: foreign vectors, one Anvil, one real bundle."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.anchoring.support import ANVIL, ROOT, Chain, SampleBundle, make_sample, start_anvil


@pytest.fixture(scope="session")
def vectors() -> Path:
    folder = ROOT.parent / "shared" / "vectors"
    if not folder.is_dir():
        pytest.skip("the foreign vectors (../shared/vectors) are not on this machine")
    return folder


@pytest.fixture(scope="session")
def load(vectors: Path) -> Callable[[str], Any]:
    """Load a JSON file of the vectors by its path."""
    return lambda name: json.loads((vectors / name).read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def chain() -> Iterator[Chain]:
    if not ANVIL.exists():
        pytest.skip("Anvil is not installed (npm ci)")
    running = start_anvil()
    yield running
    running.process.terminate()
    running.process.wait(timeout=20)
    assert running.process.stdout is not None
    running.process.stdout.close()


@pytest.fixture(scope="session")
def sample(chain: Chain) -> SampleBundle:
    return make_sample(chain)
