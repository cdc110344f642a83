"""Gas of whole transactions, measured on Anvil beside the target, the floor and the nearest peer.

`python -m scripts.gas` prints a table (`--json`: one document), `--write` records the figures in
`contracts/snapshots/gas.json`, and `--check` fails if one is above what is recorded there. Keys,
amounts and times are fixed, so the figures are the same in every run.

Peers' figures were measured in one harness with the same token amounts: 0x v4
`fillTakerSignedOtcOrder`, 1inch LOP v4.3, T-REX 4.1.6 behind its proxies.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from eth_keys.datatypes import PrivateKey
from eth_typing import ChecksumAddress
from web3 import Web3
from web3.contract import Contract
from web3.contract.contract import ContractFunction
from web3.types import RPCEndpoint

from scripts.anvil import GENESIS_TIME, HARDFORK, running_anvil
from scripts.compile_contracts import ARTIFACTS, CONTRACTS, SETTINGS, compile_sources
from scripts.merkle_tree import MerkleTree, imagined_extension

SNAPSHOT = CONTRACTS / "snapshots" / "gas.json"
ASSET_AMOUNT = 1_000 * 10**18
CASH_AMOUNT = 995_002_500_000
LOG_SIZE = 1_000_000
GIGA = 10**9
PAIRS = 100
ALIGNMENT = 256


@dataclass(frozen=True)
class Row:
    """One figure: gas, the most that DESIGN §6 allows, and the nearest peer's."""

    case: str
    gas: int
    target: int | None = None
    peer: str = ""


@dataclass(frozen=True)
class Party:
    """A key holder that the chain lets us send for."""

    key: PrivateKey
    address: ChecksumAddress


class Bench:
    """A chain with the contracts on it, and the parties of the trades."""

    def __init__(self, web3: Web3) -> None:
        self.web3 = web3
        self.operator = web3.eth.accounts[0]
        self.mocks = compile_sources(sorted((CONTRACTS / "test" / "mocks").glob("[FP]*.sol")))
        self.deployments: dict[str, int] = {}
        self.settlement = self.deploy("Settlement", self.operator, self.operator)
        self.send(self.settlement.functions.setSettler(self.operator, True))
        self.ids = iter(range(1, 10**6))

    def deploy(self, name: str, *arguments: object) -> Contract:
        """Deploy a contract of ours, or else a mock; remember the gas."""
        abi, code = self._code(name)
        factory = self.web3.eth.contract(abi=abi, bytecode=code)
        transaction = factory.constructor(*arguments).transact({"from": self.operator})
        receipt = self.web3.eth.wait_for_transaction_receipt(transaction)
        self.deployments[name] = receipt["gasUsed"]
        return factory(receipt["contractAddress"])

    def _code(self, name: str) -> tuple[Any, str]:
        path = ARTIFACTS / f"{name}.json"
        if path.is_file():
            document = json.loads(path.read_text())
            return document["abi"], document["bytecode"]
        compiled = self.mocks[f"test/mocks/{name}.sol"][name]
        return compiled["abi"], compiled["evm"]["bytecode"]["object"]

    def send(self, call: ContractFunction, sender: ChecksumAddress | None = None) -> int:
        """Send a transaction and return the gas of all of it.

        Raises:
            RuntimeError: it reverted.
        """
        transaction = call.transact({"from": sender or self.operator})
        receipt = self.web3.eth.wait_for_transaction_receipt(transaction)
        if receipt["status"] != 1:
            raise RuntimeError(f"{call.fn_name} reverted")
        return receipt["gasUsed"]

    def party(self, seed: int) -> Party:
        """A funded party; Anvil sends for it, it signs trades itself."""
        key = PrivateKey(Web3.keccak(text=f"tallystick party {seed}"))
        address = key.public_key.to_checksum_address()
        provider = self.web3.provider
        provider.make_request(RPCEndpoint("anvil_setBalance"), [address, hex(10**20)])
        provider.make_request(RPCEndpoint("anvil_impersonateAccount"), [address])
        return Party(key, address)

    def fund(self, token: Contract, holder: Party, amount: int, spender: ChecksumAddress) -> None:
        """Give `holder` units and let `spender` move them."""
        self.send(token.functions.mint(holder.address, amount))
        self.send(token.functions.approve(spender, 2**256 - 1), holder.address)


def compact(party: Party, digest: bytes) -> bytes:
    """EIP-2098 signature over a digest."""
    signature = party.key.sign_msg_hash(digest)
    r: int = signature.r
    packed: int = signature.s | signature.v << 255
    return r.to_bytes(32) + packed.to_bytes(32)


