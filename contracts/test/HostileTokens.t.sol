// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ISettlement, Trade} from "../src/interfaces/ISettlement.sol";
import {FalseToken, FeeToken, OddToken, ReentrantToken, RevertingToken, SilentToken} from "./mocks/HostileTokens.sol";
import {PlainToken} from "./mocks/PlainToken.sol";
import {SettlementFixture} from "./utils/SettlementFixture.sol";

contract HostileTokensTest is SettlementFixture {
    function cashIn(PlainToken token) private returns (Trade memory trade) {
        token.mint(buyer, 50_000);
        vm.prank(buyer);
        token.approve(address(settlement), type(uint256).max);
        trade = tradeOf(7);
        trade.cash = address(token);
    }

    function refusedWith(Trade memory trade, bytes memory reason) private {
        settleRefused(trade, abi.encodeWithSelector(ISettlement.TransferFailed.selector, 7, trade.cash, reason));
        assertBalances(1_000, 0, 0, 50_000);
        assertFalse(settlement.isUsed(7), "id stays free");
    }

    function test_token_thatReturnsFalse() public {
        refusedWith(cashIn(new FalseToken()), abi.encode(false));
    }

    function test_token_thatReturnsNothing() public {
        refusedWith(cashIn(new SilentToken()), "");
    }

    function test_token_thatReturnsNeitherTrueNorFalse() public {
        refusedWith(cashIn(new OddToken()), abi.encode(2));
    }

    function test_token_thatRevertsAtLength() public {
        bytes memory reason = new bytes(512);
        reason[28] = 0xde;
        reason[29] = 0xad;
        reason[30] = 0xbe;
        reason[31] = 0xef;
        refusedWith(cashIn(new RevertingToken()), reason);
    }

    /// @dev Not the contract's to see: both parties named the token, and it answered true. Such tokens are kept
    /// out where securities and currencies are registered.
    function test_token_thatKeepsAFee() public {
        Trade memory trade = cashIn(new FeeToken());
        settle(trade);
        assertEq(PlainToken(trade.cash).balanceOf(seller), 630, "cash of the seller, less the fee");
    }

    function reentrant(bytes memory call_, bool bubble) private returns (Trade memory trade, ReentrantToken token) {
        token = new ReentrantToken();
        trade = cashIn(token);
        token.prepare(call_, bubble);
    }

    function test_token_thatSettlesAgain() public {
        Trade memory inner = tradeOf(8);
        (bytes memory sellerSig, bytes memory buyerSig) = signed(inner);
        bytes memory call_ = abi.encodeCall(ISettlement.settle, (inner, sellerSig, buyerSig));
        (Trade memory trade, ReentrantToken token) = reentrant(call_, true);
        vm.prank(OWNER);
        settlement.setSettler(address(token), true);
        refusedWith(trade, abi.encodeWithSelector(ISettlement.Reentered.selector));
    }

    function test_token_thatCancelsWhileItSettles() public {
        Trade memory other = tradeOf(8);
        bytes32 digest = settlement.hashCancel(other);
        bytes memory call_ =
            abi.encodeCall(ISettlement.cancel, (other, compact(SELLER_KEY, digest), compact(BUYER_KEY, digest)));
        (Trade memory trade, ReentrantToken token) = reentrant(call_, false);
        settle(trade);
        assertEq(bytes32(token.answer()), bytes32(ISettlement.Reentered.selector), "answer to the inner call");
        assertFalse(settlement.isUsed(8), "other id stays free");
        // The guard is down again in the next call of the same transaction.
        settle(tradeOf(9));
    }
}
