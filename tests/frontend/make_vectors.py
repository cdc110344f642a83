"""Writes the vectors that hold the browser's verifier to ours.

Run ``python -m tests.frontend.make_vectors``.
``--bases FOLDER`` also takes new real bundles: one made with a fresh Anvil and a witness, and one
of the bundles that ``tally demo`` left in FOLDER. Without it the committed bases stay.
"""

from __future__ import annotations

import argparse
import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.anchoring.support import ROOT, make_sample, start_anvil
from tests.frontend.building import FILES, Case, Files, judge
from tests.frontend.cases import every_case
from tests.frontend.kind_cases import kind_cases
from tests.frontend.kinds import FLIPPED, kind_bases
from tests.frontend.sentences import sentence_vectors, signature_vectors

VECTORS = ROOT / "frontend/src/proof/vectors"
WALLET = ROOT / "frontend/src/wallet/vectors"
MASKS = (0x01, 0x20)
REAL = ("platform", "witnessed")
FIRST_LETTER = ord("A")

Document = dict[str, Any]


def read_bases() -> dict[str, Files]:
    """The committed real bundles, by name."""
    document = json.loads((VECTORS / "bases.json").read_text("utf-8"))
    return {name: _decode(document[name]) for name in REAL}


def base_document(real: Mapping[str, Files]) -> Document:
    """The real bundles, and one of each other kind."""
    return {name: _encode(files) for name, files in {**real, **kind_bases()}.items()}


def case_document(bases: Mapping[str, Files]) -> Document:
    """Every case with the verdicts of the Python verifier."""
    every = {**bases, **kind_bases()}
    cases = [*every_case(bases), *kind_cases()]
    assert len({case.name for case in cases}) == len(cases), "two cases of one name"
    return {case.name: _case(case, every[case.base]) for case in cases}


def _case(case: Case, base: Files) -> Document:
    files = {
        part: None if data is None else _difference(base.get(part) or b"", data)
        for part, data in case.files.items()
    }
    document: Document = {
        "base": case.base,
        "expected": judge({**base, **case.files}, case.profile),
        "files": files,
    }
    if case.profile is not None:
        document["profile"] = case.profile
    return document


def _difference(base: bytes, data: bytes) -> list[int | str]:
    """How many bytes of the base's file stay in front and at the end, and what is between."""
    head = _common(base, data)
    tail = min(_common(base[::-1], data[::-1]), min(len(base), len(data)) - head)
    return [head, tail, base64.b64encode(data[head : len(data) - tail]).decode()]


def _common(left: bytes, right: bytes) -> int:
    pairs = enumerate(zip(left, right, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(left), len(right)))


def flip_document(bases: Mapping[str, Files]) -> Document:
    """What every changed byte leads to: a letter for each offset, standing for six statuses."""
    classes: list[str] = []
    runs: Document = {}
    flipped = dict.fromkeys(sorted(bases), ("event", "proof", "anchor")) | FLIPPED
    every = {**bases, **kind_bases()}
    for base, parts in flipped.items():
        for part in parts:
            for mask in MASKS:
                key = f"{base}/{part}/{mask:#04x}"
                runs[key] = _flip_run(every[base], part, mask, classes)
    return {"classes": classes, "runs": runs}


def _flip_run(files: Files, part: str, mask: int, classes: list[str]) -> str:
    original = files[part] or b""
    letters = []
    for at in range(len(original)):
        changed = bytearray(original)
        changed[at] ^= mask
        statuses = _statuses(judge({**files, part: bytes(changed)}))
        if statuses not in classes:
            classes.append(statuses)
        letters.append(chr(FIRST_LETTER + classes.index(statuses)))
    return "".join(letters)


def _statuses(found: Document) -> str:
    if "refused" in found:
        return "refused"
    verdicts = sorted(found["verdicts"].items())
    return " ".join(f"{check}={verdict[0]}" for check, verdict in verdicts)


def write(path: Path, document: Document) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(document, indent=0, sort_keys=True, ensure_ascii=True)
    path.write_text(text + "\n", "utf-8")


def _encode(files: Files) -> dict[str, str | None]:
    return {
        name: None if data is None else base64.b64encode(data).decode()
        for name, data in files.items()
    }


def _decode(files: Mapping[str, str | None]) -> Files:
    return {name: None if text is None else base64.b64decode(text) for name, text in files.items()}


def _witnessed_base() -> Files:
    chain = start_anvil()
    try:
        sample = make_sample(chain)
    finally:
        chain.process.terminate()
        chain.process.wait(timeout=20)
    return {
        "event": sample.bundle.event,
        "proof": sample.bundle.proof,
        "anchor": sample.bundle.anchor,
        "policy": sample.policy,
        "keys": sample.keys,
        "trust": sample.trust.encode(),
    }


def _platform_base(folder: Path) -> Files:
    proof = max(folder.glob("*-settlement.finalised.tlog-proof"))
    beside = {
        "event": proof.with_suffix(".event"),
        "proof": proof,
        "anchor": proof.with_suffix(".anchor"),
        "policy": folder / "policy.txt",
        "keys": folder / "keys",
        "trust": folder / "trust",
    }
    return {name: beside[name].read_bytes() for name in FILES}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bases", type=Path, help="a folder of bundles written by the demo")
    folder: Path | None = parser.parse_args().bases
    if folder is not None:
        made = {"witnessed": _witnessed_base(), "platform": _platform_base(folder)}
        write(VECTORS / "bases.json", base_document(made))
    bases = read_bases()
    write(VECTORS / "bases.json", base_document(bases))
    write(VECTORS / "cases.json", case_document(bases))
    write(VECTORS / "flips.json", flip_document(bases))
    write(WALLET / "sentences.json", sentence_vectors())
    write(WALLET / "signatures.json", signature_vectors())


if __name__ == "__main__":
    main()
