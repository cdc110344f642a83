"""The anchorer with its key in a signing service: the same anchors, and no trust in the service."""

from collections.abc import Sequence
from typing import Any

import pytest
from eth_account import Account

from anchoring.chain_signer import LocalChainSigner, RemoteChainSigner
from anchoring.errors import RpcError
from anchoring.rpc import HttpRpc
from backend.audit.anchorer import Anchorer
from backend.audit.chain import NodeAnchorChain
from backend.kernel.errors import KeyUnavailable, NodeUnavailable
from backend.platform.processes.anchorer import ANCHORER_KEYSTORE
from backend.settlement.chain.adapter import Web3SettlementChain
from backend.settlement.chain.node import Node
from backend.settlement.chain.signer import RemoteSigner
from backend.settlement.wallet import load_keystore
from backend.settlement.worker import SettlementWorker
from tests.audit.anchors import anchored_sizes, finish, goes_on, request
from tests.integration.world import FAST, World

pytestmark = [pytest.mark.db, pytest.mark.chain]


class Service:
    """A signing service over an account of the home, which may lie or be away."""

    def __init__(self, world: World, keystore: str = ANCHORER_KEYSTORE) -> None:
        self.account = load_keystore(world.home.keys / keystore, world.home.passphrase())
        self.signs_as = self.account
        self.away = False

    def __call__(self, method: str, params: Sequence[Any], /) -> object:
        if method == "eth_accounts":
            return [self.account.address]
        if self.away:
            raise RpcError("eth_signTransaction: the connection was cut")
        (asked,) = params
        numbers = ("type", "chainId", "nonce", "value", "gas", "maxFeePerGas")
        transaction = {
            name: int(value, 16) if name in (*numbers, "maxPriorityFeePerGas") else value
            for name, value in asked.items()
            if name != "from"
        }
        return LocalChainSigner(self.signs_as).sign(transaction)[0]


def anchorer_with(world: World, service: Service) -> Anchorer:
    adopted = world.core.adopted()
    anchorer = world.anchorer()
    anchorer._chain = NodeAnchorChain(
        HttpRpc(world.chain.url), adopted.chain_id, adopted.registry, RemoteChainSigner(service)
    )
    return anchorer


def test_the_anchor_is_made_with_the_service(fresh_world: World) -> None:
    world = fresh_world
    size = request(world)
    finish(world, anchorer_with(world, Service(world)))
    assert anchored_sizes(world) == [size]


def test_a_signature_by_another_account_is_neither_recorded_nor_sent(fresh_world: World) -> None:
    world = fresh_world
    size = request(world)
    service = Service(world)
    service.signs_as = Account.create()
    anchorer = anchorer_with(world, service)
    with world.nothing_written(), pytest.raises(KeyUnavailable, match="signed by"):
        anchorer.step()
    node = world.chain.node
    for address in (service.signs_as.address, service.account.address):
        assert node.call("eth_getTransactionCount", address, "pending") == "0x0"
    service.signs_as = service.account
    finish(world, anchorer)
    assert anchored_sizes(world) == [size], "the control: with the right signature it goes on"


def test_a_service_that_is_away_is_waited_for(fresh_world: World) -> None:
    world = fresh_world
    size = request(world)
    service = Service(world)
    service.away = True
    anchorer = anchorer_with(world, service)
    with world.nothing_written(), pytest.raises(NodeUnavailable) as caught:
        anchorer.step()
    assert caught.value.retryable
    goes_on(world)
    service.away = False
    finish(world, anchorer)
    assert anchored_sizes(world) == [size]


def settlement_worker(world: World, service: Service) -> SettlementWorker:
    domain = world.venue.domain
    chain = Web3SettlementChain(
        Node(world.chain.url, domain.chain_id), domain.contract, RemoteSigner(service)
    )
    store, breakers = world.worker_core.store, world.venue.breakers
    return SettlementWorker(store, chain, breakers, "remote", lambda: 0.5, FAST)


def test_a_trade_settles_with_the_service(fresh_world: World) -> None:
    world = fresh_world
    trade = world.trade()
    world.sign_both(trade)
    world.open_settlement_date()
    world.worker = settlement_worker(world, Service(world, "settler.json"))
    assert world.settle(trade)["state"] == "FINAL"


def test_the_settler_takes_no_other_signature_and_no_silence(fresh_world: World) -> None:
    service = Service(fresh_world, "settler.json")
    signer = RemoteSigner(service)
    transaction = {
        "type": 2, "chainId": 31_337, "nonce": 0, "to": "0x" + "ab" * 20, "value": 0,
        "data": "0x", "gas": 21_000, "maxFeePerGas": 10**9, "maxPriorityFeePerGas": 1,
    }  # fmt: skip
    assert signer.sign(transaction)
    service.signs_as = Account.create()
    with pytest.raises(KeyUnavailable):
        signer.sign(transaction)
    service.away = True
    with pytest.raises(NodeUnavailable):
        signer.sign(transaction)
    service.account = Account.create()
    with pytest.raises(KeyUnavailable):
        RemoteSigner(service, signer.address)
