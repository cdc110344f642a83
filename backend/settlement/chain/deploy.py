"""Putting the contracts on a development or pilot chain: deploy, allow wallets, mint, give gas.

Deployment is described by a spec and answered by a record; given the record of an earlier run,
only what is missing is deployed, so a second run finds its contracts again.
"""

import time

import msgspec
from eth_account.signers.local import LocalAccount
from web3.contract.contract import ContractConstructor, ContractFunction
from web3.types import TxParams, TxReceipt, Wei

from backend.kernel.errors import ChainMismatch, NodeUnavailable
from backend.settlement.chain.adapter import TRANSFER_TOPIC
from backend.settlement.chain.artifacts import artifact
from backend.settlement.chain.node import Node, checksum, node_errors
from backend.settlement.errors import TransactionReverted

SEND_AND_RECEIVE = 3  # SecurityToken.SEND | SecurityToken.RECEIVE
CASH_DECIMALS = 6
ZERO_ADDRESS = "0x" + "00" * 20


class SecuritySpec(msgspec.Struct, frozen=True):
    """A security to tokenise."""

    symbol: str
    name: str
    isin: str
    decimals: int = 6


class DeploymentSpec(msgspec.Struct, frozen=True, kw_only=True):
    """What shall stand on the chain. ``settler`` is the key that submits settlements."""

    settler: str
    guardian: str
    securities: tuple[SecuritySpec, ...] = ()
    currencies: tuple[str, ...] = ()
    log_origin: str | None = None
    log_writer: str | None = None


class DeployedContract(msgspec.Struct, frozen=True):
    """Where a contract stands, from which block on."""

    address: str
    block: int
    decimals: int = 0


class Deployment(msgspec.Struct, frozen=True, kw_only=True):
    """The record of a deployment: plain JSON values, kept by the caller."""

    chain_id: int
    settlement: DeployedContract
    anchor_registry: DeployedContract | None = None
    securities: dict[str, DeployedContract] = {}
    cash: dict[str, DeployedContract] = {}


class MintProof(msgspec.Struct, frozen=True):
    """The log that proves a mint: deposit evidence."""

    chain_id: int
    tx_hash: str
    log_index: int
    amount: int
    block_number: int


