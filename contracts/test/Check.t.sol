// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {CashToken} from "../src/CashToken.sol";
import {SecurityToken} from "../src/SecurityToken.sol";
import {Trade} from "../src/interfaces/ISettlement.sol";
import {Reasons} from "../src/libraries/Reasons.sol";
import {SettlementFixture} from "./utils/SettlementFixture.sol";

contract CheckTest is SettlementFixture {
    function assertReasons(Trade memory trade, uint256 expected, string memory what) private view {
        (bytes memory sellerSig, bytes memory buyerSig) = signed(trade);
        assertEq(settlement.check(trade, sellerSig, buyerSig), expected, what);
    }

    function test_check_findsNothing() public view {
        assertReasons(tradeOf(7), 0, "good trade");
    }

    function test_check_findsUsed() public {
        settle(tradeOf(7));
        assertReasons(tradeOf(7), Reasons.ID_USED, "used id");
    }

    function test_check_findsTimes() public {
        vm.warp(NOW - 1);
        assertReasons(tradeOf(7), Reasons.NOT_YET_VALID, "early");
        vm.warp(NOW + 1 days + 1);
        assertReasons(tradeOf(7), Reasons.EXPIRED, "late");
    }

    function test_check_findsSignatures() public {
        (bytes memory sellerSig, bytes memory buyerSig) = signed(tradeOf(7));
        Trade memory trade = tradeOf(7);
        assertEq(settlement.check(trade, "", buyerSig), Reasons.BAD_SELLER_SIGNATURE, "no seller");
        assertEq(settlement.check(trade, sellerSig, sellerSig), Reasons.BAD_BUYER_SIGNATURE, "no buyer");
        vm.prank(buyer);
        assertEq(settlement.check(trade, sellerSig, ""), 0, "buyer asks");
    }

    function test_check_findsTerms() public view {
        Trade memory trade = tradeOf(7);
        trade.cashAmount = 0;
        assertReasons(trade, Reasons.ZERO_AMOUNT, "no cash");
        trade = tradeOf(7);
        trade.minAssetAmount = 11;
        assertReasons(trade, Reasons.NOT_ALL_OR_NONE, "minimum above the amount");
        trade = tradeOf(7);
        trade.buyer = seller;
        trade.cash = trade.asset;
        trade.cashAmount = 1;
        assertReasons(trade, Reasons.SAME_PARTY | Reasons.BAD_BUYER_SIGNATURE, "one party");
    }

    function test_check_findsCover() public view {
        Trade memory trade = tradeOf(7);
        trade.assetAmount = trade.minAssetAmount = 1_001;
        trade.cashAmount = 50_001;
        assertReasons(trade, Reasons.SELLER_LACKS_UNITS | Reasons.BUYER_LACKS_CASH, "no cover");
    }

    function test_check_findsAllowances() public {
        vm.prank(seller);
        asset.approve(address(settlement), 9);
        vm.prank(buyer);
        cash.approve(address(settlement), 699);
        assertReasons(tradeOf(7), Reasons.SELLER_ALLOWANCE | Reasons.BUYER_ALLOWANCE, "no allowance");
    }

    function test_check_findsWhatIsNoToken() public view {
        Trade memory trade = tradeOf(7);
        trade.asset = address(0xC0DE1E55);
        trade.cash = address(settlement);
        assertReasons(trade, Reasons.ASSET_NOT_A_TOKEN | Reasons.CASH_NOT_A_TOKEN, "no tokens");
    }

    function test_check_findsRefusingTokens() public {
        address venue = address(settlement);
        SecurityToken share = new SecurityToken("Share", "SHR", "US0378331005", 6, venue, address(this));
        CashToken money = new CashToken("Dollar", "USD", venue, address(this));
        Trade memory trade = tradeOf(7);
        trade.asset = address(share);
        trade.cash = address(money);
        address[] memory parties = new address[](2);
        (parties[0], parties[1]) = (seller, buyer);
        share.setPermissions(parties, 3);
        share.mint(seller, 10);
        money.mint(buyer, 700);
        assertReasons(trade, 0, "no allowance needed");
        share.setFrozenTokens(seller, 1);
        assertReasons(trade, Reasons.ASSET_REFUSES, "frozen");
        parties[0] = stranger;
        money.setBlocked(parties, true);
        assertReasons(trade, Reasons.ASSET_REFUSES | Reasons.CASH_REFUSES, "frozen and blocked");
    }

    /// @dev No reason, no refusal; a reason, a refusal: over trades with anything wrong with them.
    function testFuzz_check_agreesWithSettle(uint256 assetAmount, uint256 cashAmount, uint256 minimum, uint64 time)
        public
    {
        Trade memory trade = tradeOf(7);
        trade.assetAmount = bound(assetAmount, 0, 1_500);
        trade.cashAmount = bound(cashAmount, 0, 75_000);
        trade.minAssetAmount = minimum % 4 == 0 ? minimum : trade.assetAmount;
        vm.warp(bound(time, NOW - 1 hours, NOW + 25 hours));
        (bytes memory sellerSig, bytes memory buyerSig) = signed(trade);
        uint256 reasons = settlement.check(trade, sellerSig, buyerSig);
        vm.prank(SETTLER);
        try settlement.settle(trade, sellerSig, buyerSig) {
            assertEq(reasons, 0, "settled against a reason");
        } catch {
            assertTrue(reasons != 0, "refused without a reason");
        }
    }
}
