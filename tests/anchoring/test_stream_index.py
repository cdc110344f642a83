"""The index of streams beside a model that follows the definition word by word."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anchoring.errors import MalformedInput, VerificationFailed
from anchoring.stream_index import (
    EMPTY,
    IndexPath,
    StreamHead,
    StreamIndex,
    stream_key,
    verify_index_path,
)

# Few distinct prefixes, so that keys share long ones.
_KEYS = st.integers(0, 63).map(lambda n: bytes([n >> 4 & 1]) * 16 + bytes(15) + bytes([n]))
_MAPS = st.dictionaries(
    _KEYS, st.tuples(st.integers(1, 2**63), st.binary(min_size=32, max_size=32))
)


def _naive_root(leaves: list[tuple[str, bytes]]) -> bytes:
    """The definition: leaves as (bits of the key below here, hash)."""
    if not leaves:
        return bytes(32)
    if len(leaves) == 1:
        return leaves[0][1]
    left = _naive_root([(bits[1:], digest) for bits, digest in leaves if bits[0] == "0"])
    right = _naive_root([(bits[1:], digest) for bits, digest in leaves if bits[0] == "1"])
    return sha256(b"\x03" + left + right).digest()


def _naive(entries: dict[bytes, tuple[int, bytes]]) -> bytes:
    return _naive_root(
        [
            (
                f"{int.from_bytes(key, 'big'):0256b}",
                sha256(b"\x02" + key + count.to_bytes(8, "big") + head).digest(),
            )
            for key, (count, head) in entries.items()
        ]
    )


def _heads(entries: dict[bytes, tuple[int, bytes]]) -> list[StreamHead]:
    return [StreamHead(key, count, head) for key, (count, head) in entries.items()]


@given(_MAPS, st.randoms(use_true_random=False))
def test_the_root_is_the_definitions_whatever_the_order_of_updates(entries, random):
    heads = _heads(entries)
    random.shuffle(heads)
    earlier = [StreamHead(each.key, 1, bytes(32)) for each in heads]
    index = StreamIndex.of(earlier).updated(heads)
    assert index.root() == _naive(entries)
    assert index.streams == len(entries)


@given(_MAPS, _KEYS)
def test_every_key_is_proven_present_or_absent_and_nothing_else(entries, key):
    index = StreamIndex.of(_heads(entries))
    path, root = index.prove(key), index.root()
    found = index.get(key)
    assert (found is not None) == (key in entries)
    verify_index_path(root, key, found, path)
    wrong = (
        StreamHead(key, 1, EMPTY) if found is None else StreamHead(key, found.count + 1, found.head)
    )
    with pytest.raises(VerificationFailed):
        verify_index_path(root, key, wrong, path)
    if found is not None:
        with pytest.raises(VerificationFailed):
            verify_index_path(root, key, None, IndexPath(path.siblings))
        with pytest.raises(VerificationFailed):
            verify_index_path(root, key, None, IndexPath(path.siblings, found))


@given(_MAPS.filter(lambda entries: len(entries) > 1), _KEYS, st.data())
def test_any_changed_sibling_is_refused(entries, key, data):
    index = StreamIndex.of(_heads(entries))
    path = index.prove(key)
    at = data.draw(st.integers(0, len(path.siblings) - 1))
    bit = data.draw(st.integers(0, 255))
    changed = bytearray(path.siblings[at])
    changed[bit // 8] ^= 1 << bit % 8
    siblings = (*path.siblings[:at], bytes(changed), *path.siblings[at + 1 :])
    with pytest.raises(VerificationFailed):
        verify_index_path(index.root(), key, index.get(key), IndexPath(siblings, path.neighbour))


def test_an_update_leaves_the_earlier_index_as_it_was():
    first = StreamIndex.of([StreamHead(stream_key("t", "a"), 1, b"\x01" * 32)])
    root = first.root()
    second = first.updated([StreamHead(stream_key("t", "b"), 1, b"\x02" * 32)])
    assert first.root() == root != second.root()
    assert first.get(stream_key("t", "b")) is None


def test_a_neighbour_from_elsewhere_does_not_show_absence():
    keys = [stream_key("t", str(number)) for number in range(64)]
    index = StreamIndex.of([StreamHead(key, 1, b"\x07" * 32) for key in keys])
    present = index.prove(keys[0])
    stranger = index.get(keys[1])
    with pytest.raises(VerificationFailed):
        verify_index_path(index.root(), keys[0], None, IndexPath(present.siblings, stranger))


def test_tenant_and_stream_cannot_be_shifted_into_each_other():
    assert stream_key("a", "b\nc") != stream_key("a", "b")
    with pytest.raises(MalformedInput):
        stream_key("a\nb", "c")
