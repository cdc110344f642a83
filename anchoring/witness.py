"""A witness, c2sp.org/tlog-witness v1.0.0: cosigns only tree heads that extend the last one.

Pure but for its store: bytes of a request in, a reply out, so that the rules are checked without a
server. The store runs the decision under a lock that holds for every thread and process, and has
written the new head before the reply exists: two requests can never be cosigned on two branches.

A witness without cosigners only keeps heads; that is the pending checkpoint of a mirror.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Protocol

from anchoring.checkpoint import Checkpoint, parse_checkpoint, parse_checkpoint_text
from anchoring.cosignature import MLDSA44Cosigner, verifiers_for
from anchoring.encoding import encode_base64, parse_base64, parse_decimal, parse_utf8
from anchoring.errors import AnchoringError, MalformedInput, VerificationFailed
from anchoring.merkle import EMPTY_ROOT, HASH_BYTES, is_subtree
from anchoring.merkle_proof import verify_subtree_consistency
from anchoring.note import (
    MAX_NOTE_BYTES,
    Note,
    NoteSignature,
    NoteSigner,
    OpenedNote,
    VerifierKey,
    open_note,
    parse_note,
    sign_note,
)

MAX_PROOF_HASHES = 63
MAX_REQUEST_BYTES = MAX_NOTE_BYTES + 64 * 64
"""A note, 63 lines of base64 and the first line."""

TEXT = "text/plain; charset=utf-8"
SIZE_TYPE = "text/x.tlog.size"


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer: what a server sends as it is."""

    status: int
    body: bytes = b""
    content_type: str = TEXT


@dataclass(frozen=True, slots=True)
class AddCheckpoint:
    """A parsed ``add-checkpoint`` request; nothing of it is verified."""

    old_size: int
    hashes: tuple[bytes, ...]
    checkpoint: bytes

    def encode(self) -> bytes:
        """Return the request's bytes; parsing them gives this request again."""
        return _encode_request(f"old {self.old_size}", self.hashes, self.checkpoint)


@dataclass(frozen=True, slots=True)
class SignSubtree:
    """A parsed ``sign-subtree`` request; nothing of it is verified."""

    start: int
    end: int
    root: bytes
    hashes: tuple[bytes, ...]
    checkpoint: bytes

    def encode(self) -> bytes:
        """Return the request's bytes; parsing them gives this request again."""
        header = f"subtree {self.start} {self.end}\n{encode_base64(self.root)}"
        return _encode_request(header, self.hashes, self.checkpoint)


def parse_add_checkpoint(data: bytes) -> AddCheckpoint:
    """Parse the body of ``add-checkpoint`` strictly; raises MalformedInput."""
    lines, checkpoint = _split_request(data)
    header = lines.pop(0)
    if not header.startswith("old "):
        raise MalformedInput("the request does not start with the line 'old <size>'")
    old_size = parse_decimal(header[len("old ") :], "the old size")
    return AddCheckpoint(old_size, _parse_hashes(lines), checkpoint)


def parse_sign_subtree(data: bytes) -> SignSubtree:
    """Parse the body of ``sign-subtree`` strictly; raises MalformedInput."""
    lines, checkpoint = _split_request(data)
    words = lines.pop(0).split(" ")
    if len(words) != 3 or words[0] != "subtree" or not lines:
        raise MalformedInput("the request does not start with a subtree and its hash")
    start = parse_decimal(words[1], "the subtree's start")
    end = parse_decimal(words[2], "the subtree's end")
    root = parse_base64(lines.pop(0), "the subtree's hash", HASH_BYTES)
    return SignSubtree(start, end, root, _parse_hashes(lines), checkpoint)


def _split_request(data: bytes) -> tuple[list[str], bytes]:
    if len(data) > MAX_REQUEST_BYTES:
        raise MalformedInput(f"the request is longer than {MAX_REQUEST_BYTES:,} bytes")
    head, separator, checkpoint = data.partition(b"\n\n")
    if not separator or not checkpoint:
        raise MalformedInput("the request has no checkpoint after an empty line")
    return parse_utf8(head, "the request").split("\n"), checkpoint


def _parse_hashes(lines: Sequence[str]) -> tuple[bytes, ...]:
    if len(lines) > MAX_PROOF_HASHES:
        raise MalformedInput(f"the proof has more than {MAX_PROOF_HASHES} hashes")
    return tuple(parse_base64(line, "a proof hash", HASH_BYTES) for line in lines)


def _encode_request(header: str, hashes: Sequence[bytes], checkpoint: bytes) -> bytes:
    lines = [header, *(encode_base64(item) for item in hashes)]
    return "\n".join(lines).encode() + b"\n\n" + checkpoint


class HeadStore(Protocol):
    """The newest cosigned checkpoint of each log, durable and shared by every process."""

    def read(self, origin: str) -> bytes | None:
        """Return the newest checkpoint of a log, or None; raises StorageError."""
        ...

    def read_by_hash(self, origin_hash: str) -> bytes | None:
        """Return the newest checkpoint of the log with this SHA-256 of its origin, or None."""
        ...

    def update(self, origin: str, decide: Callable[[bytes | None], bytes]) -> bytes:
        """Replace the newest checkpoint by what ``decide`` makes of it, as one atomic step.

        The new one is on disk before this returns it. Nothing changes when ``decide`` raises.
        Raises StorageError.
        """
        ...


class _Refused(AnchoringError):
    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.body.decode("utf-8", "replace").strip())
        self.reply = reply


