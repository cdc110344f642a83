"""Every format that is parsed here: a good sample, its parser, and what gives the bytes back.

``again`` turns what was parsed into bytes. For a canonical format they are the input; ``policy``
is the only one with spellings of its own choice (comments, white space), so there the parse of
``again`` must be the same policy.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import rlp

from anchoring import canonical
from anchoring.batch_proof import BatchProof, parse_batch_proof, prove_batch
from anchoring.checkpoint import (
    Checkpoint,
    parse_checkpoint,
    parse_checkpoint_text,
    sign_checkpoint,
)
from anchoring.disclosure import Disclosed, encode_disclosure, parse_disclosure
from anchoring.encoding import encode_base64, parse_base64, parse_decimal, parse_hex, parse_utf8
from anchoring.envelope import parse_entry
from anchoring.errors import MalformedInput
from anchoring.ethproof import AnchorEvidence, parse_anchor
from anchoring.events_file import encode_events, parse_events
from anchoring.keys import parse_event_keys
from anchoring.merkle import Frontier, MemoryTree, leaf_hashes
from anchoring.merkle_proof import prove_consistency, prove_inclusion, prove_subtree_consistency
from anchoring.mirror_upload import (
    ChunkReader,
    MirrorInfo,
    UploadHeader,
    make_package,
    parse_mirror_info,
    read_header,
    read_package,
)
from anchoring.note import parse_note, parse_vkey
from anchoring.policy import encode_policy, parse_policy
from anchoring.range_proof import RangeProof, parse_range_proof, prove_range
from anchoring.stream_index import IndexPath, StreamHead
from anchoring.stream_proof import StreamProof, parse_stream_proof
from anchoring.tiles import (
    decode_entries,
    decode_hashes,
    encode_entries,
    encode_hashes,
    parse_tile_path,
)
from anchoring.tlog_proof import TlogProof, parse_tlog_proof
from anchoring.trie_proof import decode_rlp_list
from anchoring.trust import Trust, parse_trust
from anchoring.witness import (
    AddCheckpoint,
    SignSubtree,
    parse_add_checkpoint,
    parse_sign_subtree,
)
from tests.anchoring.support import (
    LOG_SIGNER,
    ORIGIN,
    OTHER_WITNESS,
    WITNESS,
    make_entries,
    make_keys,
)


@dataclass(frozen=True)
class Format:
    """One format; ``is_text`` where lines and words have spellings to be refused."""

    name: str
    sample: bytes
    parse: Callable[[bytes], Any]
    again: Callable[[Any], bytes]
    is_text: bool = True
    is_canonical: bool = True
    is_deep: bool = False

    def check(self, data: bytes) -> bool:
        """Parse; True when accepted. What is accepted must be the only spelling of what it says."""
        try:
            found = self.parse(data)
            inner = getattr(found, "checkpoint", None)
            if inner is not None and self.is_deep:  # proofs carry their checkpoint unread
                parse_checkpoint(inner)
        except MalformedInput:
            return False
        back = self.again(found)
        if self.is_canonical:
            assert back == data, (self.name, data[:200], back[:200])
        else:
            assert self.again(self.parse(back)) == back, self.name
        return True


def _text(parse: Callable[[str], Any]) -> Callable[[bytes], Any]:
    return lambda data: parse(parse_utf8(data, "the text"))


def _json(data: bytes) -> Any:
    return canonical.parse(data)


def _upload(data: bytes) -> tuple[Any, ...]:
    """A whole upload of one package: header, package, nothing behind it."""
    reader = ChunkReader([data])
    header = read_header(reader)
    if header.end - header.start > 256:
        raise MalformedInput("more than one package")
    package = read_package(reader, header.start, header.end)
    if not reader.at_end():
        raise MalformedInput("something follows")
    return header, package


ENTRIES = make_entries(21)
TREE = MemoryTree(leaf_hashes(ENTRIES))
CHECKPOINT = sign_checkpoint(
    Checkpoint(ORIGIN, 21, TREE.root()), [LOG_SIGNER, WITNESS, OTHER_WITNESS]
)
_HASHES = [bytes([n]) * 32 for n in range(4)]
_POLICY = (
    f"log {LOG_SIGNER.vkey} https://log.example/\nwitness w1 {WITNESS.vkey}\n"
    f"witness w2 {OTHER_WITNESS.vkey} https://w2.example/\ngroup g 2 w1 w2\nquorum g\n"
).encode()
_ANCHOR = AnchorEvidence(
    31337, b"\x11" * 20, 21, TREE.root(), 8, b"\x22" * 32, b"\xc0" * 9,
    (b"\xc1\x80",), (b"\xc2\x80\x80",), (b"\xc1\x80", b"\xc0"),
)  # fmt: skip
_RANGE = RangeProof(3, 18, prove_range(3, 18, 21, TREE), CHECKPOINT)
_PLACES = (3, 4, 17)
_NEAR = StreamHead(b"\xaa" * 32, 2, b"\xbb" * 32)

FORMATS = [
    Format(
        "decimal", b"1234", _text(lambda t: parse_decimal(t, "n")), lambda n: str(n).encode()
    ),
    Format(
        "base64",
        b"AAEC/w==",
        _text(lambda t: parse_base64(t, "b")),
        lambda b: encode_base64(b).encode(),
    ),
    Format("hex", b"00ff7a", _text(lambda t: parse_hex(t, "h")), lambda b: b.hex().encode()),
    Format("vkey", str(WITNESS.vkey).encode(), _text(parse_vkey), lambda k: str(k).encode()),
    Format("note", CHECKPOINT, parse_note, lambda n: n.encode()),
    Format("checkpoint", CHECKPOINT, parse_checkpoint, lambda c: c[1].encode()),
    Format(
        "checkpoint text",
        parse_note(CHECKPOINT).text.encode(),
        _text(parse_checkpoint_text),
        lambda c: c.text().encode(),
    ),
    Format(
        "tlog-proof",
        TlogProof(6, tuple(prove_inclusion(6, 21, TREE)), CHECKPOINT, b"x").encode(),
        parse_tlog_proof,
        lambda p: p.encode(),
    ),
    Format(
        "tlog-batch",
        BatchProof(_PLACES, tuple(prove_batch(_PLACES, 21, TREE)), CHECKPOINT).encode(),
        parse_batch_proof,
        lambda p: p.encode(),
    ),
    Format("tlog-range", _RANGE.encode(), parse_range_proof, lambda p: p.encode()),
    Format(
        "stream",
        StreamProof("acme", "order-1", 0, IndexPath(tuple(_HASHES), _NEAR)).encode(),
        parse_stream_proof,
        lambda p: p.encode(),
    ),
    Format("events", encode_events(ENTRIES[:3]), parse_events, encode_events, is_text=False),
    Format("policy", _POLICY, parse_policy, encode_policy, is_canonical=False),
    Format(
        "trust",
        Trust(31337, b"\x11" * 20, {7: b"\x22" * 32, 9: b"\x33" * 32}, b"\x44" * 32).encode(),
        parse_trust,
        lambda t: t.encode(),
    ),
    Format("anchor", _ANCHOR.encode(), parse_anchor, lambda a: a.encode()),
    Format("keys", make_keys(40), parse_event_keys, lambda k: k[1].encode()),
    Format(
        "entry",
        ENTRIES[4],
        parse_entry,
        lambda e: canonical.encode(
            {"event": canonical.parse(e.event_bytes), "signature": e.signature.hex()}
        ),
    ),
    Format("json", b'{"a":[1,-2,"x\\n\xc3\xbc"],"b":{"c":null,"d":true}}', _json, canonical.encode),
    Format(
        "personal",
        encode_disclosure({"email": Disclosed(b"\x07" * 32, "a@b.example")}),
        parse_disclosure,
        encode_disclosure,
    ),
    Format(
        "tile path",
        b"tile/entries/x001/x234/067.p/12",
        _text(parse_tile_path),
        lambda t: t.path().encode(),
    ),
    Format(
        "tile", encode_hashes(_HASHES), lambda d: decode_hashes(d, len(d) // 32), encode_hashes,
        is_text=False,
    ),
    Format(
        "entry bundle",
        encode_entries(ENTRIES[:2]),
        lambda d: decode_entries(d, 2),
        encode_entries,
        is_text=False,
    ),
    Format(
        "frontier",
        Frontier(21, TREE.read_hashes([(4, 0), (2, 4), (0, 20)])).serialise(),
        Frontier.parse,
        lambda f: f.serialise(),
        is_text=False,
    ),
    Format(
        "rlp",
        rlp.encode([b"abc", [b"", [b"x" * 60]]]),
        lambda d: decode_rlp_list(d, "a list"),
        rlp.encode,
        is_text=False,
    ),
    Format(
        "add-checkpoint",
        AddCheckpoint(8, tuple(prove_consistency(8, 21, TREE)), CHECKPOINT).encode(),
        parse_add_checkpoint,
        lambda r: r.encode(),
    ),
    Format(
        "sign-subtree",
        SignSubtree(
            8, 13, _HASHES[1], tuple(prove_subtree_consistency(8, 13, 21, TREE)), CHECKPOINT
        ).encode(),
        parse_sign_subtree,
        lambda r: r.encode(),
    ),
    Format(
        "mirror info", MirrorInfo(21, 8, b"t").encode(), parse_mirror_info, lambda i: i.encode()
    ),
    Format(
        "upload",
        UploadHeader(ORIGIN, 3, 21, b"ticket").encode()
        + make_package(3, ENTRIES[3:], 21, TREE).encode(),
        _upload,
        lambda u: u[0].encode() + u[1].encode(),
        is_text=False,
    ),
]  # fmt: skip
