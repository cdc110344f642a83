// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ISettlement, Trade} from "../src/interfaces/ISettlement.sol";
import {TradeHash} from "../src/libraries/TradeHash.sol";
import {SettlementFixture} from "./utils/SettlementFixture.sol";

contract CancelTest is SettlementFixture {
    function consents(Trade memory trade) private view returns (bytes memory sellerSig, bytes memory buyerSig) {
        bytes32 digest = settlement.hashCancel(trade);
        return (compact(SELLER_KEY, digest), compact(BUYER_KEY, digest));
    }

    function test_cancel_usesTheId() public {
        (bytes memory sellerSig, bytes memory buyerSig) = consents(tradeOf(7));
        vm.expectEmit(true, false, false, true, address(settlement));
        emit ISettlement.Cancelled(7);
        vm.prank(stranger);
        settlement.cancel(tradeOf(7), sellerSig, buyerSig);
        assertBalances(1_000, 0, 0, 50_000);
        settleRefused(tradeOf(7), abi.encodeWithSelector(ISettlement.AlreadyUsed.selector, 7));
    }

    function test_cancel_bySenderAndOneSignature() public {
        (bytes memory sellerSig,) = consents(tradeOf(7));
        vm.prank(buyer);
        settlement.cancel(tradeOf(7), sellerSig, "");
        assertTrue(settlement.isUsed(7), "id is used");
    }

    function test_cancel_afterTheDeadline() public {
        vm.warp(NOW + 30 days);
        (bytes memory sellerSig, bytes memory buyerSig) = consents(tradeOf(7));
        settlement.cancel(tradeOf(7), sellerSig, buyerSig);
        assertTrue(settlement.isUsed(7), "id is used");
    }

    function test_cancel_refusesOneSideAlone() public {
        (, bytes memory buyerSig) = consents(tradeOf(7));
        vm.prank(buyer);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.BadSignature.selector, 7, seller));
        settlement.cancel(tradeOf(7), buyerSig, "");
    }

    function test_cancel_refusesTheSignaturesOfTheTrade() public {
        (bytes memory sellerSig, bytes memory buyerSig) = signed(tradeOf(7));
        vm.expectRevert(abi.encodeWithSelector(ISettlement.BadSignature.selector, 7, seller));
        settlement.cancel(tradeOf(7), sellerSig, buyerSig);
    }

    function test_cancel_refusesTheSettlerAlone() public {
        vm.prank(SETTLER);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.BadSignature.selector, 7, seller));
        settlement.cancel(tradeOf(7), "", "");
    }

    function test_cancel_refusesASettledTrade() public {
        settle(tradeOf(7));
        (bytes memory sellerSig, bytes memory buyerSig) = consents(tradeOf(7));
        vm.expectRevert(abi.encodeWithSelector(ISettlement.AlreadyUsed.selector, 7));
        settlement.cancel(tradeOf(7), sellerSig, buyerSig);
    }

    function testFuzz_hashCancel_isEip712(Trade memory trade) public view {
        bytes32 structHash = keccak256(
            abi.encode(keccak256("Cancel(uint256 id,bytes32 tradeHash)"), trade.id, settlement.hashTrade(trade))
        );
        bytes32 expected = keccak256(abi.encodePacked(hex"1901", settlement.DOMAIN_SEPARATOR(), structHash));
        assertEq(settlement.hashCancel(trade), expected, "EIP-712 hash");
    }
}
