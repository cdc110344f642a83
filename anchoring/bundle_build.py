"""Building bundles, each verified before it is given out: a wrong proof never is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from anchoring.batch_proof import BatchProof, prove_batch, verify_batch
from anchoring.bundle_files import Bundle, EventsBundle
from anchoring.checkpoint import Checkpoint, parse_checkpoint
from anchoring.disclosure import Disclosure, encode_disclosure
from anchoring.envelope import parse_entry
from anchoring.errors import MalformedInput, VerificationFailed
from anchoring.ethproof import AnchorEvidence
from anchoring.events_file import encode_events
from anchoring.merkle import HashReader, leaf_hash, leaf_hashes
from anchoring.merkle_proof import prove_inclusion, verify_inclusion
from anchoring.range_proof import RangeProof, prove_range, verify_range
from anchoring.stream_index import IndexPath
from anchoring.stream_proof import StreamProof, parse_stream_proof, verify_stream
from anchoring.tlog_proof import TlogProof


@dataclass(frozen=True, slots=True)
class PersonalFiles:
    """What goes with a proof of events with personal data: open values, verified erasures."""

    disclosure: Disclosure | None = None
    erasures: tuple[Bundle, ...] = ()

    def encode(self) -> bytes | None:
        """Return the bytes of NAME.personal, None when nothing is disclosed."""
        return encode_disclosure(self.disclosure) if self.disclosure else None


_NOTHING = PersonalFiles()


def build_bundle(
    entry: bytes,
    index: int,
    checkpoint: bytes,
    reader: HashReader,
    anchor: AnchorEvidence | None = None,
    personal: PersonalFiles = _NOTHING,
) -> Bundle:
    """Build and verify a bundle for the entry at ``index`` under a signed checkpoint.

    Raises VerificationFailed when the storage's hashes do not lead from the entry to the
    checkpoint's root, or the evidence is for another checkpoint: a wrong proof is never given
    out.
    """
    head, _ = parse_checkpoint(checkpoint)
    hashes = prove_inclusion(index, head.size, reader)
    verify_inclusion(leaf_hash(entry), index, head.size, hashes, head.root)
    evidence = _encode_anchor(anchor, head)
    proof = TlogProof(index, tuple(hashes), checkpoint).encode()
    return Bundle(entry, proof, evidence, personal.encode(), personal.erasures)


def build_batch(
    entries: Sequence[bytes],
    indices: Sequence[int],
    checkpoint: bytes,
    reader: HashReader,
    anchor: AnchorEvidence | None = None,
    personal: PersonalFiles = _NOTHING,
) -> EventsBundle:
    """Build and verify a bundle for many entries, whose indices ascend strictly.

    Raises MalformedInput for such indices or counts as cannot be, VerificationFailed as
    :func:`build_bundle` does.
    """
    head, _ = parse_checkpoint(checkpoint)
    events = encode_events(entries)
    hashes = prove_batch(indices, head.size, reader)
    verify_batch(leaf_hashes(entries), indices, head.size, hashes, head.root)
    evidence = _encode_anchor(anchor, head)
    proof = BatchProof(tuple(indices), tuple(hashes), checkpoint).encode()
    return EventsBundle(events, proof, evidence, None, personal.encode(), personal.erasures)


def build_range(
    entries: Sequence[bytes],
    start: int,
    checkpoint: bytes,
    reader: HashReader,
    anchor: AnchorEvidence | None = None,
    personal: PersonalFiles = _NOTHING,
) -> EventsBundle:
    """Build and verify a bundle for the entries ``start`` to ``start + len(entries) - 1``.

    Raises MalformedInput for a range that is not in the tree, VerificationFailed as
    :func:`build_bundle` does.
    """
    head, _ = parse_checkpoint(checkpoint)
    events = encode_events(entries)
    end = start + len(entries)
    hashes = prove_range(start, end, head.size, reader)
    verify_range(leaf_hashes(entries), start, head.size, hashes, head.root)
    evidence = _encode_anchor(anchor, head)
    proof = RangeProof(start, end, hashes, checkpoint).encode()
    return EventsBundle(events, proof, evidence, None, personal.encode(), personal.erasures)


@dataclass(frozen=True, slots=True)
class StreamEvents:
    """All events of a stream that an index covers, in order of version, and where they stand.

    ``path`` leads from the stream's place to the root that ``index_entry``, the index event at
    ``index_position``, commits to. No entries: the stream is not there.
    """

    tenant_id: str
    stream_id: str
    entries: tuple[bytes, ...]
    positions: tuple[int, ...]
    index_entry: bytes
    index_position: int
    path: IndexPath


def build_stream(
    events: StreamEvents,
    checkpoint: bytes,
    reader: HashReader,
    anchor: AnchorEvidence | None = None,
    personal: PersonalFiles = _NOTHING,
) -> EventsBundle:
    """Build and verify a bundle that shows a stream complete (or absent).

    Raises MalformedInput when the last entry is no index event or a count is too large,
    VerificationFailed as :func:`build_bundle` does, and VerificationFailed("completeness") when
    the events are not all of the stream's as the index event commits.
    """
    if len(events.entries) != len(events.positions):
        raise MalformedInput("there are not as many positions as entries")
    entries = [*events.entries, events.index_entry]
    indices = [*events.positions, events.index_position]
    batch = build_batch(entries, indices, checkpoint, reader, anchor, personal)
    stream = StreamProof(events.tenant_id, events.stream_id, len(events.entries), events.path)
    verify_stream(stream, [parse_entry(each) for each in entries], leaf_hashes(entries), indices)
    data = stream.encode()
    parse_stream_proof(data)
    return EventsBundle(
        batch.events, batch.proof, batch.anchor, data, batch.personal, batch.erasures
    )


def _encode_anchor(anchor: AnchorEvidence | None, head: Checkpoint) -> bytes | None:
    if anchor is None:
        return None
    if (anchor.size, anchor.root) != (head.size, head.root):
        raise VerificationFailed("anchor", "the evidence is for another checkpoint")
    return anchor.encode()
