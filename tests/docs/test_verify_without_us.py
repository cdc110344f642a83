"""The guide's script is run as a reader would: standard library and openssl, nothing of ours."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from anchoring.bundle import build_bundle, write_bundle
from anchoring.note import Ed25519NoteSigner
from anchoring.registry import HEAD_SELECTOR
from anchoring.signing import Ed25519Signer
from anchoring.tile_store import DirectoryStore
from anchoring.tiles import TileReader
from tests.anchoring.support import LOG_SIGNER, make_entries, make_keys, make_publisher
from tests.docs.documents import ROOT, fences

GUIDE = ROOT / "docs/guides/verify-without-us.md"
NAME = "proof"
pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    entries = make_entries(11)
    published = make_publisher(tmp_path / "log").publish(0, entries)
    reader = TileReader(DirectoryStore(tmp_path / "log"), 11)
    bundle = build_bundle(entries[6], 6, published.signed, reader)
    write_bundle(tmp_path, NAME, bundle)
    (tmp_path / "keys").write_bytes(make_keys())
    (tmp_path / "check.py").write_text(fences(GUIDE.read_text(), "python")[0])
    return tmp_path


def _run(folder: Path, key: str | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", "check.py", NAME, key or str(LOG_SIGNER.vkey)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_a_good_proof_is_accepted(folder):
    done = _run(folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("entry 6 of 11 of ")


@pytest.mark.parametrize(
    ("file", "at"),
    [(f"{NAME}.event", 60), (f"{NAME}.event", -60), (f"{NAME}.tlog-proof", 40), ("keys", 60)],
)
def test_a_changed_byte_is_refused(folder, file, at):
    data = bytearray((folder / file).read_bytes())
    data[at] ^= 1
    (folder / file).write_bytes(bytes(data))
    assert _run(folder).returncode != 0


def test_another_logs_key_is_refused(folder):
    stranger = Ed25519NoteSigner(LOG_SIGNER.vkey.name, Ed25519Signer.generate())
    assert _run(folder, str(stranger.vkey)).returncode != 0


def test_the_selector_of_the_guide_is_the_registrys():
    assert f'"data":"0x{HEAD_SELECTOR.hex()}"' in GUIDE.read_text()
