"""Ed25519 (RFC 8032) with key objects kept, and the port that signs.

Which edge cases the library accepts is pinned by a test against 914 published vectors.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from time import monotonic
from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from anchoring.errors import KeyFileError, MalformedInput, VerificationFailed

ED25519 = "ed25519"
"""The algorithm id carried by every event and key."""

_KEY_ID_CONTEXT = b"tallystick/key/v1\n"


class Signer(Protocol):
    """Something that signs with one key: a key file, an HSM, a remote service."""

    @property
    def key_id(self) -> str:
        """Return the id of the key, see :func:`key_id_of`."""
        ...

    @property
    def algorithm(self) -> str:
        """Return the algorithm id, ``ed25519``."""
        ...

    @property
    def public_key(self) -> bytes:
        """Return the 32 bytes of the public key."""
        ...

    def sign(self, message: bytes) -> bytes:
        """Return the 64-byte signature over ``message``."""
        ...


def key_id_of(public_key: bytes) -> str:
    """Return the id of an Ed25519 event key: 32 lower-case hex digits of a SHA-256."""
    digest = hashlib.sha256(_KEY_ID_CONTEXT + ED25519.encode() + b"\n" + public_key)
    return digest.digest()[:16].hex()


class Ed25519Signer:
    """A signer over a private key in this process's memory."""

    algorithm = ED25519

    def __init__(self, private_key: Ed25519PrivateKey) -> None:
        self._private_key = private_key
        self.public_key = private_key.public_key().public_bytes_raw()
        self.key_id = key_id_of(self.public_key)
        self.sign = private_key.sign  # bound once: the hot path signs tens of thousands a second

    @classmethod
    def generate(cls) -> Ed25519Signer:
        """Return a signer with a new key from the operating system's randomness."""
        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def from_seed(cls, seed: bytes) -> Ed25519Signer:
        """Return the signer of a 32-byte RFC 8032 seed; raises MalformedInput otherwise."""
        if len(seed) != 32:
            raise MalformedInput(f"an Ed25519 seed has 32 bytes, not {len(seed)}")
        return cls(Ed25519PrivateKey.from_private_bytes(seed))

    @property
    def private_key(self) -> Ed25519PrivateKey:
        """Return the private key object, for writing it to a file."""
        return self._private_key


class RotatingSigner:
    """The signer of a key file that may be replaced while the process runs.

    ``current`` gives one signer to name and use for one signature: asked twice, it may give two.
    """

    def __init__(
        self,
        load: Callable[[], Ed25519Signer],
        identity: Callable[[], object],
        pause_seconds: float = 1.0,
    ) -> None:
        """``identity`` says which file is there; ``load`` reads it. Raises what ``load`` does."""
        self._load = load
        self._identity = identity
        self._pause = pause_seconds
        self._lock = threading.Lock()
        self._seen = identity()
        self._signer = load()
        self._look_at = monotonic() + pause_seconds

    def current(self) -> Ed25519Signer:
        """Return the signer of the file as it was at most a pause ago.

        A file that cannot be read changes nothing: the key in memory is still announced.
        """
        if monotonic() >= self._look_at and self._lock.acquire(blocking=False):
            try:
                self._look()
            finally:
                self._lock.release()
        return self._signer

    def _look(self) -> None:
        self._look_at = monotonic() + self._pause
        try:
            found = self._identity()
            if found != self._seen:
                self._signer = self._load()
                self._seen = found
        except (KeyFileError, OSError):
            return


class Ed25519Verifier:
    """A public key, decoded once and used for many signatures."""

    __slots__ = ("_key", "public_key")

    def __init__(self, public_key: bytes) -> None:
        """Decode 32 bytes; raises MalformedInput when they are not an Ed25519 key."""
        try:
            self._key = Ed25519PublicKey.from_public_bytes(public_key)
        except ValueError as error:
            raise MalformedInput("not an Ed25519 public key") from error
        self.public_key = public_key

    def verify(self, signature: bytes, message: bytes, check: str = "signature") -> None:
        """Raise VerificationFailed(check) unless ``signature`` is this key's over ``message``."""
        try:
            self._key.verify(signature, message)
        except InvalidSignature as error:
            raise VerificationFailed(check, "the Ed25519 signature does not verify") from error
