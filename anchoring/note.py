"""Signed notes, c2sp.org/signed-note v1.0.0: a text and one line for each signature.

``text || "\\n" || ("— " name " " base64(key id || signature) "\\n")+``. The key id is
SHA-256(name || 0x0A || type || public key)[:4]; a verifier key is written
``name+hex8(key id)+base64(type || public key)`` and split at the first two ``+`` only, since
base64 has a ``+`` of its own. Lines are split at U+000A and nowhere else.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Protocol

from anchoring.encoding import encode_base64, parse_base64, parse_hex, parse_utf8
from anchoring.errors import MalformedInput, VerificationFailed
from anchoring.signing import Ed25519Signer, Ed25519Verifier

ALG_ED25519 = 0x01
ALG_ED25519_COSIGNATURE = 0x04
ALG_MLDSA44_COSIGNATURE = 0x06

KEY_LENGTHS = {ALG_ED25519: 32, ALG_ED25519_COSIGNATURE: 32, ALG_MLDSA44_COSIGNATURE: 1312}

MAX_SIGNATURES = 100
"""As many as Go's sumdb/note reads; the specification asks for at least 16."""

MAX_NOTE_BYTES = 1_000_000

_SIGNATURE_PREFIX = "\u2014 "
_CONTROL = re.compile("[\x00-\x09\x0b-\x1f]")


@dataclass(frozen=True, slots=True)
class NoteSignature:
    """One signature line: who says it signed, with the key id split off."""

    name: str
    key_id: bytes
    signature: bytes

    def line(self) -> str:
        """Return the line, with its newline."""
        return f"{_SIGNATURE_PREFIX}{self.name} {encode_base64(self.key_id + self.signature)}\n"


