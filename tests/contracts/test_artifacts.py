"""What is committed is what the sources compile to."""

import json

import pytest

from scripts import compile_contracts, gas
from scripts.solc_shim import ROOT, CompilerMissing
from tests.contracts.support import ARTIFACTS, Chain, artifact


@pytest.fixture(scope="module")
def built() -> dict[str, str]:
    try:
        return compile_contracts.build()
    except CompilerMissing as missing:
        pytest.skip(str(missing))


def test_artifacts_are_reproducible(built: dict[str, str]):
    assert compile_contracts.stale(built) == []
    assert {path.stem for path in ARTIFACTS.glob("*.json")} == set(compile_contracts.NAMES)


def test_a_changed_artifact_is_noticed(built: dict[str, str]):
    document = json.loads(built["Settlement"])
    document["bytecode"] = document["bytecode"][:-1] + "f"
    changed = built | {"Settlement": compile_contracts.render(document)}
    assert compile_contracts.stale(changed) == ["Settlement"]


def test_artifacts_name_no_machine():
    for path in ARTIFACTS.glob("*.json"):
        assert str(ROOT) not in path.read_text()


@pytest.mark.chain
def test_deployed_code_is_the_artifact_with_immutables_filled_in(chain: Chain):
    document = artifact("Settlement")
    code = bytearray(chain.web3.eth.get_code(chain.contracts.settlement.address))
    for place in document["immutableReferences"]:
        start, length = place["start"], place["length"]
        code[start : start + length] = bytes(length)
    assert "0x" + code.hex() == document["deployedBytecode"]


@pytest.mark.chain
def test_interface_ids(chain: Chain):
    supports = chain.contracts.asset.functions.supportsInterface
    assert supports("0x3edbb4c4").call()  # ERC-7943, fungible
    assert supports("0x01ffc9a7").call()  # ERC-165
    assert not supports("0xffffffff").call()


@pytest.mark.chain
def test_gas_did_not_rise():
    rows = gas.measure()
    assert gas.rises(rows, json.loads(gas.SNAPSHOT.read_text())) == []
    over = [row.case for row in rows if row.target is not None and row.gas > row.target]
    assert over == []


def test_a_rise_in_gas_is_noticed():
    row = gas.Row("settle", 101)
    assert gas.rises([row], {"settle": 101}) == []
    assert gas.rises([row], {"settle": 100}) == ["settle: 101 gas, recorded 100"]
    assert gas.rises([row], {}) == ["settle: 101 gas, recorded nothing"]
