"""Where a platform keeps its state, and the keys of its processes: one file each, mode 0600."""

import os
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from anchoring.cosignature import MLDSA44Cosigner
from anchoring.errors import KeyFileError
from anchoring.keys import read_private_key, write_private_key
from anchoring.note import Ed25519NoteSigner, NoteSigner
from anchoring.signing import Ed25519Signer, RotatingSigner
from anchoring.witness_keys import read_mldsa_key, write_mldsa_key
from backend.kernel.errors import KeyUnavailable

T = TypeVar("T")

LOG_KEY = "log.key"
POST_QUANTUM_LOG_KEY = "log-mldsa44.key"
PLAIN_PEM = b"-----BEGIN PRIVATE KEY-----"


class Home:
    """The folders below ``TALLYSTICK_HOME``."""

    def __init__(self, root: Path, passphrase: str | None = None) -> None:
        self.root = root
        self._passphrase = passphrase
        self.keys = root / "keys"
        self.log = root / "log"
        self.anchors = root / "anchors"
        self.blobs = root / "blobs"
        self.demo = root / "demo"
        self.process_logs = root / "logs"
        self.run = root / "run"

    def make(self) -> None:
        """Create what is missing; the folder of keys is for its owner alone."""
        for folder in (self.root, self.log, self.anchors, self.blobs, self.process_logs, self.run):
            folder.mkdir(parents=True, exist_ok=True)
        self.keys.mkdir(mode=0o700, parents=True, exist_ok=True)

    def pulse(self, loop: str) -> Path:
        """The file that a loop touches before each of its steps."""
        return self.run / f"{loop}.pulse"

    def event_signer(self, process: str) -> Ed25519Signer:
        """The event key of a process, made on first use."""
        return self._signer(event_key_name(process))

    def rotating_signer(self, process: str) -> RotatingSigner:
        """The event key of a process as its file holds it now, also when that is replaced."""
        path = self.keys / event_key_name(process)
        self.event_signer(process)
        return RotatingSigner(
            lambda: read_private_key(path, self._pem_passphrase), lambda: _identity(path)
        )

    def replace_event_key(self, process: str, announce: Callable[[Ed25519Signer], object]) -> str:
        """Make a new event key for a process, ``announce`` it, then put it in place of the old.

        The old private key is gone from the disk afterwards; returns the new key's id. Raises
        KeyUnavailable, and what ``announce`` raises: then the old key stays.
        """
        path = self.keys / event_key_name(process)
        self.event_signer(process)
        draft, signer = _draft_of(path), Ed25519Signer.generate()
        with _typed(path.name):
            write_private_key(draft, signer, self._pem_passphrase)
        try:
            announce(signer)
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
        return signer.key_id

    def log_signer(self, origin: str) -> Ed25519NoteSigner:
        """The log's first key: only the sequencer's process loads it."""
        return Ed25519NoteSigner(origin, self._signer(LOG_KEY))

    def log_signers(self, origin: str) -> list[NoteSigner]:
        """Every key of the log that lies here: the first, those it was rotated to, ML-DSA-44.

        Which of them sign is said in the log.
        """
        found: list[NoteSigner] = [self.log_signer(origin)]
        for path in sorted(self.keys.glob("log-*.key")):
            if path.name == POST_QUANTUM_LOG_KEY:
                found.append(self.post_quantum_signer(origin))
            else:
                found.append(Ed25519NoteSigner(origin, self._signer(path.name)))
        return found

    def post_quantum_signer(self, origin: str) -> MLDSA44Cosigner:
        """The log's ML-DSA-44 key, made on first use: a second signature beside Ed25519."""

        def write(path: Path) -> None:
            write_mldsa_key(path, MLDSA44PrivateKey.generate(), self._pem_passphrase)

        key = self._key(
            POST_QUANTUM_LOG_KEY, write, lambda path: read_mldsa_key(path, self._pem_passphrase)
        )
        return MLDSA44Cosigner(origin, key, lambda: int(time.time()))

    def new_log_key(self, origin: str) -> Ed25519NoteSigner:
        """Make one more key for the log. It signs nothing before it was announced."""
        key = Ed25519Signer.generate()
        signer = Ed25519NoteSigner(origin, key)
        name = f"log-{signer.vkey.key_id.hex()}.key"
        with _typed(name):
            write_private_key(self.keys / name, key, self._pem_passphrase)
        return signer

    def witness_signer(self) -> Ed25519Signer:
        """The key this platform cosigns the logs of others with, made on first use."""
        return self._signer("witness.key")

    def secret(self, name: str, size: int = 32) -> bytes:
        """A random secret of this installation, made on first use."""
        path = self.keys / f"{name}.secret"
        if not path.exists():
            write_secret(path, secrets.token_bytes(size).hex())
        return bytes.fromhex(path.read_text("ascii"))

    def passphrase(self) -> str:
        """What the chain keystores of this installation are encrypted with.

        TALLYSTICK_KEY_PASSPHRASE where it is set (an operator's secret), else a random one
        kept beside them: then the file modes alone protect the keys.
        """
        return self._passphrase or self.secret("passphrase").hex()

    @property
    def _pem_passphrase(self) -> bytes | None:
        """What the PEM files are encrypted with; None where the file modes alone protect them."""
        return self._passphrase.encode() if self._passphrase else None

    def _signer(self, name: str) -> Ed25519Signer:
        def write(path: Path) -> None:
            write_private_key(path, Ed25519Signer.generate(), self._pem_passphrase)

        return self._key(name, write, lambda path: read_private_key(path, self._pem_passphrase))

    def _key(self, name: str, write: Callable[[Path], None], read: Callable[[Path], T]) -> T:
        """The key in a file, made on first use. Raises KeyUnavailable."""
        path = self.keys / name
        with _typed(name):
            if not path.exists():
                draft = _draft_of(path)
                write(draft)
                _name(draft, path)
            if self._passphrase and path.read_bytes().startswith(PLAIN_PEM):
                raise KeyUnavailable(
                    "A passphrase is set, and this key file is not encrypted: run"
                    " `tally keys encrypt`.",
                    file=name,
                )
            return read(path)


def event_key_name(process: str) -> str:
    """The name of the file that holds a process's event key."""
    return f"event-{process}.key"


@contextmanager
def _typed(name: str) -> Iterator[None]:
    try:
        yield
    except (KeyFileError, OSError) as error:
        raise KeyUnavailable(f"The key file cannot be used: {error}", file=name) from error


def _identity(path: Path) -> tuple[int, int, int]:
    """What changes when another file takes this name."""
    found = path.stat()
    return found.st_ino, found.st_mtime_ns, found.st_size


def write_secret(path: Path, text: str) -> None:
    """Write a file that its owner alone reads, whole or not at all; one that is there stays."""
    draft = _draft_of(path)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    _name(draft, path)


def _draft_of(path: Path) -> Path:
    return path.with_name(f".{path.name}.{secrets.token_hex(8)}")


def _name(draft: Path, path: Path) -> None:
    """Give a whole file its name. Where another process was first, its file stays.

    Nobody ever sees a file that is half written, also when its writer is killed.
    """
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
