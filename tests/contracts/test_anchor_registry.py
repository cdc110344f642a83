"""The registry against foreign vectors and against the RFC's own recursions."""

import base64
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from anchoring.errors import MalformedInput, VerificationFailed
from anchoring.merkle_proof import verify_consistency, verify_inclusion
from scripts.merkle_tree import MerkleTree, imagined_extension
from tests.contracts.support import Chain, refuses

pytestmark = pytest.mark.chain

TREE = MerkleTree(index.to_bytes(8) for index in range(3_000))
UINT64 = 2**64

relaxed = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def hashes(encoded: list[str] | None) -> list[bytes]:
    return [base64.b64decode(text) for text in encoded or []]


def expressible(vectors: list[tuple[str, dict]], *names: str) -> Iterator[tuple[str, dict, list]]:
    """Vectors whose hashes are 32 bytes and whose numbers are 64 bits; others have no ABI form."""
    for path, vector in vectors:
        values = [base64.b64decode(vector[name] or "") for name in names]
        proof = hashes(vector["proof"])
        numbers = [value for value in vector.values() if type(value) is int]
        if all(len(value) == 32 for value in [*values, *proof]) and all(
            0 <= number < UINT64 for number in numbers
        ):
            yield path, vector, [*values, proof]


def test_foreign_consistency_vectors(chain: Chain, merkle_vectors: dict):
    verify = chain.contracts.registry.functions.verifyConsistency
    seen = []
    for path, vector, values in expressible(merkle_vectors["consistency"], "root1", "root2"):
        accepted = verify(vector["size1"], vector["size2"], *values).call()
        assert accepted is not vector["wantErr"], path
        seen.append(accepted)
    assert seen.count(True) >= 3
    assert seen.count(False) >= 60


def test_foreign_inclusion_vectors(chain: Chain, merkle_vectors: dict):
    verify = chain.contracts.registry.functions.verifyInclusion
    seen = []
    for path, vector, (leaf, root, proof) in expressible(
        merkle_vectors["inclusion"], "leafHash", "root"
    ):
        accepted = verify(leaf, vector["leafIdx"], vector["treeSize"], root, proof).call()
        assert accepted is not vector["wantErr"], path
        seen.append(accepted)
    assert seen.count(True) >= 3
    assert seen.count(False) >= 40


def python_accepts(kind: str, vector: dict) -> bool:
    proof = hashes(vector["proof"])
    try:
        if kind == "consistency":
            first, size = vector["size1"], vector["size2"]
            roots = [base64.b64decode(vector[name] or "") for name in ("root1", "root2")]
            verify_consistency(first, size, proof, *roots)
        else:
            leaf, root = (base64.b64decode(vector[name] or "") for name in ("leafHash", "root"))
            verify_inclusion(leaf, vector["leafIdx"], vector["treeSize"], proof, root)
    except (MalformedInput, VerificationFailed):
        return False
    return True


@pytest.mark.parametrize(
    ("kind", "names", "sent"),
    [("consistency", ("root1", "root2"), 71), ("inclusion", ("leafHash", "root"), 72)],
)
def test_solidity_and_python_agree_on_every_foreign_vector(
    chain: Chain, merkle_vectors: dict, kind: str, names: tuple[str, str], sent: int
):
    """98 of each kind. What has no ABI form cannot reach the contract; Python refuses it too."""
    functions = chain.contracts.registry.functions
    forms = {path: values for path, _, values in expressible(merkle_vectors[kind], *names)}
    assert (len(merkle_vectors[kind]), len(forms)) == (98, sent)
    for path, vector in merkle_vectors[kind]:
        accepted = python_accepts(kind, vector)
        if path not in forms:
            # The one that is right compares a root of no bytes with itself.
            assert not accepted or path.endswith("sizes-are-equal-one-and-proof-is-empty.json")
            continue
        if kind == "consistency":
            call = functions.verifyConsistency(vector["size1"], vector["size2"], *forms[path])
        else:
            leaf, root, proof = forms[path]
            call = functions.verifyInclusion(
                leaf, vector["leafIdx"], vector["treeSize"], root, proof
            )
        assert call.call() is accepted is not vector["wantErr"], path


@relaxed
@given(data=st.data(), size=st.integers(1, 3_000))
def test_an_anchored_entry_with_the_recursion(chain: Chain, data: st.DataObject, size: int):
    registry = chain.contracts.registry
    index = data.draw(st.integers(0, size - 1), label="index")
    snapshot = chain.web3.provider.make_request("evm_snapshot", [])["result"]
    chain.send(registry.functions.append(size, TREE.root(size), []))
    verify = registry.functions.verifyAnchoredEntry
    proof = TREE.inclusion(index, size)
    assert verify(TREE.leaf(index), index, proof).call()
    assert not verify(TREE.leaf(index), index, [*proof, bytes(32)]).call()
    assert not verify(TREE.leaf(index), size, proof).call()
    assert not verify(bytes(32), index, proof).call()
    chain.web3.provider.make_request("evm_revert", [snapshot])


