// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {CashToken} from "../src/CashToken.sol";
import {ICashToken} from "../src/interfaces/ICashToken.sol";
import {IERC20Errors} from "../src/interfaces/IERC20Errors.sol";
import {IPackedToken} from "../src/interfaces/IPackedToken.sol";
import {Test} from "./utils/Test.sol";

contract CashTokenTest is Test {
    address internal constant VENUE = address(0x7EADE);
    address internal constant ISSUER = address(0x1551);
    address internal constant ALICE = address(0xA1);
    address internal constant BOB = address(0xB0);

    CashToken internal token;

    function setUp() public {
        token = new CashToken("Dollar", "USD", VENUE, ISSUER);
        vm.prank(ISSUER);
        token.mint(ALICE, 100);
    }

    function block_(address account, bool blocked) private {
        address[] memory accounts = new address[](1);
        accounts[0] = account;
        vm.prank(ISSUER);
        token.setBlocked(accounts, blocked);
    }

    function as_(address sender, bytes memory expected) private {
        vm.prank(sender);
        vm.expectRevert(expected);
    }

    function test_transfer_needsNoPermission() public {
        vm.prank(ALICE);
        token.transfer(BOB, 40);
        assertEq(token.balanceOf(BOB), 40, "bob");
        assertEq(token.decimals(), 6, "decimals");
    }

    function test_transfer_needsBalance() public {
        as_(ALICE, abi.encodeWithSelector(IERC20Errors.ERC20InsufficientBalance.selector, ALICE, 100, 101));
        token.transfer(BOB, 101);
    }

    function test_transfer_refusesBlockedAccounts() public {
        block_(ALICE, true);
        assertEq(token.balanceOf(ALICE), 100, "balance is readable");
        assertFalse(token.canTransfer(ALICE, BOB, 1), "from blocked");
        assertFalse(token.canTransfer(BOB, ALICE, 1), "to blocked");
        as_(ALICE, abi.encodeWithSelector(ICashToken.AccountBlocked.selector, ALICE));
        token.transfer(BOB, 1);
        as_(VENUE, abi.encodeWithSelector(ICashToken.AccountBlocked.selector, ALICE));
        token.transferFrom(ALICE, BOB, 1);
        as_(BOB, abi.encodeWithSelector(ICashToken.AccountBlocked.selector, ALICE));
        token.transfer(ALICE, 0);
        block_(ALICE, false);
        vm.prank(ALICE);
        token.transfer(BOB, 100);
        assertEq(token.balanceOf(BOB), 100, "bob");
    }

    function test_transfer_refusesSinks() public {
        address[3] memory sinks = [address(0), address(token), VENUE];
        for (uint256 i = 0; i < 3; ++i) {
            assertFalse(token.canTransfer(ALICE, sinks[i], 1), "into a sink");
            as_(ALICE, abi.encodeWithSelector(IERC20Errors.ERC20InvalidReceiver.selector, sinks[i]));
            token.transfer(sinks[i], 1);
        }
    }

    function test_burn_takesFromBlockedAccounts() public {
        block_(ALICE, true);
        vm.prank(ISSUER);
        token.burn(ALICE, 60);
        assertEq(token.balanceOf(ALICE), 40, "alice");
        assertEq(token.totalSupply(), 40, "supply");
        assertTrue(token.isBlocked(ALICE), "still blocked");
        as_(ISSUER, abi.encodeWithSelector(IERC20Errors.ERC20InsufficientBalance.selector, ALICE, 40, 41));
        token.burn(ALICE, 41);
    }

    function testFuzz_issuerOnly(address sender) public {
        vm.assume(sender != ISSUER);
        bytes memory expected = abi.encodeWithSelector(IPackedToken.NotIssuer.selector, sender);
        as_(sender, expected);
        token.mint(sender, 1);
        as_(sender, expected);
        token.burn(ALICE, 1);
        as_(sender, expected);
        token.setBlocked(new address[](0), true);
    }
}