class Pair:
    """Two parties that trade the same two tokens again and again."""

    def __init__(self, bench: Bench, asset: Contract, cash: Contract, seed: int) -> None:
        self.bench, self.asset, self.cash = bench, asset, cash
        self.seller, self.buyer = bench.party(seed), bench.party(seed + 1)

    def settle(self, buyer_sends: bool = False) -> int:
        """Gas of one more trade."""
        settlement = self.bench.settlement
        trade = (
            next(self.bench.ids),
            self.seller.address,
            self.buyer.address,
            self.asset.address,
            self.cash.address,
            ASSET_AMOUNT,
            CASH_AMOUNT,
            ASSET_AMOUNT,
            GENESIS_TIME,
            GENESIS_TIME + 86_400,
        )
        digest = settlement.functions.hashTrade(trade).call()
        buyer_signature = b"" if buyer_sends else compact(self.buyer, digest)
        call = settlement.functions.settle(trade, compact(self.seller, digest), buyer_signature)
        return self.bench.send(call, self.buyer.address if buyer_sends else None)

    def settle_on_floor(self, floor: Contract) -> int:
        """Gas of one more trade on the contract that only does what it must."""
        terms = (
            next(self.bench.ids),
            self.seller.address,
            self.buyer.address,
            self.asset.address,
            self.cash.address,
            ASSET_AMOUNT,
            CASH_AMOUNT,
            GENESIS_TIME + 86_400,
        )
        types = ["uint256", "address", "address", "address", "address", *["uint256"] * 3]
        digest = Web3.keccak(self.bench.web3.codec.encode(types, terms))
        words = [compact(party, digest) for party in (self.seller, self.buyer)]
        signatures = [(word[:32], word[32:]) for word in words]
        return self.bench.send(floor.functions.settle(terms, *signatures))


def plain_pair(bench: Bench, spender: Contract, seed: int) -> Pair:
    """A pair over two plain ERC-20, funded for many trades, that has not traded yet."""
    pair = Pair(bench, bench.deploy("PlainToken"), bench.deploy("PlainToken"), seed)
    bench.fund(pair.asset, pair.seller, 10**6 * 10**18, spender.address)
    bench.fund(pair.cash, pair.buyer, 10**9 * 10**6, spender.address)
    return pair


def measure_settlement(bench: Bench) -> list[Row]:
    """Settlements over plain tokens, and the floor under them."""
    pair = plain_pair(bench, bench.settlement, 0)
    first, *_, warm = [pair.settle() for _ in range(4)]
    floor = bench.deploy("FloorSettlement")
    bare = plain_pair(bench, floor, 2)
    floor_first, *_, floor_warm = [bare.settle_on_floor(floor) for _ in range(4)]
    return [
        Row("floor: two transfers, two signatures, bit, event", floor_warm),
        Row("floor, first of a pair", floor_first),
        Row("settle, both sign, relayed, warm", warm, 80_000, "0x OTC 86,946"),
        Row("settle, buyer sends, warm", pair.settle(buyer_sends=True), 73_000, "1inch 75,073"),
        Row("settle, both sign, first of a pair", first, 132_000, "0x OTC 138,258"),
    ]


def measure_permissioned(bench: Bench) -> list[Row]:
    """The project's own tokens: a transfer, and settlements with them."""
    nobody = "0x" + "00" * 20
    untrusting = ("Share", "SHR", "US0378331005", 18, nobody, bench.operator)
    trusting = ("Share", "SHR", "US0378331005", 18, bench.settlement.address, bench.operator)
    money = ("Dollar", "USD", bench.settlement.address, bench.operator)
    asset = bench.deploy("SecurityToken", *untrusting)
    with_plain = Pair(bench, asset, bench.deploy("PlainToken"), 4)
    shares, dollars = bench.deploy("SecurityToken", *trusting), bench.deploy("CashToken", *money)
    own = Pair(bench, shares, dollars, 6)
    for pair in (with_plain, own):
        members = [pair.seller.address, pair.buyer.address]
        bench.send(pair.asset.functions.setPermissions(members, 3))
        bench.fund(pair.asset, pair.seller, 10**6 * 10**18, bench.settlement.address)
        bench.fund(pair.cash, pair.buyer, 10**9 * 10**6, bench.settlement.address)
    mixed = [with_plain.settle() for _ in range(4)][-1]
    trusted = [own.settle() for _ in range(4)][-1]
    transfer = asset.functions.transfer(with_plain.buyer.address, ASSET_AMOUNT)
    moved = [bench.send(transfer, with_plain.seller.address) for _ in range(2)][-1]
    return [
        Row("transfer of a permissioned token, warm", moved, 36_000, "T-REX 122,505"),
        Row("settle with a permissioned asset, warm", mixed, 80_000, "T-REX 173,128"),
        Row("settle with both own tokens, no allowance, warm", trusted, 80_000),
    ]


def random_pairs(step: int, largest: int = LOG_SIZE) -> list[tuple[int, int]]:
    """Pairs m < n ≤ `largest`, both multiples of `step`; the same in every run."""
    source = random.Random(9162)  # noqa: S311 - a fixed sample, not a secret
    sizes = range(step, largest + 1, step)
    drawn = [sorted(source.sample(sizes, 2)) for _ in range(PAIRS)]
    return [(old, new) for old, new in drawn]