@given(st.tuples(st.integers(1, 10**12), st.integers(1, 10**12)).filter(lambda x: x[0] != x[1]))
def test_an_imagined_extension_is_one(sizes: tuple[int, int]):
    """What the gas of a log of 10^9 entries is measured with."""
    old, size = sorted(sizes)
    old_root, root, proof = imagined_extension(old, size)
    verify_consistency(old, size, proof, old_root, root)


def test_foreign_consistency_vectors_move_the_head_or_do_not(chain: Chain, merkle_vectors: dict):
    append = chain.contracts.registry.functions.append
    moved = 0
    for path, vector, (root1, root2, proof) in expressible(
        merkle_vectors["consistency"], "root1", "root2"
    ):
        old, new = vector["size1"], vector["size2"]
        if not 0 < old < new < UINT64 // 2:
            continue
        snapshot = chain.web3.provider.make_request("evm_snapshot", [])["result"]
        chain.send(append(old, root1, []))
        if vector["wantErr"]:
            call = append(new, root2, proof)
            if len(proof) <= 64:
                refuses(
                    chain.contracts.registry,
                    "Inconsistent",
                    old,
                    new,
                    call=lambda call=call: chain.send(call),
                )
        else:
            chain.send(append(new, root2, proof))
            head = chain.contracts.registry.functions.head().call()
            assert head[:2] == [new, root2], path
            moved += 1
        chain.web3.provider.make_request("evm_revert", [snapshot])
    assert moved >= 3


@relaxed
@given(sizes=st.tuples(st.integers(1, 3_000), st.integers(1, 3_000)).map(sorted), data=st.data())
def test_consistency_with_the_recursion(chain: Chain, sizes: list[int], data: st.DataObject):
    verify = chain.contracts.registry.functions.verifyConsistency
    old, new = sizes
    proof = TREE.consistency(old, new)
    root_old, root_new = TREE.root(old), TREE.root(new)
    assert verify(old, new, root_old, root_new, proof).call()
    position = data.draw(st.integers(0, len(proof)), label="changed hash")
    changed = [*proof, root_new]
    changed[position] = bytes([changed[position][0] ^ 1]) + changed[position][1:]
    assert not verify(old, new, root_old, changed[-1], changed[:-1]).call()


@relaxed
@given(data=st.data(), size=st.integers(1, 3_000))
def test_inclusion_with_the_recursion(chain: Chain, data: st.DataObject, size: int):
    verify = chain.contracts.registry.functions.verifyInclusion
    index = data.draw(st.integers(0, size - 1), label="index")
    proof = TREE.inclusion(index, size)
    assert verify(TREE.leaf(index), index, size, TREE.root(size), proof).call()
    assert not verify(TREE.leaf(index), index, size, TREE.root(size), [*proof, bytes(32)]).call()
    if proof:
        assert not verify(TREE.leaf(index), index, size, TREE.root(size), proof[:-1]).call()


def test_the_head_is_in_the_two_slots_that_storage_proofs_read(chain: Chain):
    registry = chain.contracts.registry
    chain.send(registry.functions.append(1_000, TREE.root(1_000), []))
    proof = TREE.consistency(1_000, 2_304)
    receipt = chain.send(registry.functions.append(2_304, TREE.root(2_304), proof))
    time = chain.web3.eth.get_block(receipt["blockNumber"])["timestamp"]
    # Anvil takes slots as whole words only, which web3 does not write.
    slots = ["0x" + slot.to_bytes(32).hex() for slot in (0, 1)]
    parameters = [registry.address, slots, "latest"]
    answer = chain.web3.provider.make_request("eth_getProof", parameters)["result"]
    values = [int(entry["value"], 16) for entry in answer["storageProof"]]
    assert values == [time << 64 | 2_304, int.from_bytes(TREE.root(2_304))]
    assert registry.functions.head().call() == [2_304, TREE.root(2_304), time]
    (event,) = registry.events.Anchored().process_receipt(receipt)
    assert dict(event["args"]) == {"size": 2_304, "root": TREE.root(2_304)}


def test_only_the_writer_appends(chain: Chain):
    registry = chain.contracts.registry
    stranger = chain.web3.eth.accounts[1]
    call = registry.functions.append(1, TREE.root(1), [])
    refuses(registry, "NotWriter", stranger, call=lambda: chain.send(call, stranger))


def test_a_head_never_goes_back(chain: Chain):
    registry = chain.contracts.registry
    chain.send(registry.functions.append(1_000, TREE.root(1_000), []))
    again = registry.functions.append(1_000, TREE.root(1_000), [])
    smaller = registry.functions.append(999, TREE.root(999), [])
    nothing = registry.functions.append(0, TREE.root(0), [])
    refuses(registry, "AlreadyAnchored", 1_000, call=lambda: chain.send(again))
    refuses(registry, "SizeShrinks", 1_000, 999, call=lambda: chain.send(smaller))
    refuses(registry, "ZeroSize", call=lambda: chain.send(nothing))
