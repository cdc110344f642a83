"""The foreign vectors: every file is read by a test, and those in hex agree with those in text."""

import json
from pathlib import Path

import rfc8785

# Which module reads what lies below each prefix.
READ_BY = {
    "README.md": None,
    "c2sp/examples.json": "test_checkpoint.py",
    "ed25519/ed25519vectors.json": "test_signing.py",
    "formats/checkpoint_parse.json": "test_checkpoint.py",
    "formats/cosignature.json": "test_cosignature.py",
    "formats/tlog_proof.json": "test_tlog_proof.py",
    "jcs/es6_numbers.json": "test_canonical.py",
    "jcs/testdata/README.md": None,
    "jcs/testdata/input": "test_canonical.py",
    "jcs/testdata/output": "test_canonical.py",
    "jcs/testdata/outhex": "test_vectors.py",
    "merkle/reference_tree.json": "test_merkle.py",
    "merkle/testdata/consistency": "test_merkle.py",
    "merkle/testdata/inclusion": "test_merkle.py",
    "merkle/testdata/subtreeconsistency": "test_merkle.py",
    "merkle/testdata/subtreeinclusion": "test_merkle.py",
    "sumdb/note.json": "test_note.py",
    "sumdb/tlog.json": "test_tiles.py",
}


def test_every_file_of_the_vectors_is_read_by_a_test(vectors: Path):
    unread = []
    for path in sorted(each for each in vectors.rglob("*") if each.is_file()):
        name = path.relative_to(vectors).as_posix()
        if not any(name == prefix or name.startswith(prefix + "/") for prefix in READ_BY):
            unread.append(name)
    assert unread == []


def test_the_modules_named_do_read_them():
    folder = Path(__file__).parent
    for prefix, module in READ_BY.items():
        if module is not None:
            last = prefix.rsplit("/", 1)[-1]
            text = (folder / module).read_text(encoding="utf-8")
            assert last in text, f"{module} does not name {prefix}"


def test_the_hex_forms_of_the_jcs_outputs(vectors: Path):
    folder = vectors / "jcs/testdata"
    found = sorted((folder / "outhex").iterdir())
    assert len(found) == 6
    for path in found:
        data = bytes.fromhex(path.read_text("ascii"))
        output = folder / "output" / f"{path.stem}.json"
        assert data == output.read_bytes().rstrip(b"\n")
        # None of them is within our profile of RFC 8785; the library under it takes them all.
        assert rfc8785.dumps(json.loads(data)) == data
