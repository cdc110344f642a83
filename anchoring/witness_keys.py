"""The key files of a cosigner: Ed25519, and beside it ML-DSA-44 where one is wanted.

Both are PKCS8 PEM files with mode 0600, never overwritten, encrypted when there is a passphrase.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from anchoring.cosignature import Ed25519Cosigner, MLDSA44Cosigner
from anchoring.errors import KeyFileError
from anchoring.keys import read_private_key, write_private_key
from anchoring.note import NoteSigner
from anchoring.signing import Ed25519Signer


def unix_now() -> int:
    """Return the seconds since 1970: a cosigner's time is the real one."""
    return int(time.time())


def create_cosigner_keys(path: Path, mldsa_path: Path | None, passphrase: bytes | None) -> None:
    """Write new key files; raises KeyFileError when one exists: a key is never overwritten."""
    write_private_key(path, Ed25519Signer.generate(), passphrase)
    if mldsa_path is not None:
        write_mldsa_key(mldsa_path, MLDSA44PrivateKey.generate(), passphrase)


def read_cosigners(
    name: str, path: Path, mldsa_path: Path | None, passphrase: bytes | None
) -> list[NoteSigner]:
    """Return the cosigners called ``name``; raises KeyFileError, MalformedInput for the name."""
    found: list[NoteSigner] = [
        Ed25519Cosigner(name, read_private_key(path, passphrase), unix_now),
    ]
    if mldsa_path is not None:
        found.append(MLDSA44Cosigner(name, read_mldsa_key(mldsa_path, passphrase), unix_now))
    return found


def write_mldsa_key(path: Path, key: MLDSA44PrivateKey, passphrase: bytes | None = None) -> None:
    """Write a new ML-DSA-44 key file (mode 0600); raises KeyFileError when the file exists."""
    encryption: KeySerializationEncryption = NoEncryption()
    if passphrase:
        encryption = BestAvailableEncryption(passphrase)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise KeyFileError(f"cannot write the key file {path}: {error.strerror}") from error


def read_mldsa_key(path: Path, passphrase: bytes | None = None) -> MLDSA44PrivateKey:
    """Read an ML-DSA-44 key file; raises KeyFileError, also when others can read it."""
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            pem = file.read()
    except OSError as error:
        raise KeyFileError(f"cannot read the key file {path}: {error.strerror}") from error
    if mode & 0o077:
        raise KeyFileError(f"the key file {path} is open to others: its mode must be 0600")
    try:
        key = load_pem_private_key(pem, passphrase)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise KeyFileError(f"the key file {path} is no key or its passphrase is wrong") from error
    if not isinstance(key, MLDSA44PrivateKey):
        raise KeyFileError(f"the key file {path} holds another kind of key than ML-DSA-44")
    return key
