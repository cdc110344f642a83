"""The vectors that we publish: made again to the byte, and each judged as it says."""

import base64
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from anchoring.batch_proof import verify_batch
from anchoring.cli import app
from anchoring.errors import VerificationFailed
from anchoring.merkle_proof import verify_consistency, verify_inclusion
from anchoring.range_proof import RangeHashes, verify_range
from scripts.vectors.files import FOLDER, documents

run = CliRunner().invoke


def load(name):
    return json.loads((FOLDER / name).read_text(encoding="utf-8"))


def bundles():
    for name in ("proofs.json", "completeness.json", "erasure.json"):
        document = load(name)
        for vector in document["vectors"]:
            yield pytest.param(document["trust"], vector, id=f"{name}: {vector['name']}")


def trees():
    for kind, vectors in load("trees.json").items():
        for number, vector in enumerate(vectors):
            yield pytest.param(kind, vector, id=f"{kind} {number}")


def test_the_files_are_current():
    assert {name: (FOLDER / name).read_bytes() for name in documents()} == documents()


def unpack(folder: Path, trust, vector):
    for name, text in trust.items():
        (folder / name).write_bytes(text.encode())
    for name, data in vector["files"].items():
        content = data["text"].encode() if "text" in data else base64.b64decode(data["base64"])
        (folder / name).write_bytes(content)
    return folder / vector["proof"]


@pytest.mark.parametrize(("trust", "vector"), list(bundles()))
def test_a_bundle_is_judged_as_published(trust, vector, tmp_path):
    proof = unpack(tmp_path, trust, vector)
    result = run(app, ["verify", str(proof), "--json"])
    document = json.loads(result.stdout)
    statuses = {name: found["status"] for name, found in document["verdicts"].items()}
    assert statuses == vector["verdicts"], document["verdicts"]
    assert result.exit_code == vector["exit_code"]


def hashes(vector, name="hashes"):
    return [bytes.fromhex(text) for text in vector[name]]


def verify(kind, vector):
    def get(name):
        return bytes.fromhex(vector[name])

    if kind == "consistency":
        roots = get("first_root"), get("second_root")
        verify_consistency(vector["first"], vector["second"], hashes(vector), *roots)
    elif kind == "inclusion":
        place = vector["index"], vector["size"]
        verify_inclusion(get("leaf"), *place, hashes(vector), get("root"))
    elif kind == "batch":
        place = vector["indices"], vector["size"]
        verify_batch(hashes(vector, "leaves"), *place, hashes(vector), get("root"))
    else:
        names = ("first_subtree", "second_subtree")
        parts = tuple(tuple(hashes(vector, name)) for name in names if name in vector)
        proof = RangeHashes(tuple(hashes(vector, "left")), parts)
        leaves = hashes(vector, "leaves")
        verify_range(leaves, vector["start"], vector["size"], proof, get("root"))


@pytest.mark.parametrize(("kind", "vector"), list(trees()))
def test_a_proof_is_judged_as_published(kind, vector):
    if vector["holds"]:
        verify(kind, vector)
    else:
        with pytest.raises(VerificationFailed):
            verify(kind, vector)


def test_there_are_vectors_of_every_kind_and_outcome():
    for name, vectors in load("trees.json").items():
        assert {vector["holds"] for vector in vectors} == {True, False}, name
    for name in ("proofs.json", "completeness.json", "erasure.json"):
        assert {vector["exit_code"] for vector in load(name)["vectors"]} >= {1, 2, 4}, name
