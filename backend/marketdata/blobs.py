"""Blobs in a directory: ``<root>/<sha256>``, written whole or not at all, checked when read."""

import os
import re
import secrets
from hashlib import sha256
from pathlib import Path

from backend.kernel.errors import ValueInvalid
from backend.marketdata.errors import BlobCorrupt, BlobMissing

_HASH = re.compile(r"[0-9a-f]{64}")


class DirectoryBlobStore:
    """A ``BlobStore`` on a local file system. Files are 0600, the directory 0700."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def put(self, content: bytes) -> str:
        """Keep ``content``; it is on the disk when this returns. Heals a damaged copy."""
        digest = sha256(content).hexdigest()
        try:
            self.get(digest)
        except (BlobMissing, BlobCorrupt):
            self._write(digest, content)
        return digest

    def get(self, sha256_hex: str) -> bytes:
        """The bytes, verified. Raises BlobMissing, BlobCorrupt, or ValueInvalid for no hash."""
        if _HASH.fullmatch(sha256_hex) is None:
            raise ValueInvalid("This is not a SHA-256 in lower-case hex.", value=sha256_hex[:80])
        try:
            content = (self._root / sha256_hex).read_bytes()
        except FileNotFoundError as error:
            raise BlobMissing("The blob is not in the store.", sha256=sha256_hex) from error
        found = sha256(content).hexdigest()
        if found != sha256_hex:
            raise BlobCorrupt("The blob's bytes were changed.", sha256=sha256_hex, found=found)
        return content

    def _write(self, digest: str, content: bytes) -> None:
        self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
        temporary = self._root / f".{digest}.{secrets.token_hex(8)}"
        try:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self._root / digest)
        finally:
            temporary.unlink(missing_ok=True)
        _sync_directory(self._root)


def _sync_directory(path: Path) -> None:
    # The rename itself must survive a power cut, not only the file's bytes.
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
