"""The key files of a home as an operator sees them: whose they are, and whether encrypted."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import msgspec

from anchoring.errors import KeyFileError
from anchoring.keys import read_private_key, write_private_key
from anchoring.witness_keys import read_mldsa_key, write_mldsa_key
from backend.kernel.errors import KeyUnavailable
from backend.platform.home import PLAIN_PEM, POST_QUANTUM_LOG_KEY, Home
from backend.settlement.wallet import load_keystore, save_keystore


class HeldKey(msgspec.Struct, frozen=True):
    """An event key that a file here holds."""

    key_id: str
    file: str


class ChainKey(msgspec.Struct, frozen=True):
    """An account whose keystore lies here."""

    name: str
    address: str
    file: str


def event_keys(home: Home) -> list[HeldKey]:
    """The event keys in this home's files. Raises KeyUnavailable."""
    found = []
    for path in sorted(home.keys.glob("event-*.key")):
        signer = home.event_signer(path.stem.removeprefix("event-"))
        found.append(HeldKey(signer.key_id, path.name))
    return found


def chain_keys(home: Home) -> list[ChainKey]:
    """The accounts of this home's keystores; no password is needed to read an address."""
    found = []
    for path in _keystores(home):
        address = json.loads(path.read_text("utf-8")).get("address", "")
        found.append(ChainKey(path.stem, "0x" + str(address).removeprefix("0x"), path.name))
    return found


def encrypt_all(home: Home) -> list[str]:
    """Encrypt with the home's passphrase what is not; returns the names of the files.

    A keystore that was encrypted with the random secret beside it is encrypted anew. Each file is
    replaced whole or not at all, so an interrupted run is simply repeated. Raises KeyUnavailable.
    """
    passphrase = home.passphrase()
    changed = [
        path.name for path in sorted(home.keys.glob("*.key")) if _encrypt_pem(path, passphrase)
    ]
    return changed + [path.name for path in _keystores(home) if _encrypt_keystore(home, path)]


def _encrypt_pem(path: Path, passphrase: str) -> bool:
    """Whether the file had to be encrypted; one that is must open with the passphrase."""
    secret = passphrase.encode()
    post_quantum = path.name == POST_QUANTUM_LOG_KEY
    is_plain = path.read_bytes().startswith(PLAIN_PEM)
    try:
        if post_quantum:
            pq_key = read_mldsa_key(path, None if is_plain else secret)
            return is_plain and _replace(path, lambda new: write_mldsa_key(new, pq_key, secret))
        signer = read_private_key(path, None if is_plain else secret)
        return is_plain and _replace(path, lambda new: write_private_key(new, signer, secret))
    except (KeyFileError, OSError) as error:
        raise KeyUnavailable(f"The key file cannot be used: {error}", file=path.name) from error


def _encrypt_keystore(home: Home, path: Path) -> bool:
    try:
        load_keystore(path, home.passphrase())
        return False
    except KeyUnavailable:
        account = load_keystore(path, home.secret("passphrase").hex())

    def write(new: Path) -> None:
        save_keystore(new, account, home.passphrase())

    return _replace(path, write)


def _replace(path: Path, write: Callable[[Path], object]) -> bool:
    draft = path.with_name(f".{path.name}.new")
    draft.unlink(missing_ok=True)  # left by a run that was interrupted
    write(draft)
    os.replace(draft, path)
    return True


def _keystores(home: Home) -> list[Path]:
    return sorted(path for path in home.keys.glob("*.json") if _is_keystore(path))


def _is_keystore(path: Path) -> bool:
    try:
        document = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(document, dict) and "crypto" in document and "address" in document
