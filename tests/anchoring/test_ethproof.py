"""Chain evidence from a real Anvil, checked without it."""

import dataclasses
import json

import pytest
import rlp
from eth_hash.auto import keccak

from anchoring import canonical
from anchoring.errors import AnchoringError, MalformedInput, RpcError, VerificationFailed
from anchoring.ethproof import build_anchor, encode_header, parse_anchor, verify_anchor
from anchoring.registry import encode_append, parse_anchored, read_anchored, read_head
from anchoring.rpc import HttpRpc, get_block, read_data, read_quantity

pytestmark = pytest.mark.chain


def test_the_header_of_every_block_hashes_to_its_hash(chain, sample):
    for number in range(sample.evidence.block_number + 2):
        block = get_block(chain.rpc, number)
        header = encode_header(block)
        assert "0x" + keccak(header).hex() == block["hash"]
    # The fields of Shanghai, Cancun and Prague are there, not only the 15 of old.
    assert len(rlp.decode(header)) == 21


def test_a_block_with_another_field_is_noticed(chain):
    block = dict(get_block(chain.rpc, 1))
    with pytest.raises(RpcError):
        encode_header(block | {"gasUsed": "0x1"})
    with pytest.raises(RpcError):
        encode_header({name: value for name, value in block.items() if name != "requestsHash"})
    with pytest.raises(RpcError):
        encode_header(block | {"gasUsed": "0x01"})


def test_the_evidence_proves_what_the_registry_answers(chain, sample):
    evidence = parse_anchor(sample.evidence.encode())
    assert evidence == sample.evidence
    state = verify_anchor(evidence)
    head = read_head(chain.rpc, sample.trust.registry)
    assert (state.size, state.root, state.time) == (head.size, head.root, head.time)
    code = read_data(chain.rpc("eth_getCode", ["0x" + evidence.registry.hex(), "latest"]), "code")
    assert state.code_hash == keccak(code)


def test_an_older_block_gives_the_older_head(chain):
    registry = chain.deploy_registry()
    first = chain.anchor(registry, 5, b"\x05" * 32)
    second = chain.anchor(registry, 300, b"\x09" * 32)
    assert build_anchor(chain.rpc, registry, first).size == 5
    assert build_anchor(chain.rpc, registry, second).root == b"\x09" * 32
    logs = read_anchored(chain.rpc, registry, 0)
    assert [(log.size, log.block_number) for log in logs] == [(5, first), (300, second)]
    assert read_head(chain.rpc, registry, first).size == 5


def test_before_the_first_anchor_there_is_no_evidence(chain):
    registry = chain.deploy_registry()
    block = read_quantity(chain.rpc("eth_blockNumber", []), "number")
    with pytest.raises(AnchoringError):
        build_anchor(chain.rpc, registry, block)
    with pytest.raises(AnchoringError):
        build_anchor(chain.rpc, bytes(20), block)


def test_every_field_of_the_evidence_is_checked(chain, sample):
    good = sample.evidence
    other = chain.deploy_registry()
    chain.anchor(other, good.size, good.root)
    changes = [
        {"registry": other},
        {"size": good.size + 1},
        {"root": bytes(32)},
        {"block_number": good.block_number + 1},
        {"block_hash": bytes(32)},
        {"header": good.header + b"\x00"},
        {"account_proof": good.account_proof[:-1]},
        {"account_proof": (*good.account_proof, b"\x80")},
        {"size_proof": good.root_proof},
        {"root_proof": good.size_proof},
        {"size_proof": ()},
    ]
    for change in changes:
        with pytest.raises((MalformedInput, VerificationFailed)):
            verify_anchor(dataclasses.replace(good, **change))


@pytest.mark.parametrize(
    "change",
    [
        {"format": "tallystick/anchor@v2"},
        {"extra": 1},
        {"size": "11"},
        {"size": -1},
        {"size": None},
        {"chain_id": True},
        {"root": "00"},
        {"root": "AB" * 32},
        {"registry": "0x" + "00" * 19},
        {"account_proof": "00"},
        {"account_proof": [1]},
        {"header": "0"},
    ],
)
def test_files_of_another_form(sample, change):
    value = json.loads(sample.evidence.encode()) | change
    with pytest.raises(MalformedInput):
        parse_anchor(canonical.encode(value))


def test_other_spellings_of_the_file(sample):
    data = sample.evidence.encode()
    for changed in (data + b"\n", b" " + data, data.replace(b":", b": ", 1), b"[]", b"", b"\x80"):
        with pytest.raises(MalformedInput):
            parse_anchor(changed)


def test_calldata_and_logs_as_the_contract_defines_them(sample):
    """Selector and layout by the ABI specification, computed by hand."""
    data = encode_append(300, b"\x09" * 32, [b"\x01" * 32, b"\x02" * 32])
    words = [data[4 + at : 36 + at] for at in range(0, len(data) - 4, 32)]
    assert data[:4] == keccak(b"append(uint64,bytes32,bytes32[])")[:4]
    assert [int.from_bytes(words[at], "big") for at in (0, 2, 3)] == [300, 96, 2]
    assert [words[at][:1] for at in (1, 4, 5)] == [b"\x09", b"\x01", b"\x02"]
    for size, root in ((0, bytes(32)), (2**63, bytes(32)), (1, bytes(31))):
        with pytest.raises(MalformedInput):
            encode_append(size, root, [])
    log = {"address": "0x" + "11" * 20, "topics": ["0x" + "22" * 32], "data": "0x"}
    assert parse_anchored(log, sample.trust.registry) is None
    assert parse_anchored(log, b"\x11" * 20) is None
    with pytest.raises(RpcError):
        parse_anchored({"address": "0x11", "topics": []}, b"\x11" * 20)


def test_nodes_that_do_not_answer_are_named(chain):
    with pytest.raises(RpcError, match="does not answer"):
        HttpRpc("http://127.0.0.1:1", timeout=2)("eth_chainId", [])
    with pytest.raises(RpcError, match="answers an error"):
        chain.rpc("no_such_method", [])
    with pytest.raises(RpcError, match="no block"):
        get_block(chain.rpc, 10**9)
    with pytest.raises(RpcError):
        read_head(chain.rpc, bytes(20))


@pytest.mark.parametrize("value", [None, 1, "1", "0x", "0x01", "0xg", "0x1\n", "0x٣"])
def test_quantities_are_read_strictly(value):
    with pytest.raises(RpcError):
        read_quantity(value, "number")