@dataclass(frozen=True, slots=True)
class Note:
    """A parsed note; nothing about its signatures is verified yet."""

    text: str
    signatures: tuple[NoteSignature, ...]

    def encode(self) -> bytes:
        """Return the note's bytes; parsing them gives this note again."""
        return (self.text + "\n" + "".join(item.line() for item in self.signatures)).encode()


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key as a vkey names it."""

    name: str
    key_id: bytes
    algorithm: int
    key: bytes

    def __str__(self) -> str:
        encoded = encode_base64(bytes([self.algorithm]) + self.key)
        return f"{self.name}+{self.key_id.hex()}+{encoded}"


class NoteVerifier(Protocol):
    """A key that can check a signature line."""

    @property
    def vkey(self) -> VerifierKey:
        """Return the key."""
        ...

    def verify(self, text: bytes, signature: bytes) -> None:
        """Raise VerificationFailed unless ``signature`` (without key id) is over ``text``."""
        ...


class NoteSigner(Protocol):
    """A key that can add a signature line."""

    @property
    def vkey(self) -> VerifierKey:
        """Return the public half."""
        ...

    def sign(self, text: bytes) -> bytes:
        """Return the signature bytes that follow the key id."""
        ...


@dataclass(frozen=True, slots=True)
class OpenedNote:
    """A note with its lines sorted by what the given keys make of them."""

    note: Note
    verified: tuple[tuple[VerifierKey, NoteSignature], ...]
    unknown: tuple[NoteSignature, ...]
    repeated: int

    def signed_by(self, key: VerifierKey) -> bool:
        """Say whether a valid line of ``key`` is there."""
        return any(found == key for found, _ in self.verified)


def check_name(name: str) -> str:
    """Return a key name that may stand in a note; raises MalformedInput."""
    if not name or "+" in name or _CONTROL.search(name):
        raise MalformedInput("a key name is empty or holds '+' or a control character")
    if any(character.isspace() for character in name):
        raise MalformedInput("a key name holds a space")
    return name


def compute_key_id(name: str, algorithm: int, key: bytes) -> bytes:
    """Return SHA-256(name || 0x0A || type || key)[:4]."""
    return sha256(name.encode() + b"\n" + bytes([algorithm]) + key).digest()[:4]


def make_vkey(name: str, algorithm: int, key: bytes) -> VerifierKey:
    """Return the verifier key of a public key; raises MalformedInput for a bad name or length."""
    if len(key) != KEY_LENGTHS.get(algorithm, -1):
        raise MalformedInput(f"no key of {len(key)} bytes has the signature type {algorithm:#04x}")
    return VerifierKey(check_name(name), compute_key_id(name, algorithm, key), algorithm, key)


def parse_vkey(text: str) -> VerifierKey:
    """Parse ``name+id+key``; raises MalformedInput, also when the id is not the computed one."""
    parts = text.split("+", 2)
    if len(parts) != 3:
        raise MalformedInput("a verifier key is name+id+key")
    name, key_id, encoded = parts
    data = parse_base64(encoded, "the verifier key")
    if not data:
        raise MalformedInput("a verifier key is empty")
    vkey = make_vkey(name, data[0], data[1:])
    if parse_hex(key_id, "the key id", 4) != vkey.key_id:
        raise MalformedInput(f"the key id {key_id} does not belong to the verifier key {name}")
    return vkey


def parse_note(data: bytes) -> Note:
    """Parse a note strictly; raises MalformedInput."""
    if len(data) > MAX_NOTE_BYTES:
        raise MalformedInput("the note is longer than 1,000,000 bytes")
    content = parse_utf8(data, "the note")
    if _CONTROL.search(content):
        raise MalformedInput("the note holds a control character")
    split = content.rfind("\n\n")
    if split < 0:
        raise MalformedInput("the note has no empty line before its signatures")
    text, block = content[: split + 1], content[split + 2 :]
    if not block.endswith("\n"):
        raise MalformedInput("the note has no signature, or its last line has no newline")
    lines = block[:-1].split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise MalformedInput(f"the note has more than {MAX_SIGNATURES} signatures")
    return Note(text, tuple(_parse_signature(line) for line in lines))


def _parse_signature(line: str) -> NoteSignature:
    if not line.startswith(_SIGNATURE_PREFIX):
        raise MalformedInput("a line after the note's text is not a signature")
    name, space, encoded = line[len(_SIGNATURE_PREFIX) :].partition(" ")
    if not space:
        raise MalformedInput("a signature line has no signature")
    data = parse_base64(encoded, "a note signature")
    if len(data) < 5:
        raise MalformedInput("a note signature is too short")
    return NoteSignature(check_name(name), data[:4], data[4:])


def open_note(data: bytes | Note, verifiers: Sequence[NoteVerifier]) -> OpenedNote:
    """Verify every line whose key is known; unknown lines are kept apart, not trusted.

    Raises MalformedInput for the form or for two keys of one (name, id), and
    VerificationFailed("checkpoint") when a known key's line is invalid or no line is known.
    """
    note = data if isinstance(data, Note) else parse_note(data)
    known: dict[tuple[str, bytes], NoteVerifier] = {}
    for verifier in verifiers:
        identity = (verifier.vkey.name, verifier.vkey.key_id)
        if identity in known:
            raise MalformedInput(f"two trusted keys share the name and id of {identity[0]}")
        known[identity] = verifier
    verified: dict[tuple[str, bytes], tuple[VerifierKey, NoteSignature]] = {}
    unknown: list[NoteSignature] = []
    repeated = 0
    text = note.text.encode()
    for item in note.signatures:
        found = known.get((item.name, item.key_id))
        if found is None:
            unknown.append(item)
            continue
        found.verify(text, item.signature)
        repeated += (item.name, item.key_id) in verified
        verified.setdefault((item.name, item.key_id), (found.vkey, item))
    if not verified:
        raise VerificationFailed("checkpoint", "no trusted key signed the note")
    return OpenedNote(note, tuple(verified.values()), tuple(unknown), repeated)


def sign_note(text: str, signers: Sequence[NoteSigner]) -> Note:
    """Sign ``text`` with each signer; raises MalformedInput when it cannot be a note's text."""
    if not signers or not text.endswith("\n") or _CONTROL.search(text):
        raise MalformedInput("a note needs a signer and a text of whole lines")
    message = text.encode()
    lines = [
        NoteSignature(signer.vkey.name, signer.vkey.key_id, signer.sign(message))
        for signer in signers
    ]
    return Note(text, tuple(lines))


class Ed25519NoteVerifier:
    """Checks plain Ed25519 lines (type 0x01): the signature is over the text itself."""

    def __init__(self, vkey: VerifierKey) -> None:
        self.vkey = vkey
        self._verifier = Ed25519Verifier(vkey.key)

    def verify(self, text: bytes, signature: bytes) -> None:
        """Raise VerificationFailed("checkpoint") unless the signature is valid."""
        self._verifier.verify(signature, text, "checkpoint")


class Ed25519NoteSigner:
    """Adds plain Ed25519 lines (type 0x01) under a name, for a log the origin."""

    def __init__(self, name: str, signer: Ed25519Signer) -> None:
        self.vkey = make_vkey(name, ALG_ED25519, signer.public_key)
        self.sign = signer.sign
