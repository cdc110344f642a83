"""Blobs: what went in comes out, or nothing does."""

import stat
from hashlib import sha256

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backend.kernel.errors import ValueInvalid
from backend.marketdata.blobs import DirectoryBlobStore
from backend.marketdata.errors import BlobCorrupt, BlobMissing


@pytest.fixture
def blobs(tmp_path):
    return DirectoryBlobStore(tmp_path / "blobs")


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200))
def test_bytes_come_back_under_their_hash(blobs, content):
    digest = blobs.put(content)
    assert digest == sha256(content).hexdigest()
    assert blobs.get(digest) == content


def test_files_are_private_and_nothing_else_is_left(blobs, tmp_path):
    digest = blobs.put(b"content")
    blobs.put(b"content")
    [file] = (tmp_path / "blobs").iterdir()
    assert file.name == digest
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("damage", [b"", b"Content", b"content ", b"conten"])
def test_a_changed_blob_is_refused_and_healed_by_the_right_bytes(blobs, tmp_path, damage):
    digest = blobs.put(b"content")
    (tmp_path / "blobs" / digest).write_bytes(damage)
    with pytest.raises(BlobCorrupt):
        blobs.get(digest)
    assert blobs.put(b"content") == digest
    assert blobs.get(digest) == b"content"


def test_a_missing_blob_says_so(blobs):
    with pytest.raises(BlobMissing):
        blobs.get("0" * 64)


@pytest.mark.parametrize("name", ["../secret", "A" * 64, "0" * 63, "", "0" * 64 + "\n"])
def test_only_a_hash_names_a_blob(blobs, name):
    with pytest.raises(ValueInvalid):
        blobs.get(name)