def _refuse(status: int, message: str) -> _Refused:
    return _Refused(Reply(status, f"{message}\n".encode()))


def origin_hash(origin: str) -> str:
    """Return the lower-case hex SHA-256 of a log's origin, its name in a witness's paths."""
    return sha256(origin.encode()).hexdigest()


class Witness:
    """Keeps the heads of the logs it is configured with. Any number of threads may call it."""

    def __init__(
        self, logs: Iterable[VerifierKey], cosigners: Sequence[NoteSigner], store: HeadStore
    ) -> None:
        """Take the keys of the logs (their names are the origins) and the witness's own.

        Raises MalformedInput when a log's key is one of the cosigners': such a witness would
        vouch for itself.
        """
        self._logs: dict[str, list[VerifierKey]] = {}
        for key in logs:
            self._logs.setdefault(key.name, []).append(key)
        own = {signer.vkey.key for signer in cosigners}
        if any(key.key in own for keys in self._logs.values() for key in keys):
            raise MalformedInput("a witness cannot vouch for a log with the log's own key")
        self._cosigners = tuple(cosigners)
        self._store = store

    @property
    def vkeys(self) -> list[VerifierKey]:
        """Return the keys that this witness cosigns with."""
        return [signer.vkey for signer in self._cosigners]

    @property
    def signs_subtrees(self) -> bool:
        """Say whether a key is there whose signature can cover a subtree (ML-DSA-44)."""
        return any(isinstance(signer, MLDSA44Cosigner) for signer in self._cosigners)

    def checkpoint(self, hashed_origin: str) -> bytes | None:
        """Return what monitors read: the newest head with the log's and our signatures."""
        return self._store.read_by_hash(hashed_origin)

    def newest(self, origin: str) -> bytes | None:
        """Return the newest head of ``origin``."""
        return self._store.read(origin)

    def add_checkpoint(self, body: bytes) -> Reply:
        """Answer ``add-checkpoint``: 200, 400, 403, 404, 409 or 422. Raises StorageError."""
        try:
            return self._add_checkpoint(body)
        except _Refused as refused:
            return refused.reply
        except MalformedInput as error:
            return Reply(400, f"{error}\n".encode())

    def _add_checkpoint(self, body: bytes) -> Reply:
        request = parse_add_checkpoint(body)
        note = parse_note(request.checkpoint)
        head = parse_checkpoint_text(note.text)
        opened = self._open(head.origin, note, self._logs.get(head.origin, []))
        if request.old_size > head.size:
            raise _refuse(400, "the old size is larger than the checkpoint's")
        lines: list[NoteSignature] = []

        def decide(known: bytes | None) -> bytes:
            _check_extends(known, request, head)
            if self._cosigners:
                lines.extend(sign_note(note.text, self._cosigners).signatures)
            logs = tuple(signature for _, signature in opened.verified)
            return Note(note.text, (*logs, *lines)).encode()

        self._store.update(head.origin, decide)
        return Reply(200, "".join(line.line() for line in lines).encode())

    def _open(self, origin: str, note: Note, keys: Sequence[VerifierKey]) -> OpenedNote:
        if origin not in self._logs:
            raise _refuse(404, "this witness does not know the log")
        try:
            return open_note(note, verifiers_for(keys))
        except VerificationFailed as error:
            raise _refuse(403, str(error)) from error

    def sign_subtree(self, body: bytes) -> Reply:
        """Answer ``sign-subtree``: 200, 400, 403, 404 or 422."""
        try:
            return self._sign_subtree(body)
        except _Refused as refused:
            return refused.reply
        except MalformedInput as error:
            return Reply(400, f"{error}\n".encode())

    def _sign_subtree(self, body: bytes) -> Reply:
        request = parse_sign_subtree(body)
        head, note = parse_checkpoint(request.checkpoint)
        if not is_subtree(request.start, request.end) or request.end > head.size:
            raise _refuse(400, "not a subtree of the checkpoint")
        opened = self._open(head.origin, note, self.vkeys)
        try:
            verify_subtree_consistency(
                request.start, request.end, head.size, request.hashes, request.root, head.root
            )
        except VerificationFailed as error:
            raise _refuse(422, str(error)) from error
        lines = [
            signer.subtree_signature(head.origin, request.start, request.end, request.root)
            for signer in self._cosigners
            # Only a key that stands on the reference checkpoint; the Ed25519 form has no subtrees.
            if isinstance(signer, MLDSA44Cosigner) and opened.signed_by(signer.vkey)
        ]
        if not lines:
            raise _refuse(403, "the checkpoint has no cosignature of a key that signs subtrees")
        return Reply(200, "".join(line.line() for line in lines).encode())


def _check_extends(known: bytes | None, request: AddCheckpoint, head: Checkpoint) -> None:
    """Raise unless ``head`` extends the ``known`` checkpoint by the request's proof."""
    last = None if known is None else parse_checkpoint(known)[0]
    recorded = 0 if last is None else last.size
    if request.old_size != recorded:
        raise _Refused(Reply(409, b"%d\n" % recorded, SIZE_TYPE))
    if head.size == 0 and head.root != EMPTY_ROOT:
        raise _refuse(422, "a checkpoint of size 0 has another root than the empty one")
    if last is None or recorded == 0:
        if request.hashes:
            raise _refuse(422, "a proof from size 0 must be empty")
        return
    try:
        verify_subtree_consistency(0, recorded, head.size, request.hashes, last.root, head.root)
    except VerificationFailed as error:
        raise _refuse(422, str(error)) from error
