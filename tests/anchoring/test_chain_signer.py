"""Signing services: Anvil's own, and ones that lie; nothing unasked for is ever given out."""

from collections.abc import Iterator, Sequence

import pytest
from eth_account import Account
from hypothesis import given, settings
from hypothesis import strategies as st

from anchoring.chain_signer import LocalChainSigner, RemoteChainSigner, verify_signed
from anchoring.errors import RpcError, SignerRefused
from anchoring.rpc import HttpRpc
from scripts.anvil import running_anvil

MINE = Account.from_key("0x" + "11" * 32)
OTHER = Account.from_key("0x" + "22" * 32)
WANTED = {
    "type": 2,
    "chainId": 31_337,
    "nonce": 0,
    "to": "0x" + "ab" * 20,
    "value": 0,
    "data": "0x5d3fbe4e" + "00" * 32,
    "gas": 250_000,
    "maxFeePerGas": 3 * 10**9,
    "maxPriorityFeePerGas": 10**9,
}


class Service:
    """A signing service that does what a test says."""

    def __init__(self, answer: object, accounts: object = (MINE.address,)) -> None:
        self.answer = answer
        self.accounts = accounts
        self.asked: list[tuple[str, Sequence[object]]] = []

    def __call__(self, method: str, params: Sequence[object], /) -> object:
        self.asked.append((method, params))
        if method == "eth_accounts":
            return list(self.accounts) if isinstance(self.accounts, tuple) else self.accounts
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def signed(transaction=WANTED, account=MINE) -> str:
    return LocalChainSigner(account).sign(transaction)[0]


@pytest.fixture(scope="module")
def anvil() -> Iterator[HttpRpc]:
    try:
        with running_anvil() as web3:
            yield HttpRpc(web3.provider.endpoint_uri)
    except FileNotFoundError as missing:
        pytest.skip(f"Anvil is not installed: {missing}")


@pytest.mark.chain
def test_a_real_service_signs_what_a_node_then_takes(anvil: HttpRpc) -> None:
    accounts = anvil("eth_accounts", [])
    signer = RemoteChainSigner(anvil, accounts[1])
    raw, transaction_hash = signer.sign({**WANTED, "maxFeePerGas": 10**11})
    assert anvil("eth_sendRawTransaction", [raw]) == transaction_hash
    found = anvil("eth_getTransactionByHash", [transaction_hash])
    assert found["from"].lower() == signer.address.lower() == accounts[1].lower()
    assert found["input"] == WANTED["data"]


@pytest.mark.chain
def test_a_service_with_several_accounts_has_to_be_told_which(anvil: HttpRpc) -> None:
    with pytest.raises(SignerRefused, match="say which one"):
        RemoteChainSigner(anvil)
    with pytest.raises(SignerRefused, match="no key for"):
        RemoteChainSigner(anvil, MINE.address)


def test_its_only_account_is_taken() -> None:
    service = Service(signed())
    signer = RemoteChainSigner(service)
    assert signer.address == MINE.address
    assert signer.sign(WANTED) == LocalChainSigner(MINE).sign(WANTED)
    (_, (asked,)) = service.asked[-1]
    assert asked == {
        "type": "0x2", "chainId": "0x7a69", "nonce": "0x0", "to": WANTED["to"], "value": "0x0",
        "data": WANTED["data"], "gas": "0x3d090", "maxFeePerGas": "0xb2d05e00",
        "maxPriorityFeePerGas": "0x3b9aca00", "from": MINE.address,
    }  # fmt: skip


def test_the_form_that_geth_answers_in_is_read_too() -> None:
    assert RemoteChainSigner(Service({"raw": signed(), "tx": {}})).sign(WANTED)[0] == signed()


CHANGED = {
    "chainId": 1,
    "nonce": 1,
    "to": "0x" + "ac" * 20,
    "value": 1,
    "data": "0x5d3fbe4e" + "00" * 31 + "01",
    "gas": 250_001,
    "maxFeePerGas": 3 * 10**9 + 1,
    "maxPriorityFeePerGas": 10**9 - 1,
}


@pytest.mark.parametrize("field", CHANGED)
def test_a_signature_over_anything_else_is_refused(field: str) -> None:
    service = Service(signed({**WANTED, field: CHANGED[field]}))
    with pytest.raises(SignerRefused, match=f"another {field}"):
        RemoteChainSigner(service).sign(WANTED)


def test_a_signature_by_another_account_is_refused() -> None:
    with pytest.raises(SignerRefused, match="signed by"):
        RemoteChainSigner(Service(signed(account=OTHER))).sign(WANTED)


def test_another_kind_of_transaction_is_refused() -> None:
    legacy = {k: v for k, v in WANTED.items() if not k.startswith("max") and k != "type"}
    to = "0x" + "00" * 20
    old = MINE.sign_transaction({**legacy, "to": to, "gasPrice": 3 * 10**9})
    listed = MINE.sign_transaction(
        {**WANTED, "to": to, "accessList": [{"address": to, "storageKeys": []}]}
    )
    for each in (old, listed):
        with pytest.raises(SignerRefused):
            RemoteChainSigner(Service(each.raw_transaction.to_0x_hex())).sign({**WANTED, "to": to})


@pytest.mark.parametrize("answer", [None, 7, "", "0x", "0x02", "zz", [], {}, {"raw": 1}])
def test_nonsense_is_refused(answer: object) -> None:
    with pytest.raises(SignerRefused):
        RemoteChainSigner(Service(answer)).sign(WANTED)


@pytest.mark.parametrize("accounts", [None, "0x", (7,), ("0x12",), {}])
def test_accounts_that_are_none_are_an_error_of_the_service(accounts: object) -> None:
    with pytest.raises(RpcError):
        RemoteChainSigner(Service(None, accounts))


def test_a_service_that_is_away_is_an_error_that_passes() -> None:
    with pytest.raises(RpcError):
        RemoteChainSigner(Service(RpcError("cut"))).sign(WANTED)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 8 * len(bytes.fromhex(signed()[2:])) - 1))
def test_no_bit_of_a_signed_transaction_may_change(position: int) -> None:
    data = bytearray.fromhex(signed()[2:])
    data[position // 8] ^= 1 << position % 8
    with pytest.raises(SignerRefused):
        verify_signed("0x" + data.hex(), WANTED, MINE.address)
    verify_signed(signed(), WANTED, MINE.address)
