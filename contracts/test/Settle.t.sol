// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ISettlement, Trade} from "../src/interfaces/ISettlement.sol";
import {SettlementFixture} from "./utils/SettlementFixture.sol";

contract SettleTest is SettlementFixture {
    /* MOVES BOTH LEGS */

    function test_settle_movesBothLegs() public {
        vm.expectEmit(true, false, false, true, address(settlement));
        emit ISettlement.Settled(7);
        settle(tradeOf(7));
        assertBalances(990, 10, 700, 49_300);
        assertTrue(settlement.isUsed(7), "id is used");
    }

    function test_settle_takesLongSignatures() public {
        Trade memory trade = tradeOf(7);
        bytes32 digest = settlement.hashTrade(trade);
        settleAs(SETTLER, trade, long(SELLER_KEY, digest), long(BUYER_KEY, digest));
        assertBalances(990, 10, 700, 49_300);
    }

    function test_settle_buyerSendsWithoutOwnSignature() public {
        (bytes memory sellerSig,) = signed(tradeOf(7));
        settleAs(buyer, tradeOf(7), sellerSig, "");
        assertBalances(990, 10, 700, 49_300);
    }

    function test_settle_sellerSendsWithoutOwnSignature() public {
        (, bytes memory buyerSig) = signed(tradeOf(7));
        settleAs(seller, tradeOf(7), "", buyerSig);
        assertBalances(990, 10, 700, 49_300);
    }

    function test_settle_inTheFirstAndTheLastSecond() public {
        settle(tradeOf(1));
        vm.warp(NOW + 1 days);
        settle(tradeOf(2));
        assertBalances(980, 20, 1_400, 48_600);
    }

    function testFuzz_settle_movesExactlyTheAmounts(uint256 id, uint256 assetAmount, uint256 cashAmount) public {
        Trade memory trade = tradeOf(id);
        trade.minAssetAmount = trade.assetAmount = bound(assetAmount, 1, 1_000);
        trade.cashAmount = bound(cashAmount, 1, 50_000);
        settle(trade);
        assertBalances(1_000 - trade.assetAmount, trade.assetAmount, trade.cashAmount, 50_000 - trade.cashAmount);
    }

    function testFuzz_settle_usesOneIdOnly(uint256 id, uint256 other) public {
        vm.assume(id != other);
        settle(tradeOf(id));
        assertTrue(settlement.isUsed(id), "id is used");
        assertFalse(settlement.isUsed(other), "other id is free");
    }

    /* REFUSES */

    function test_settle_refusesAStranger() public {
        (bytes memory sellerSig, bytes memory buyerSig) = signed(tradeOf(7));
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.NotAuthorised.selector, 7, stranger));
        settlement.settle(tradeOf(7), sellerSig, buyerSig);
    }

    function test_settle_refusesAClearedSettler() public {
        vm.prank(GUARDIAN);
        settlement.setSettler(SETTLER, false);
        settleRefused(tradeOf(7), abi.encodeWithSelector(ISettlement.NotAuthorised.selector, 7, SETTLER));
    }

    function test_settle_refusesAUsedId() public {
        settle(tradeOf(7));
        settleRefused(tradeOf(7), abi.encodeWithSelector(ISettlement.AlreadyUsed.selector, 7));
    }

    function test_settle_refusesAUsedIdOfAnotherTrade() public {
        settle(tradeOf(7));
        Trade memory other = tradeOf(7);
        other.cashAmount = 1;
        settleRefused(other, abi.encodeWithSelector(ISettlement.AlreadyUsed.selector, 7));
    }

    function test_settle_refusesBeforeValidFrom() public {
        vm.warp(NOW - 1);
        settleRefused(tradeOf(7), abi.encodeWithSelector(ISettlement.NotYetValid.selector, 7, NOW));
    }

    function test_settle_refusesAfterTheDeadline() public {
        vm.warp(NOW + 1 days + 1);
        settleRefused(tradeOf(7), abi.encodeWithSelector(ISettlement.Expired.selector, 7, NOW + 1 days));
    }

    function test_settle_refusesZeroAsset() public {
        Trade memory trade = tradeOf(7);
        trade.assetAmount = trade.minAssetAmount = 0;
        settleRefused(trade, abi.encodeWithSelector(ISettlement.ZeroAmount.selector, 7));
    }

    function test_settle_refusesZeroCash() public {
        Trade memory trade = tradeOf(7);
        trade.cashAmount = 0;
        settleRefused(trade, abi.encodeWithSelector(ISettlement.ZeroAmount.selector, 7));
    }

    function testFuzz_settle_refusesAnotherMinimum(uint256 minimum) public {
        Trade memory trade = tradeOf(7);
        vm.assume(minimum != trade.assetAmount);
        trade.minAssetAmount = minimum;
        settleRefused(trade, abi.encodeWithSelector(ISettlement.NotAllOrNone.selector, 7));
    }

    function test_settle_refusesOneParty() public {
        Trade memory trade = tradeOf(7);
        trade.buyer = seller;
        settleRefused(trade, abi.encodeWithSelector(ISettlement.SameParty.selector, 7));
    }

    function test_settle_movesNothingWhenTheSecondLegFails() public {
        Trade memory trade = tradeOf(7);
        trade.cashAmount = 50_001;
        (bytes memory sellerSig, bytes memory buyerSig) = signed(trade);
        vm.prank(SETTLER);
        vm.expectRevert();
        settlement.settle(trade, sellerSig, buyerSig);
        assertBalances(1_000, 0, 0, 50_000);
        assertFalse(settlement.isUsed(7), "id stays free");
    }

    function test_settle_namesTheTokenThatRefused() public {
        vm.prank(buyer);
        cash.approve(address(settlement), 699);
        bytes memory arithmetic = abi.encodeWithSignature("Panic(uint256)", 0x11);
        settleRefused(
            tradeOf(7), abi.encodeWithSelector(ISettlement.TransferFailed.selector, 7, address(cash), arithmetic)
        );
    }

    function test_settle_refusesATokenWithoutCode() public {
        Trade memory trade = tradeOf(7);
        trade.asset = address(0xC0DE1E55);
        settleRefused(trade, abi.encodeWithSelector(ISettlement.TransferFailed.selector, 7, trade.asset, ""));
    }
}
