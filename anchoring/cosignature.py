"""Cosignatures on checkpoints, c2sp.org/tlog-cosignature: Ed25519 v1 and ML-DSA-44.

The bytes after the key id are a 64-bit big-endian time (seconds since 1970) and the signature.
Ed25519 (0x04) signs ``"cosignature/v1\\ntime T\\n" || note text``. ML-DSA-44 (0x06, FIPS 204)
signs ``"subtree/v1\\n\\0" || len || cosigner || time || len || origin || start || end || hash``;
a checkpoint is the subtree (0, size), and extension lines are outside that signature.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA44PublicKey

from anchoring.checkpoint import parse_checkpoint_text
from anchoring.encoding import MAX_UINT63
from anchoring.errors import MalformedInput, VerificationFailed
from anchoring.note import (
    ALG_ED25519,
    ALG_ED25519_COSIGNATURE,
    ALG_MLDSA44_COSIGNATURE,
    Ed25519NoteVerifier,
    NoteSignature,
    NoteVerifier,
    VerifierKey,
    make_vkey,
)
from anchoring.signing import Ed25519Signer, Ed25519Verifier

_TIME_BYTES = 8


def ed25519_message(timestamp: int, text: bytes) -> bytes:
    """Return what an Ed25519 cosigner signs for the note text ``text``."""
    return b"cosignature/v1\ntime %d\n" % timestamp + text


def mldsa44_message(cosigner: str, timestamp: int, text: bytes) -> bytes:
    """Return what an ML-DSA-44 cosigner signs for the checkpoint ``text``."""
    head = parse_checkpoint_text(text.decode("utf-8"))
    return mldsa44_subtree_message(cosigner, timestamp, head.origin, 0, head.size, head.root)


def mldsa44_subtree_message(
    cosigner: str, timestamp: int, origin: str, start: int, end: int, root: bytes
) -> bytes:
    """Return what an ML-DSA-44 cosigner signs for the subtree [start, end) of ``origin``.

    Raises MalformedInput when a name is too long, or ``start`` and ``timestamp`` are both not 0.
    """
    if start and timestamp:
        raise MalformedInput("a subtree that starts inside the log has no time")
    return b"".join(
        (
            b"subtree/v1\n\x00",
            _short_string(cosigner),
            timestamp.to_bytes(8, "big"),
            _short_string(origin),
            start.to_bytes(8, "big"),
            end.to_bytes(8, "big"),
            root,
        )
    )


def _short_string(text: str) -> bytes:
    data = text.encode()
    if not 0 < len(data) < 256:
        raise MalformedInput("a cosigned name has 1 to 255 bytes")
    return bytes([len(data)]) + data


def split_timestamp(signature: bytes) -> tuple[int, bytes]:
    """Split a cosignature into its time and the signature; raises VerificationFailed."""
    timestamp = int.from_bytes(signature[:_TIME_BYTES], "big")
    if len(signature) <= _TIME_BYTES or timestamp > MAX_UINT63:
        raise VerificationFailed("witnesses", "a cosignature is too short or its time too large")
    return timestamp, signature[_TIME_BYTES:]


class Ed25519CosignatureVerifier:
    """Checks Ed25519 cosignatures (type 0x04)."""

    def __init__(self, vkey: VerifierKey) -> None:
        self.vkey = vkey
        self._verifier = Ed25519Verifier(vkey.key)

    def verify(self, text: bytes, signature: bytes) -> None:
        """Raise VerificationFailed("witnesses") unless the cosignature is valid."""
        timestamp, raw = split_timestamp(signature)
        self._verifier.verify(raw, ed25519_message(timestamp, text), "witnesses")


class MLDSA44CosignatureVerifier:
    """Checks ML-DSA-44 cosignatures of checkpoints (type 0x06)."""

    def __init__(self, vkey: VerifierKey) -> None:
        self.vkey = vkey
        try:
            self._key = MLDSA44PublicKey.from_public_bytes(vkey.key)
        except ValueError as error:
            raise MalformedInput("not an ML-DSA-44 public key") from error

    def verify(self, text: bytes, signature: bytes) -> None:
        """Raise VerificationFailed("witnesses") unless the cosignature is valid."""
        timestamp, raw = split_timestamp(signature)
        self._check(raw, mldsa44_message(self.vkey.name, timestamp, text))

    def verify_subtree(
        self, origin: str, start: int, end: int, root: bytes, signature: bytes
    ) -> None:
        """Raise VerificationFailed("witnesses") unless the subtree's signature is valid."""
        timestamp, raw = split_timestamp(signature)
        name = self.vkey.name
        self._check(raw, mldsa44_subtree_message(name, timestamp, origin, start, end, root))

    def _check(self, raw: bytes, message: bytes) -> None:
        try:
            self._key.verify(raw, message)
        except InvalidSignature as error:
            raise VerificationFailed(
                "witnesses", f"the ML-DSA-44 cosignature of {self.vkey.name} does not verify"
            ) from error


_VERIFIERS: dict[int, Callable[[VerifierKey], NoteVerifier]] = {
    ALG_ED25519: Ed25519NoteVerifier,
    ALG_ED25519_COSIGNATURE: Ed25519CosignatureVerifier,
    ALG_MLDSA44_COSIGNATURE: MLDSA44CosignatureVerifier,
}


def verifiers_for(keys: Iterable[VerifierKey]) -> list[NoteVerifier]:
    """Return the verifier of each key by its signature type."""
    return [_VERIFIERS[key.algorithm](key) for key in keys]


class Ed25519Cosigner:
    """A witness key; ``now`` gives seconds since 1970 (a witness lives in real time)."""

    def __init__(self, name: str, signer: Ed25519Signer, now: Callable[[], int]) -> None:
        self.vkey = make_vkey(name, ALG_ED25519_COSIGNATURE, signer.public_key)
        self._signer = signer
        self._now = now

    def sign(self, text: bytes) -> bytes:
        """Return time and signature for a checkpoint's text."""
        timestamp = self._now()
        return timestamp.to_bytes(8, "big") + self._signer.sign(ed25519_message(timestamp, text))


class MLDSA44Cosigner:
    """A post-quantum cosigner; also a log's second signature over its own checkpoint."""

    def __init__(self, name: str, key: MLDSA44PrivateKey, now: Callable[[], int]) -> None:
        public_key = key.public_key().public_bytes_raw()
        self.vkey = make_vkey(name, ALG_MLDSA44_COSIGNATURE, public_key)
        self._key = key
        self._now = now

    def sign(self, text: bytes) -> bytes:
        """Return time and signature for a checkpoint's text."""
        timestamp = self._now()
        message = mldsa44_message(self.vkey.name, timestamp, text)
        return timestamp.to_bytes(8, "big") + self._key.sign(message)

    def subtree_signature(self, origin: str, start: int, end: int, root: bytes) -> NoteSignature:
        """Return the signature line for the subtree [start, end); it carries the time 0."""
        message = mldsa44_subtree_message(self.vkey.name, 0, origin, start, end, root)
        signature = bytes(_TIME_BYTES) + self._key.sign(message)
        return NoteSignature(self.vkey.name, self.vkey.key_id, signature)