class Deployer:
    """Deploys and administers with one key: owner of Settlement, issuer of the tokens."""

    def __init__(self, node: Node, account: LocalAccount, *, timeout: float = 60.0) -> None:
        self._node = node
        self._account = account
        self._timeout = timeout

    def deploy(self, spec: DeploymentSpec, record: Deployment | None = None) -> Deployment:
        """Everything ``spec`` names, reusing what ``record`` already has.

        Raises ChainMismatch when the record is of another chain or its contract is gone (a new
        chain is an explicit act), NodeUnavailable, TransactionReverted.
        """
        self._node.require_chain()
        if record is None:
            record = Deployment(chain_id=self._node.chain_id, settlement=self._settlement(spec))
        self._require_record(record)
        anchor = record.anchor_registry
        if anchor is None and spec.log_origin is not None:
            writer = checksum(spec.log_writer or self._account.address)
            anchor = self._create("AnchorRegistry", spec.log_origin, writer)
        trusted = checksum(record.settlement.address)
        securities = {
            each.symbol: record.securities.get(each.symbol) or self._security(each, trusted)
            for each in spec.securities
        }
        cash = {
            each: record.cash.get(each) or self._cash(each, trusted) for each in spec.currencies
        }
        return msgspec.structs.replace(
            record,
            anchor_registry=anchor,
            securities={**record.securities, **securities},
            cash={**record.cash, **cash},
        )

    def allow(self, token: str, wallets: list[str], flags: int = SEND_AND_RECEIVE) -> str:
        """Set the wallets' permissions on a security token; gives the transaction hash."""
        contract = self._node.contract("SecurityToken", token)
        accounts = [checksum(each) for each in wallets]
        receipt = self._send(contract.functions.setPermissions(accounts, flags))
        return "0x" + bytes(receipt["transactionHash"]).hex()

    def mint(self, token: str, wallet: str, amount: int) -> MintProof:
        """Issue ``amount`` smallest units into ``wallet``; gives the log as deposit evidence."""
        contract = self._node.contract("CashToken", token)  # mint is the same in both tokens
        receipt = self._send(contract.functions.mint(checksum(wallet), amount))
        transfers = [
            log for log in receipt["logs"] if "0x" + bytes(log["topics"][0]).hex() == TRANSFER_TOPIC
        ]
        return MintProof(
            self._node.chain_id,
            "0x" + bytes(receipt["transactionHash"]).hex(),
            int(transfers[0]["logIndex"]),
            amount,
            int(receipt["blockNumber"]),
        )

    def give_gas(self, wallet: str, wei: int) -> str:
        """Send ``wei`` of the chain's own coin; gives the transaction hash."""
        receipt = self._transact({"to": checksum(wallet), "value": Wei(wei), "gas": 21_000})
        return "0x" + bytes(receipt["transactionHash"]).hex()

    def _settlement(self, spec: DeploymentSpec) -> DeployedContract:
        owner = checksum(self._account.address)
        deployed = self._create("Settlement", owner, checksum(spec.guardian))
        contract = self._node.contract("Settlement", deployed.address)
        self._send(contract.functions.setSettler(checksum(spec.settler), True))
        return deployed

    def _security(self, spec: SecuritySpec, trusted: str) -> DeployedContract:
        issuer = checksum(self._account.address)
        arguments = (spec.name, spec.symbol, spec.isin, spec.decimals, trusted, issuer)
        deployed = self._create("SecurityToken", *arguments)
        return msgspec.structs.replace(deployed, decimals=spec.decimals)

    def _cash(self, currency: str, trusted: str) -> DeployedContract:
        issuer = checksum(self._account.address)
        deployed = self._create("CashToken", f"Pilot {currency}", currency, trusted, issuer)
        return msgspec.structs.replace(deployed, decimals=CASH_DECIMALS)

    def _create(self, name: str, *arguments: object) -> DeployedContract:
        compiled = artifact(name)
        factory = self._node.web3.eth.contract(abi=compiled.abi, bytecode=compiled.bytecode)
        receipt = self._send(factory.constructor(*arguments))
        address = receipt["contractAddress"]
        if address is None:
            raise TransactionReverted("The deployment created no contract.", name=name)
        return DeployedContract(str(address), int(receipt["blockNumber"]))

    def _require_record(self, record: Deployment) -> None:
        if record.chain_id != self._node.chain_id:
            raise ChainMismatch(
                "The deployment record is of another chain.",
                recorded=record.chain_id,
                chain_id=self._node.chain_id,
            )
        recorded = (record.settlement, *record.securities.values(), *record.cash.values())
        for each in recorded:
            if not self._node.has_code(each.address):
                raise ChainMismatch(
                    "A recorded contract is not on this chain any more.", contract=each.address
                )

    def _send(self, call: ContractConstructor | ContractFunction) -> TxReceipt:
        with node_errors("eth_estimateGas"):
            built = call.build_transaction({"from": checksum(self._account.address)})
        return self._transact(built)

    def _transact(self, fields: TxParams) -> TxReceipt:
        eth = self._node.web3.eth
        with node_errors("eth_sendRawTransaction"):
            tip = int(eth.max_priority_fee)
            base = int(eth.get_block("latest")["baseFeePerGas"])
            transaction: TxParams = {
                **fields,
                "type": 2,
                "chainId": self._node.chain_id,
                "nonce": eth.get_transaction_count(self._account.address, "pending"),
                "maxFeePerGas": 2 * base + tip,  # type: ignore[typeddict-item]
                "maxPriorityFeePerGas": tip,  # type: ignore[typeddict-item]
            }
            transaction.pop("from", None)
            signed = self._account.sign_transaction(transaction)  # type: ignore[arg-type]
            sent = eth.send_raw_transaction(signed.raw_transaction)
        return self._mined("0x" + bytes(sent).hex())

    def _mined(self, transaction_hash: str) -> TxReceipt:
        end = time.monotonic() + self._timeout
        while time.monotonic() < end:
            receipt = self._node.receipt(transaction_hash)
            if receipt is not None:
                if receipt["status"] != 1:
                    raise TransactionReverted("The transaction reverted.", tx=transaction_hash)
                return receipt
            time.sleep(0.02)
        raise NodeUnavailable("The transaction was not mined in time.", tx=transaction_hash)
