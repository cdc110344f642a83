"""Asking a witness for its cosignature, as a log does (c2sp.org/tlog-witness).

Nothing that a witness answers is taken on trust: its size only chooses which proof is sent next,
and a line is kept when it verifies under a key that the caller configured. Every failure is a
:class:`WitnessFailed` with a reason, so that a log can count it and go on.
"""

from __future__ import annotations

import gzip
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Protocol

import httpx

from anchoring.checkpoint import parse_checkpoint
from anchoring.cosignature import split_timestamp, verifiers_for
from anchoring.encoding import parse_decimal, parse_utf8
from anchoring.errors import MalformedInput, VerificationFailed, WitnessFailed
from anchoring.merkle_proof import prove_consistency
from anchoring.note import Note, NoteSignature, VerifierKey, open_note, parse_note
from anchoring.tiles import TileReader, TileSource
from anchoring.witness import SIZE_TYPE, AddCheckpoint

MAX_REPLY_BYTES = 400_000
"""One hundred ML-DSA lines have about 330 kB."""

BYTES = "application/octet-stream"
_ATTEMPTS = 4

Prove = Callable[[int, int], list[bytes]]
"""(old size, new size) to the consistency proof between them."""


class Transport(Protocol):
    """Where a request goes: over HTTP, or to a mirror in this process."""

    def post(self, path: str, body: bytes, content_type: str) -> tuple[int, str, bytes]:
        """Return status, content type and body; raises WitnessFailed when there is no answer."""
        ...


class HttpTransport:
    """Requests below a submission prefix.

    ``seconds`` bounds each wait for the other side; an answer that drips takes twice that at most.
    """

    def __init__(self, url: str, seconds: float = 5.0) -> None:
        self._url = url.rstrip("/")
        self._seconds = seconds
        self._client = httpx.Client(timeout=seconds, follow_redirects=False)

    def __enter__(self) -> HttpTransport:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def post(self, path: str, body: bytes, content_type: str) -> tuple[int, str, bytes]:
        """Post ``body`` (entries compressed); no answer, or one too long, is a failure."""
        headers = {"Content-Type": content_type}
        if content_type == BYTES:
            headers["Content-Encoding"] = "gzip"
            body = gzip.compress(body, 1)
        url = f"{self._url}/{path}"
        deadline = time.monotonic() + 2 * self._seconds
        try:
            with self._client.stream("POST", url, content=body, headers=headers) as response:
                data = bytearray()
                for chunk in response.iter_bytes():
                    data += chunk
                    if len(data) > MAX_REPLY_BYTES:
                        raise WitnessFailed("malformed", "the answer is too long")
                    if time.monotonic() > deadline:
                        raise WitnessFailed("timeout", "the answer comes too slowly")
                kind = response.headers.get("content-type", "")
                return response.status_code, kind, bytes(data)
        except httpx.TimeoutException as error:
            raise WitnessFailed("timeout", "no answer in time") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise WitnessFailed("unreachable", f"cannot be reached: {error}") from error


def proofs_from(source: TileSource, size: int) -> Prove:
    """Return proofs made from the tiles of a log of at least ``size`` entries."""
    reader = TileReader(source, size)
    return lambda old, new: prove_consistency(old, new, reader)


class WitnessClient:
    """One witness as a log sees it: an address and the keys it may sign with."""

    def __init__(self, transport: Transport, keys: Sequence[VerifierKey]) -> None:
        self._transport = transport
        self._keys = tuple(keys)
        self._known = 0

    def cosign(self, checkpoint: bytes, prove: Prove) -> list[NoteSignature]:
        """Return the witness's verified lines for ``checkpoint``, at least one.

        Starts from the size that the witness last named. Raises WitnessFailed with a reason:
        ``timeout``, ``unreachable``, ``refused-<status>``, ``ahead`` (it has a larger head of
        this log), ``malformed`` or ``bad-signature``; also StorageError from ``prove``.
        """
        reply = self.submit(checkpoint, prove)
        return verified_lines(checkpoint, reply, self._keys)

    def submit(self, checkpoint: bytes, prove: Prove) -> bytes:
        """Bring the other side to ``checkpoint``; returns the body of its 200 answer."""
        head, _ = parse_checkpoint(checkpoint)
        old = min(self._known, head.size)
        for _ in range(_ATTEMPTS):
            hashes = prove(old, head.size) if old else []
            body = AddCheckpoint(old, tuple(hashes), checkpoint).encode()
            status, kind, data = self._transport.post("add-checkpoint", body, "text/plain")
            if status == 200:
                self._known = head.size
                return data
            if status != 409:
                raise WitnessFailed(f"refused-{status}", _sentence(status, data))
            self._known = old = _parse_size(kind, data)
            if old > head.size:
                raise WitnessFailed("ahead", f"its head has {old} entries, ours {head.size}")
        raise WitnessFailed("refused-409", "it names another size each time")


def _parse_size(kind: str, data: bytes) -> int:
    if kind.split(";")[0].strip() != SIZE_TYPE:
        raise WitnessFailed("malformed", f"a conflict without {SIZE_TYPE}")
    try:
        text = parse_utf8(data, "the witness's size")
        if not text.endswith("\n"):
            raise MalformedInput("the witness's size has no newline")
        return parse_decimal(text[:-1], "the witness's size")
    except MalformedInput as error:
        raise WitnessFailed("malformed", str(error)) from error


def _sentence(status: int, data: bytes) -> str:
    words = " ".join(data[:200].decode("utf-8", "replace").split())
    return f"it answered {status}: {words}" if words else f"it answered {status}"


def verified_lines(
    checkpoint: bytes, reply: bytes, keys: Sequence[VerifierKey]
) -> list[NoteSignature]:
    """Return the lines of ``keys`` in a 200 answer; lines of unknown keys are left out."""
    note = parse_note(checkpoint)
    try:
        answered = parse_note(f"{note.text}\n".encode() + reply)
        opened = open_note(Note(note.text, answered.signatures), verifiers_for(keys))
        for _, line in opened.verified:
            if split_timestamp(line.signature)[0] == 0:
                raise VerificationFailed("witnesses", "a cosignature without a time")
    except MalformedInput as error:
        raise WitnessFailed("malformed", str(error)) from error
    except VerificationFailed as error:
        raise WitnessFailed("bad-signature", str(error)) from error
    return [line for _, line in opened.verified]


def merge_signatures(checkpoint: bytes, lines: Sequence[NoteSignature]) -> bytes:
    """Return the checkpoint with those of ``lines`` added whose key has none on it yet.

    The caller verified the lines. A signature that is there stays: published bytes do not change.
    """
    note = parse_note(checkpoint)
    have = {(item.name, item.key_id) for item in note.signatures}
    new: list[NoteSignature] = []
    for line in lines:
        if (line.name, line.key_id) not in have:
            have.add((line.name, line.key_id))
            new.append(line)
    return Note(note.text, (*note.signatures, *new)).encode()
