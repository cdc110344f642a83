"""Trust files: strict, and read back as written."""

import pytest

from anchoring.errors import MalformedInput
from anchoring.trust import Trust, parse_address, parse_trust

REGISTRY = bytes(range(20))
TRUST = Trust(1, REGISTRY, {7: b"\x07" * 32, 9: b"\x09" * 32}, b"\x01" * 32)


@pytest.mark.parametrize(
    "trust", [TRUST, Trust(31337, REGISTRY), Trust(1, REGISTRY, {0: bytes(32)})]
)
def test_reads_back(trust):
    assert parse_trust(trust.encode()) == trust


TEXT = TRUST.encode()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        TEXT[:-1],
        TEXT + b"\n",
        TEXT.replace(b" v1", b" v2"),
        TEXT.replace(b"chain 1", b"chain 01"),
        TEXT.replace(b"chain 1", b"chain 0x1"),
        TEXT.replace(b"chain 1\n", b""),
        TEXT.replace(b"0x00010203", b"00010203"),
        TEXT.replace(b"0a0b", b"0A0B"),
        TEXT.replace(b"block 9", b"block 7"),
        TEXT.replace(b"block 9", b"block 6"),
        TEXT.replace(b"block 9 ", b"block 9  "),
        TEXT.replace(b"0909", b"09", 1),
        TEXT.replace(b"\n", b"\r\n"),
        TEXT + b"code 0x" + b"00" * 32 + b"\n",
        TEXT + b"\xff\n",
    ],
)
def test_refused(data):
    with pytest.raises(MalformedInput):
        parse_trust(data)


def test_addresses():
    assert parse_address("0x" + REGISTRY.hex()) == REGISTRY
    with pytest.raises(MalformedInput):
        parse_address(REGISTRY.hex())
