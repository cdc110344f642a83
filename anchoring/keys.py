"""The ``keys`` file (which event keys a log accepts, and for which entries) and key files.

The ``keys`` file is a note signed by the log key. Its text is a line ``<origin>/keys`` (so that
no checkpoint can be taken for it), then one line for each event key::

    <key id> ed25519 <base64 public key> <first index> <last index, or - while in use>

An event key therefore vouches only for entries between its first and last index: a key that
leaked later cannot sign an earlier entry.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from anchoring.encoding import encode_base64, parse_base64, parse_decimal
from anchoring.errors import KeyFileError, MalformedInput, UnknownKey
from anchoring.note import Note, NoteSigner, parse_note, sign_note
from anchoring.signing import ED25519, Ed25519Signer, Ed25519Verifier, key_id_of

_ORIGIN_SUFFIX = "/keys"
_OPEN = "-"


@dataclass(frozen=True)
class EventKey:
    """An event key and the entries it may sign: first to last index, both included."""

    public_key: bytes
    first: int
    last: int | None = None

    @cached_property
    def key_id(self) -> str:
        """Return the id that events carry."""
        return key_id_of(self.public_key)

    @cached_property
    def verifier(self) -> Ed25519Verifier:
        """Return the decoded key."""
        return Ed25519Verifier(self.public_key)

    def covers(self, index: int) -> bool:
        """Say whether the key may sign the entry at ``index``."""
        return self.first <= index and (self.last is None or index <= self.last)

    def line(self) -> str:
        """Return the key's line of a keys file."""
        last = _OPEN if self.last is None else str(self.last)
        encoded = encode_base64(self.public_key)
        return f"{self.key_id} {ED25519} {encoded} {self.first} {last}\n"


@dataclass(frozen=True)
class EventKeys:
    """The event keys of one log, as its ``keys`` file lists them."""

    origin: str
    keys: tuple[EventKey, ...]

    def lookup(self, key_id: str, index: int) -> EventKey:
        """Return the key ``key_id`` if it may sign entry ``index``; raises UnknownKey."""
        found = self._by_id.get(key_id)
        if found is None:
            raise UnknownKey(f"the keys file lists no key {key_id[:40]}")
        if not found.covers(index):
            raise UnknownKey(f"the key {key_id} is not valid for entry {index}")
        return found

    @cached_property
    def _by_id(self) -> dict[str, EventKey]:
        return {key.key_id: key for key in self.keys}

    def text(self) -> str:
        """Return the text that the log key signs."""
        return f"{self.origin}{_ORIGIN_SUFFIX}\n" + "".join(key.line() for key in self.keys)


def write_event_keys(keys: EventKeys, signers: Sequence[NoteSigner]) -> bytes:
    """Return the signed ``keys`` file; raises MalformedInput when it could not be read again."""
    text = keys.text()
    if parse_event_keys_text(text) != keys:
        raise MalformedInput("the keys cannot be written: the origin holds a newline")
    return sign_note(text, signers).encode()


def parse_event_keys(data: bytes) -> tuple[EventKeys, Note]:
    """Parse a ``keys`` file without verifying its signature; raises MalformedInput."""
    note = parse_note(data)
    return parse_event_keys_text(note.text), note


def parse_event_keys_text(text: str) -> EventKeys:
    """Parse the signed text of a ``keys`` file; raises MalformedInput."""
    header, *lines = text.split("\n")
    if not header.endswith(_ORIGIN_SUFFIX) or header == _ORIGIN_SUFFIX:
        raise MalformedInput("the keys file does not start with the line <origin>/keys")
    if not lines or lines.pop():
        raise MalformedInput("the keys file's last line has no newline")
    keys = tuple(_parse_line(line) for line in lines)
    if len({key.key_id for key in keys}) != len(keys):
        raise MalformedInput("the keys file lists a key twice")
    return EventKeys(header.removesuffix(_ORIGIN_SUFFIX), keys)


def _parse_line(line: str) -> EventKey:
    words = line.split(" ")
    if len(words) != 5 or words[1] != ED25519:
        raise MalformedInput("a keys line is <key id> ed25519 <public key> <first> <last or ->")
    key_id, _, encoded, first_word, last_word = words
    public_key = parse_base64(encoded, "an event key", 32)
    first = parse_decimal(first_word, "a key's first index")
    last = None if last_word == _OPEN else parse_decimal(last_word, "a key's last index")
    if last is not None and last < first:
        raise MalformedInput("a key's last index is before its first")
    if key_id != key_id_of(public_key):
        raise MalformedInput("a key id does not belong to its public key")
    Ed25519Verifier(public_key)
    return EventKey(public_key, first, last)


def write_private_key(path: Path, signer: Ed25519Signer, passphrase: bytes | None = None) -> None:
    """Write a new private key file (PKCS8 PEM, mode 0600), encrypted if there is a passphrase.

    Raises KeyFileError when the file exists: a key is never overwritten.
    """
    encryption: KeySerializationEncryption = NoEncryption()
    if passphrase:
        encryption = BestAvailableEncryption(passphrase)
    pem = signer.private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise KeyFileError(f"cannot write the key file {path}: {error.strerror}") from error


def read_private_key(path: Path, passphrase: bytes | None = None) -> Ed25519Signer:
    """Read a private key file; raises KeyFileError.

    Refuses a file that its group or others can read, a wrong or missing passphrase, and keys
    that are not Ed25519.
    """
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
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyFileError(f"the key file {path} holds another kind of key than Ed25519")
    return Ed25519Signer(key)
