"""Where a platform keeps its state, and the keys of its processes: one file each, mode 0600."""

import os
import secrets
from pathlib import Path

from anchoring.errors import KeyFileError
from anchoring.keys import read_private_key, write_private_key
from anchoring.note import Ed25519NoteSigner
from anchoring.signing import Ed25519Signer
from backend.kernel.errors import KeyUnavailable


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
        return self._signer(f"event-{process}.key")

    def log_signer(self, origin: str) -> Ed25519NoteSigner:
        """The log's own key: only the sequencer's process loads it."""
        return Ed25519NoteSigner(origin, self._signer("log.key"))

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

    def _signer(self, name: str) -> Ed25519Signer:
        path = self.keys / name
        try:
            if not path.exists():
                draft = _draft_of(path)
                write_private_key(draft, Ed25519Signer.generate())
                _name(draft, path)
            return read_private_key(path)
        except (KeyFileError, OSError) as error:
            raise KeyUnavailable(f"The key file cannot be used: {error}", file=name) from error


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
