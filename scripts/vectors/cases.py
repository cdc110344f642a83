"""What one vector of a bundle is: files, the one to verify, and the verdicts to come to."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, replace

from anchoring.bundle import Bundle, EventsBundle, PersonalFiles
from anchoring.bundle_build import build_batch, build_bundle, build_range
from anchoring.proof_kinds import proof_kind
from scripts.vectors.log import Json, VectorLog

NOT_ANCHORED, FAILED, MALFORMED, POLICY_NOT_MET = 4, 1, 2, 3

_USUAL = {
    "entry": "ok",
    "signature": "ok",
    "inclusion": "ok",
    "checkpoint": "ok",
    "witnesses": "ok",
    "anchor": "not-anchored",
}
NAME = "x"

Files = dict[str, bytes]


@dataclass(frozen=True)
class Case:
    """``verdicts`` are those that differ from a bundle that holds and has no chain evidence."""

    name: str
    why: str
    proof: str
    files: Files
    exit_code: int
    verdicts: Mapping[str, str]

    def document(self) -> Json:
        """Return the vector as it is published."""
        return {
            "name": self.name,
            "why": self.why,
            "proof": self.proof,
            "files": {name: _encode(name, data) for name, data in sorted(self.files.items())},
            "exit_code": self.exit_code,
            "verdicts": _USUAL | dict(self.verdicts),
        }


def case(
    name: str, why: str, bundle: Bundle | EventsBundle | Files, exit_code: int, **verdicts: str
) -> Case:
    """Return the vector of a bundle; ``verdicts`` name what differs from the usual ones."""
    files = bundle if isinstance(bundle, dict) else files_of(bundle)
    proof = next(ending for ending in _PROOFS if NAME + ending in files)
    return Case(name, why, NAME + proof, files, exit_code, verdicts)


_PROOFS = (".stream", ".tlog-proof", ".tlog-batch", ".tlog-range")


def files_of(bundle: Bundle | EventsBundle, name: str = NAME) -> Files:
    """Return the bundle's files by name."""
    files: dict[str, bytes | None] = {name + proof_kind(bundle.proof).suffix: bundle.proof}
    if isinstance(bundle, Bundle):
        files[f"{name}.event"] = bundle.event
    else:
        files |= {f"{name}.events": bundle.events, f"{name}.stream": bundle.stream}
    files[f"{name}.personal"] = bundle.personal
    found = {path: data for path, data in files.items() if data is not None}
    for erasure in bundle.erasures:
        found |= files_of(erasure, f"{name}.erasure")
    return found


def _encode(name: str, data: bytes) -> Json:
    if name.endswith(".events"):
        return {"base64": base64.b64encode(data).decode("ascii")}
    return {"text": data.decode("utf-8")}


def flip(data: bytes, at: int, bit: int = 0) -> bytes:
    """Return the bytes with one bit of the byte at ``at`` turned over."""
    at %= len(data)
    return data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :]


def single(
    log: VectorLog, index: int, size: int | None = None, personal: PersonalFiles | None = None
) -> Bundle:
    """Return the proof of one entry."""
    proven = build_bundle(log.entries[index], index, log.checkpoint(size), log.tree)
    if personal is None:
        return proven
    return replace(proven, personal=personal.encode(), erasures=personal.erasures)


def batch(log: VectorLog, indices: list[int], size: int | None = None) -> EventsBundle:
    """Return the proof of many entries."""
    entries = [log.entries[index] for index in indices]
    return build_batch(entries, indices, log.checkpoint(size), log.tree)


def contiguous(log: VectorLog, start: int, end: int, size: int | None = None) -> EventsBundle:
    """Return the proof of the entries from ``start`` to ``end`` - 1."""
    return build_range(log.entries[start:end], start, log.checkpoint(size), log.tree)
