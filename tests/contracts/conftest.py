"""One Anvil for the folder; every test runs on a snapshot of the same deployment."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from web3 import Web3

from scripts.anvil import running_anvil
from tests.contracts.support import Chain, Deployment

ROOT = Path(__file__).resolve().parents[2]
VECTORS = ROOT.parent / "shared" / "vectors" / "merkle" / "testdata"


@pytest.fixture(scope="session")
def web3() -> Iterator[Web3]:
    try:
        with running_anvil() as connection:
            yield connection
    except FileNotFoundError as missing:
        pytest.skip(f"Anvil is not installed: {missing}")


@pytest.fixture(scope="session")
def deployment(web3: Web3) -> Deployment:
    return Deployment.on(web3)


@pytest.fixture
def chain(web3: Web3, deployment: Deployment) -> Iterator[Chain]:
    snapshot = web3.provider.make_request("evm_snapshot", [])["result"]
    yield Chain(web3, deployment)
    web3.provider.make_request("evm_revert", [snapshot])


@pytest.fixture(scope="session")
def merkle_vectors() -> dict[str, list[tuple[str, dict]]]:
    """Vectors of transparency-dev/merkle by kind, with the path of each for messages."""
    if not VECTORS.is_dir():
        pytest.skip("the foreign Merkle vectors are not beside the repository")
    kinds = ("consistency", "inclusion")
    return {
        kind: [
            (path.relative_to(VECTORS).as_posix(), json.loads(path.read_text()))
            for path in sorted((VECTORS / kind).rglob("*.json"))
        ]
        for kind in kinds
    }