Extension = tuple[bytes, bytes, list[bytes]]
"""Root of the old tree, root of the new one, and the proof between them."""


def measure_anchor(bench: Bench) -> list[Row]:
    """Anchors with the consistency proof checked on chain."""
    tree = MerkleTree(index.to_bytes(8) for index in range(LOG_SIZE))
    registry = bench.deploy("AnchorRegistry", "tallystick.example/gas", bench.operator)
    first = bench.send(registry.functions.append(LOG_SIZE // 2, tree.root(LOG_SIZE // 2), []))

    def real(old: int, new: int) -> Extension:
        return tree.root(old), tree.root(new), tree.consistency(old, new)

    def mean(step: int, largest: int, extension: Callable[[int, int], Extension]) -> int:
        return _mean_append(bench, registry, extension, random_pairs(step, largest))

    return [
        Row("anchor, 1M entries, multiples of 256, mean of 100", mean(256, LOG_SIZE, real), 50_000),
        Row("anchor, 1M entries, any size, mean of 100", mean(1, LOG_SIZE, real), 60_000),
        Row("anchor, 1k entries, multiples of 256, mean of 100", mean(256, 1_024, real)),
        Row("anchor, 1k entries, any size, mean of 100", mean(1, 1_000, real)),
        # Nobody holds a tree of 10^9 leaves here: the proof has its shape, over made-up subtrees.
        Row(
            "anchor, 1G entries, multiples of 256, mean of 100", mean(256, GIGA, imagined_extension)
        ),
        Row("anchor, 1G entries, any size, mean of 100", mean(1, GIGA, imagined_extension)),
        Row("anchor, first of a log", first),
    ]


def _mean_append(
    bench: Bench,
    registry: Contract,
    extension: Callable[[int, int], Extension],
    pairs: Sequence[tuple[int, int]],
) -> int:
    total = 0
    for old, new in pairs:
        old_root, new_root, proof = extension(old, new)
        _set_head(bench, registry, old, old_root)
        total += bench.send(registry.functions.append(new, new_root, proof))
    return round(total / len(pairs))


def _set_head(bench: Bench, registry: Contract, size: int, root: bytes) -> None:
    """Put the registry at any head; slot 0 is time and size, slot 1 the root."""
    packed = GENESIS_TIME << 64 | size
    for slot, word in ((0, packed.to_bytes(32)), (1, root)):
        position = "0x" + slot.to_bytes(32).hex()
        parameters = [registry.address, position, "0x" + word.hex()]
        bench.web3.provider.make_request(RPCEndpoint("anvil_setStorageAt"), parameters)


def measure() -> list[Row]:
    """All figures, on one new chain."""
    with running_anvil() as web3:
        bench = Bench(web3)
        rows = measure_settlement(bench) + measure_permissioned(bench) + measure_anchor(bench)
        paid = bench.deployments
        rows.append(Row("deploy Settlement", paid["Settlement"], 2_200_000, "PV01 1.65M"))
        for name in ("AnchorRegistry", "SecurityToken", "CashToken"):
            rows.append(Row(f"deploy {name}", paid[name]))
        return rows


def table(rows: Sequence[Row]) -> str:
    """The figures for reading."""
    lines = [f"{'case':<52}{'gas':>10}{'target':>11}  {'':<5} nearest peer"]
    for row in rows:
        target = f"{row.target:,}" if row.target else ""
        verdict = "" if row.target is None else "ok" if row.gas <= row.target else "OVER"
        lines.append(f"{row.case:<52}{row.gas:>10,}{target:>11}  {verdict:<5} {row.peer}".rstrip())
    return "\n".join(lines)


def rises(rows: Sequence[Row], recorded: dict[str, int]) -> list[str]:
    """What is above its record, or has none."""
    return [
        f"{row.case}: {row.gas:,} gas, recorded {recorded.get(row.case, 'nothing')}"
        for row in rows
        if row.gas > recorded.get(row.case, -1)
    ]


def main() -> int:
    """Measure; 1 if `--check` found a rise."""
    parser = argparse.ArgumentParser(description="Measure the gas of the contracts.")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    action = parser.add_mutually_exclusive_group()
    action.add_argument("--write", action="store_true", help="record the figures")
    action.add_argument("--check", action="store_true", help="fail if a figure rose")
    options = parser.parse_args()
    rows = measure()
    document = {"hardfork": HARDFORK, "compiler": SETTINGS, "rows": [asdict(row) for row in rows]}
    print(json.dumps(document, indent=1) if options.json else table(rows))
    if options.write:
        figures = {row.case: row.gas for row in rows}
        SNAPSHOT.parent.mkdir(exist_ok=True)
        SNAPSHOT.write_text(json.dumps(figures, indent=1, sort_keys=True) + "\n")
    if options.check:
        risen = rises(rows, json.loads(SNAPSHOT.read_text()))
        print("\n".join(risen), file=sys.stderr)
        return 1 if risen else 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
