"""Deployed contracts, parties with keys, and the errors that contracts answer with."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account
from eth_account.messages import SignableMessage, encode_typed_data
from eth_account.signers.local import LocalAccount
from web3 import Web3
from web3.contract import Contract
from web3.exceptions import ContractCustomError
from web3.types import TxReceipt

ARTIFACTS = Path(__file__).resolve().parents[2] / "contracts" / "artifacts"

SELLER: LocalAccount = Account.from_key(Web3.keccak(text="seller of the tests"))
BUYER: LocalAccount = Account.from_key(Web3.keccak(text="buyer of the tests"))
UNITS = 1_000 * 10**6
MONEY = 500_000 * 10**6

TYPES = {
    "Trade": [
        {"name": "id", "type": "uint256"},
        {"name": "seller", "type": "address"},
        {"name": "buyer", "type": "address"},
        {"name": "asset", "type": "address"},
        {"name": "cash", "type": "address"},
        {"name": "assetAmount", "type": "uint256"},
        {"name": "cashAmount", "type": "uint256"},
        {"name": "minAssetAmount", "type": "uint256"},
        {"name": "validFrom", "type": "uint64"},
        {"name": "deadline", "type": "uint64"},
    ]
}
CANCEL_TYPES = {
    "Cancel": [{"name": "id", "type": "uint256"}, {"name": "tradeHash", "type": "bytes32"}]
}

Trade = dict[str, Any]


def artifact(name: str) -> dict[str, Any]:
    return json.loads((ARTIFACTS / f"{name}.json").read_text())


def deploy(web3: Web3, name: str, *arguments: object) -> Contract:
    document = artifact(name)
    factory = web3.eth.contract(abi=document["abi"], bytecode=document["bytecode"])
    transaction = factory.constructor(*arguments).transact({"from": web3.eth.accounts[0]})
    return factory(web3.eth.wait_for_transaction_receipt(transaction)["contractAddress"])


def digest_of(message: SignableMessage) -> bytes:
    return Web3.keccak(b"\x19" + message.version + message.header + message.body)


@dataclass(frozen=True)
class Deployment:
    settlement: Contract
    asset: Contract
    cash: Contract
    registry: Contract

    @classmethod
    def on(cls, web3: Web3) -> Deployment:
        operator = web3.eth.accounts[0]
        settlement = deploy(web3, "Settlement", operator, operator)
        venue = settlement.address
        share = ("Apple Inc", "AAPL", "US0378331005", 6, venue, operator)
        made = cls(
            settlement,
            deploy(web3, "SecurityToken", *share),
            deploy(web3, "CashToken", "US dollar", "USD", venue, operator),
            deploy(web3, "AnchorRegistry", "tallystick.example/test", operator),
        )
        chain = Chain(web3, made)
        chain.send(settlement.functions.setSettler(operator, True))
        chain.send(made.asset.functions.setPermissions([SELLER.address, BUYER.address], 3))
        chain.send(made.asset.functions.mint(SELLER.address, UNITS))
        chain.send(made.cash.functions.mint(BUYER.address, MONEY))
        return made


@dataclass(frozen=True)
class Chain:
    web3: Web3
    contracts: Deployment

    @property
    def operator(self) -> str:
        return self.web3.eth.accounts[0]

    @property
    def now(self) -> int:
        return self.web3.eth.get_block("latest")["timestamp"]

    def send(self, call: Any, sender: str | None = None) -> TxReceipt:
        transaction = call.transact({"from": sender or self.operator})
        return self.web3.eth.wait_for_transaction_receipt(transaction)

    def trade(self, **changes: Any) -> Trade:
        return {
            "id": 1,
            "seller": SELLER.address,
            "buyer": BUYER.address,
            "asset": self.contracts.asset.address,
            "cash": self.contracts.cash.address,
            "assetAmount": 10 * 10**6,
            "cashAmount": 1_912_500_000,
            "minAssetAmount": 10 * 10**6,
            "validFrom": self.now - 10,
            "deadline": self.now + 3_600,
        } | changes

    def domain(self) -> dict[str, Any]:
        return {
            "name": "Tallystick Settlement",
            "version": "1",
            "chainId": self.web3.eth.chain_id,
            "verifyingContract": self.contracts.settlement.address,
        }

    def typed(self, trade: Trade) -> SignableMessage:
        return encode_typed_data(self.domain(), TYPES, trade)

    def typed_cancel(self, trade: Trade) -> SignableMessage:
        message = {"id": trade["id"], "tradeHash": digest_of(self.typed(trade))}
        return encode_typed_data(self.domain(), CANCEL_TYPES, message)

    def signatures(self, message: SignableMessage) -> tuple[bytes, bytes]:
        return tuple(bytes(key.sign_message(message).signature) for key in (SELLER, BUYER))

    def balances(self) -> dict[str, int]:
        made = self.contracts
        return {
            "seller's asset": made.asset.functions.balanceOf(SELLER.address).call(),
            "buyer's asset": made.asset.functions.balanceOf(BUYER.address).call(),
            "seller's cash": made.cash.functions.balanceOf(SELLER.address).call(),
            "buyer's cash": made.cash.functions.balanceOf(BUYER.address).call(),
        }


def refuses(contract: Contract, error: str, *arguments: Any, call: Callable[[], object]) -> None:
    """The call must revert with exactly this custom error of the contract."""
    with pytest.raises(ContractCustomError) as caught:
        call()
    inputs = next(entry for entry in contract.abi if entry.get("name") == error)["inputs"]
    types = [parameter["type"] for parameter in inputs]
    selector = Web3.keccak(text=f"{error}({','.join(types)})")[:4]
    expected = selector + contract.w3.codec.encode(types, arguments)
    assert caught.value.data == "0x" + expected.hex()
