"""Limits of cost on a real chain: what would pass one waits, is said once, and goes on."""

from datetime import timedelta

import pytest
from eth_account import Account

from backend.audit.chain import GAS_LIMIT
from backend.audit.fees import Limits
from backend.platform.processes.anchorer import ANCHORER_KEYSTORE
from backend.settlement.wallet import load_keystore
from tests.audit.anchors import (
    a_day_passes,
    anchored_sizes,
    events,
    finish,
    goes_on,
    grow,
    metric,
    request,
    story,
)
from tests.integration.blueprint import CHAIN_ID
from tests.integration.world import World

pytestmark = [pytest.mark.db, pytest.mark.chain]


def paid(world: World) -> int:
    """What the chain says the mined anchors cost, in wei."""
    total = 0
    for each in events(world, "anchor.included"):
        receipt = world.chain.node.call("eth_getTransactionReceipt", each["transaction_hash"])
        total += int(receipt["gasUsed"], 16) * int(receipt["effectiveGasPrice"], 16)
    return total


def test_what_was_paid_is_what_the_chain_says(fresh_world: World) -> None:
    world = fresh_world
    world.anchor()
    grow(world, 1)
    world.anchor()
    assert paid(world) > 0
    assert metric(world, "tallystick_anchor_fees_wei_total") == paid(world)
    assert (
        metric(world, "tallystick_anchor_gas") == events(world, "anchor.included")[-1]["gas_used"]
    )
    assert metric(world, "tallystick_unanchored_entries") > 0
    assert world.replay().equal


def test_above_the_cap_an_anchor_waits_and_says_so_once(fresh_world: World) -> None:
    world = fresh_world
    size = request(world)
    mean = world.anchorer(limits=Limits(fee_per_gas=1))
    for _ in range(3):
        assert mean.step() == f"deferred {size}"
        goes_on(world)
    (said,) = events(world, "anchor.deferred")
    assert (said["reason"], said["fee_per_gas_limit"], said["size"]) == ("fee-cap", "1", size)
    assert int(said["fee_per_gas"]) > 1
    assert metric(world, "tallystick_anchor_deferred") == 1
    assert anchored_sizes(world) == []
    finish(world, world.anchorer())
    assert anchored_sizes(world) == [size]
    assert metric(world, "tallystick_anchor_deferred") == 0
    assert world.replay().equal


def test_the_budget_of_a_day_is_kept_and_released(fresh_world: World) -> None:
    world = fresh_world
    first = request(world)
    finish(world, world.anchorer())
    spent = paid(world)
    world.chain.node.call("anvil_setNextBlockBaseFeePerGas", hex(10**9))
    world.chain.node.mine()
    second = grow(world, 1)
    request(world)
    market = world.anchorer()._chain.market()
    # Enough for the next transaction, not for it and what was paid already.
    worst = (2 * market.base_fee + market.tip) * GAS_LIMIT
    limits = Limits(daily_budget=worst + spent // 2)
    thrifty = world.anchorer(limits=limits)
    assert thrifty.step().startswith("deferred")
    assert thrifty.step().startswith("deferred")
    (said,) = events(world, "anchor.deferred")
    assert (said["reason"], said["spent"]) == ("daily-budget", str(spent))
    assert said["daily_budget"] == str(limits.daily_budget)
    assert int(said["worst_case"]) + spent > int(said["daily_budget"])
    goes_on(world)
    a_day_passes(world)
    finish(world, thrifty)
    assert anchored_sizes(world)[0] == first
    assert anchored_sizes(world)[1] >= second


def test_a_replacement_that_would_pass_the_cap_is_not_made(fresh_world: World) -> None:
    world = fresh_world
    size = request(world)
    world.chain.node.call("evm_setAutomine", False)
    anchorer = world.anchorer()
    assert anchorer.step() == f"submitted {size}"
    (sent,) = events(world, "anchor.submitted")
    capped = world.anchorer(bump_after=timedelta(0), limits=Limits(int(sent["max_fee_per_gas"])))
    capped.step()  # from here on it knows how long the transaction has been out
    for _ in range(2):
        assert capped.step() == f"waiting for {size}: a higher fee would pass a limit"
    assert story(world).count("anchor.deferred") == 1
    assert story(world).count("anchor.replaced") == 0
    assert world.anchorer(bump_after=timedelta(0)).step().startswith("waiting")
    world.chain.node.call("evm_setAutomine", True)
    world.chain.node.mine()
    finish(world, capped)
    assert anchored_sizes(world) == [size]


def spend_nonce(world: World, nonce: int, **fields: object) -> str:
    """A transaction of the anchorer's own account that takes the nonce, mined."""
    account = load_keystore(world.home.keys / ANCHORER_KEYSTORE, world.home.passphrase())
    transaction = {
        "type": 2, "chainId": CHAIN_ID, "nonce": nonce, "to": Account.create().address,
        "value": 0, "gas": 250_000, "maxFeePerGas": 10**12, "maxPriorityFeePerGas": 10**11,
        **fields,
    }  # fmt: skip
    raw = account.sign_transaction(transaction).raw_transaction.to_0x_hex()
    return str(world.chain.node.call("eth_sendRawTransaction", raw))


def test_a_nonce_spent_by_something_else_ends_the_anchor_and_a_new_one_follows(
    fresh_world: World,
) -> None:
    world = fresh_world
    size = request(world)
    world.chain.node.call("evm_setAutomine", False)
    anchorer = world.anchorer()
    assert anchorer.step() == f"submitted {size}"
    (sent,) = events(world, "anchor.submitted")
    spend_nonce(world, sent["nonce"])
    world.chain.node.call("evm_setAutomine", True)
    world.chain.node.mine(4)
    assert anchorer.step() == f"failed {size}"
    (failed,) = events(world, "anchor.failed")
    assert (failed["gas_used"], failed["effective_gas_price"]) == (None, None)
    finish(world, anchorer)
    assert anchored_sizes(world) == [size]
    assert events(world, "anchor.submitted")[-1]["nonce"] == sent["nonce"] + 1
    assert world.replay().equal
