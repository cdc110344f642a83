"""The vectors as files: names to bytes, the same every time."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from scripts.vectors import completeness, erasure, proofs, trees
from scripts.vectors.cases import Case
from scripts.vectors.log import Json, keys_file, policy_file, seed

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "vectors"
KEYS = ("event key", "other event key", "log key", "witness key")


def documents() -> dict[str, bytes]:
    """Return every file of ``docs/vectors/`` but its README, by name."""
    return {
        "trees.json": _encode(trees.documents()),
        "proofs.json": _encode(_bundles(proofs.cases())),
        "completeness.json": _encode(_bundles(completeness.cases())),
        "erasure.json": _encode(_bundles(erasure.cases())),
    }


def _bundles(cases: Iterable[Case]) -> Json:
    found = [case.document() for case in cases]
    return {
        "seeds": {name: seed(name).hex() for name in KEYS},
        "trust": {"policy.txt": policy_file().decode(), "keys": keys_file().decode()},
        "vectors": found,
    }


def _encode(document: Json) -> bytes:
    return (json.dumps(document, indent=1, ensure_ascii=False, sort_keys=True) + "\n").encode()
