"""Deployment, deposit evidence and the adapters to other contexts' ports, on a real chain."""

from datetime import date

import pytest
from msgspec.structs import replace

from backend.kernel.errors import ChainMismatch, NodeUnavailable
from backend.kernel.money import Money, Quantity
from backend.portfolio.errors import DepositUnproven
from backend.portfolio.events import Evidence
from backend.settlement.chain.deploy import DeployedContract, DeploymentSpec, SecuritySpec
from backend.settlement.chain.deposits import ChainDepositProof, ChainDeposits, RegisteredToken
from backend.settlement.chain.node import Node
from backend.settlement.errors import NodeRefused, TransactionReverted
from tests.settlement.harness import BUYER, OPERATOR, SECURITY, SELLER, SETTLER, UNIT

pytestmark = pytest.mark.chain
SPEC = DeploymentSpec(
    settler=SETTLER.address,
    guardian=OPERATOR.address,
    securities=(SecuritySpec("AAPL", "Apple Inc.", "US0378331005"),),
    currencies=("USD",),
)


def test_a_second_deployment_finds_the_first_and_adds_what_is_new(on_chain):
    record = on_chain.deployment
    assert on_chain.deployer.deploy(SPEC, record) == record
    more = replace(
        SPEC,
        securities=(SecuritySpec("IBM", "IBM Corp.", "US4592001014"),),
        log_origin="test.example/log",
    )
    extended = on_chain.deployer.deploy(more, record)
    assert extended.settlement == record.settlement
    assert set(extended.securities) == {"AAPL", "IBM"}
    assert extended.securities["AAPL"] == record.securities["AAPL"]
    assert extended.anchor_registry is not None


def test_a_record_of_another_or_a_rewound_chain_is_refused(on_chain):
    with pytest.raises(ChainMismatch):
        on_chain.deployer.deploy(SPEC, replace(on_chain.deployment, chain_id=1))
    gone = replace(on_chain.deployment, settlement=DeployedContract("0x" + "99" * 20, 1))
    with pytest.raises(ChainMismatch):
        on_chain.deployer.deploy(SPEC, gone)


def test_a_call_the_contract_refuses_is_told_as_reverted(on_chain):
    with pytest.raises(TransactionReverted):
        on_chain.deployer.mint(on_chain.asset, "0x" + "88" * 20, 1)  # not on the allow-list


def test_a_node_that_is_not_there_or_knows_not_the_method_is_told(on_chain):
    with pytest.raises(NodeUnavailable):
        Node("http://127.0.0.1:9", 31_337).require_chain()
    with pytest.raises(NodeRefused):
        on_chain.settlement_chain().broadcast("0x02c0")


def test_a_final_mint_proves_a_deposit(on_chain, chain):
    proof = on_chain.deployer.mint(on_chain.cash, BUYER.address, 1_234 * UNIT)
    deposits = ChainDeposits(on_chain.node)
    where = (proof.chain_id, proof.tx_hash, proof.log_index)
    with pytest.raises(DepositUnproven, match="final"):
        deposits.verify(*where, on_chain.cash, BUYER.address)
    chain.finalize()
    assert deposits.verify(*where, on_chain.cash, BUYER.address) == 1_234 * UNIT
    assert deposits.verify(*where, on_chain.cash.lower(), BUYER.address.lower()) == 1_234 * UNIT
    for wrong in (
        (*where, on_chain.asset, BUYER.address),
        (*where, on_chain.cash, SELLER.address),
        (1, *where[1:], on_chain.cash, BUYER.address),
        (*where[:2], proof.log_index + 1, on_chain.cash, BUYER.address),
        (proof.chain_id, "0x" + "00" * 32, 0, on_chain.cash, BUYER.address),
    ):
        with pytest.raises(DepositUnproven):
            deposits.verify(*wrong)


class Register:
    def __init__(self, tokens):
        self.tokens = tokens

    def registered(self, chain_id, token):
        return self.tokens.get(token)


def test_the_books_see_the_deposit_in_their_units(on_chain, chain):
    cash = on_chain.deployer.mint(on_chain.cash, BUYER.address, 1_234_560_000)
    fine = on_chain.deployer.mint(on_chain.cash, BUYER.address, 1)
    units = on_chain.deployer.mint(on_chain.asset, SELLER.address, 2_500_000)
    chain.finalize()
    register = Register(
        {
            on_chain.cash: RegisteredToken(6, currency="USD"),
            on_chain.asset: RegisteredToken(6, security_id=SECURITY),
        }
    )
    proof = ChainDepositProof(ChainDeposits(on_chain.node), register)

    def shown(mint):
        evidence = Evidence(chain_id=31_337, tx_hash=mint.tx_hash, log_index=mint.log_index)
        return proof.shown(evidence)

    assert shown(cash).asset == Money.of("1234.56", "USD")
    assert shown(cash).recipient == BUYER.address
    assert shown(cash).on == date(2027, 1, 15)
    assert shown(units).asset == Quantity.of("2.5", SECURITY)
    with pytest.raises(DepositUnproven, match="express"):
        shown(fine)  # a millionth of a dollar
    register.tokens.clear()
    with pytest.raises(DepositUnproven, match="registered"):
        shown(cash)


@pytest.mark.parametrize("receiver", [SELLER, BUYER], ids=["to another wallet", "to itself"])
def test_what_moves_between_wallets_is_no_deposit(on_chain, chain, receiver):
    """Nor are a settlement's own legs: the books have them already."""
    contract = on_chain.node.contract("CashToken", on_chain.cash)
    chain.call("anvil_setBalance", BUYER.address, hex(10**18))
    call = contract.functions.transfer(receiver.address, 10 * UNIT)
    built = call.build_transaction({"from": BUYER.address, "nonce": 0, "chainId": 31_337})
    signed = BUYER.sign_transaction(built)
    sent = on_chain.node.web3.eth.send_raw_transaction(signed.raw_transaction)
    receipt = on_chain.node.web3.eth.wait_for_transaction_receipt(sent, timeout=10)
    chain.finalize()
    log = receipt["logs"][0]
    where = (31_337, "0x" + bytes(sent).hex(), int(log["logIndex"]))
    with pytest.raises(DepositUnproven, match="issuance"):
        ChainDeposits(on_chain.node).verify(*where, on_chain.cash, receiver.address)
