// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Settlement} from "../../src/Settlement.sol";
import {Trade} from "../../src/interfaces/ISettlement.sol";
import {PlainToken} from "../mocks/PlainToken.sol";
import {Test} from "./Test.sol";

/// @notice A settlement contract, two parties with keys, and two plain tokens they approved.
abstract contract SettlementFixture is Test {
    uint256 internal constant SELLER_KEY = 0xA11CE;
    uint256 internal constant BUYER_KEY = 0xB0B;
    uint256 internal constant STRANGER_KEY = 0x57A;

    address internal immutable seller = vm.addr(SELLER_KEY);
    address internal immutable buyer = vm.addr(BUYER_KEY);
    address internal immutable stranger = vm.addr(STRANGER_KEY);
    address internal constant OWNER = address(0x0111);
    address internal constant GUARDIAN = address(0x6666);
    address internal constant SETTLER = address(0x5E77);

    uint256 internal constant NOW = 1_800_000_000;

    Settlement internal settlement;
    PlainToken internal asset;
    PlainToken internal cash;

    function setUp() public virtual {
        vm.warp(NOW);
        settlement = new Settlement(OWNER, GUARDIAN);
        vm.prank(OWNER);
        settlement.setSettler(SETTLER, true);
        asset = new PlainToken();
        cash = new PlainToken();
        asset.mint(seller, 1_000);
        cash.mint(buyer, 50_000);
        vm.prank(seller);
        asset.approve(address(settlement), type(uint256).max);
        vm.prank(buyer);
        cash.approve(address(settlement), type(uint256).max);
    }

    function tradeOf(uint256 id) internal view returns (Trade memory) {
        return Trade({
            id: id,
            seller: seller,
            buyer: buyer,
            asset: address(asset),
            cash: address(cash),
            assetAmount: 10,
            cashAmount: 700,
            minAssetAmount: 10,
            validFrom: uint64(NOW),
            deadline: uint64(NOW + 1 days)
        });
    }

    function signed(Trade memory trade) internal view returns (bytes memory sellerSig, bytes memory buyerSig) {
        bytes32 digest = settlement.hashTrade(trade);
        return (compact(SELLER_KEY, digest), compact(BUYER_KEY, digest));
    }

    function settleAs(address sender, Trade memory trade, bytes memory sellerSig, bytes memory buyerSig) internal {
        vm.prank(sender);
        settlement.settle(trade, sellerSig, buyerSig);
    }

    /// @dev Both sign, the settler relays.
    function settle(Trade memory trade) internal {
        (bytes memory sellerSig, bytes memory buyerSig) = signed(trade);
        settleAs(SETTLER, trade, sellerSig, buyerSig);
    }

    /// @dev Both sign, the settler relays, and the contract must refuse with exactly this error.
    function settleRefused(Trade memory trade, bytes memory expected) internal {
        (bytes memory sellerSig, bytes memory buyerSig) = signed(trade);
        vm.prank(SETTLER);
        vm.expectRevert(expected);
        settlement.settle(trade, sellerSig, buyerSig);
    }

    function assertBalances(uint256 sellerAsset, uint256 buyerAsset, uint256 sellerCash, uint256 buyerCash)
        internal
        view
    {
        assertEq(asset.balanceOf(seller), sellerAsset, "asset of the seller");
        assertEq(asset.balanceOf(buyer), buyerAsset, "asset of the buyer");
        assertEq(cash.balanceOf(seller), sellerCash, "cash of the seller");
        assertEq(cash.balanceOf(buyer), buyerCash, "cash of the buyer");
        assertEq(asset.balanceOf(address(settlement)), 0, "asset held by the settlement contract");
        assertEq(cash.balanceOf(address(settlement)), 0, "cash held by the settlement contract");
    }
}
