// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {SecurityToken} from "../src/SecurityToken.sol";
import {IERC165} from "../src/interfaces/IERC165.sol";
import {IERC20} from "../src/interfaces/IERC20.sol";
import {IERC20Errors} from "../src/interfaces/IERC20Errors.sol";
import {IERC7943Fungible} from "../src/interfaces/IERC7943Fungible.sol";
import {IPackedToken} from "../src/interfaces/IPackedToken.sol";
import {ISecurityToken} from "../src/interfaces/ISecurityToken.sol";
import {Test} from "./utils/Test.sol";

contract SecurityTokenTest is Test {
    address internal constant VENUE = address(0x7EADE);
    address internal constant ISSUER = address(0x1551);
    address internal constant COMPLIANCE = address(0xC0);
    address internal constant ENFORCER = address(0xEF);
    address internal constant STRANGER = address(0x57);
    uint256 internal constant ALICE_KEY = 0xA11CE;
    address internal immutable alice = vm.addr(ALICE_KEY);
    address internal immutable bob = vm.addr(0xB0B);

    SecurityToken internal token;

    function setUp() public {
        vm.warp(1_800_000_000);
        token = new SecurityToken("Apple", "AAPL", "US0378331005", 6, VENUE, ISSUER);
        vm.prank(ISSUER);
        token.setCompliance(COMPLIANCE);
        vm.prank(ISSUER);
        token.setEnforcer(ENFORCER);
        permit_(alice, 3);
        permit_(bob, 3);
        vm.prank(ISSUER);
        token.mint(alice, 100);
    }

    function permit_(address account, uint16 flags) private {
        address[] memory accounts = new address[](1);
        accounts[0] = account;
        vm.prank(COMPLIANCE);
        token.setPermissions(accounts, flags);
    }

    function freeze(address account, uint256 amount) private {
        vm.prank(COMPLIANCE);
        token.setFrozenTokens(account, amount);
    }

    function as_(address sender, bytes memory expected) private {
        vm.prank(sender);
        vm.expectRevert(expected);
    }

    /* TRANSFER */

    function test_transfer_moves() public {
        vm.expectEmit(true, true, false, true, address(token));
        emit IERC20.Transfer(alice, bob, 40);
        vm.prank(alice);
        assertTrue(token.transfer(bob, 40), "answer");
        assertEq(token.balanceOf(alice), 60, "alice");
        assertEq(token.balanceOf(bob), 40, "bob");
        assertEq(token.permissionsOf(alice), 3, "permissions stay");
    }

    function test_transfer_toOneself() public {
        vm.prank(alice);
        token.transfer(alice, 40);
        assertEq(token.balanceOf(alice), 100, "alice");
    }

    function test_transfer_needsPermissionToSend() public {
        permit_(alice, 2);
        as_(alice, abi.encodeWithSelector(IERC7943Fungible.ERC7943CannotSend.selector, alice));
        token.transfer(bob, 1);
    }

    function test_transfer_needsPermissionToReceive() public {
        permit_(bob, 1);
        as_(alice, abi.encodeWithSelector(IERC7943Fungible.ERC7943CannotReceive.selector, bob));
        token.transfer(bob, 1);
    }

    function test_transfer_needsBalance() public {
        as_(alice, abi.encodeWithSelector(IERC20Errors.ERC20InsufficientBalance.selector, alice, 100, 101));
        token.transfer(bob, 101);
    }

    function test_transfer_leavesFrozenUnits() public {
        freeze(alice, 70);
        as_(alice, abi.encodeWithSelector(IERC7943Fungible.ERC7943InsufficientUnfrozenBalance.selector, alice, 31, 30));
        token.transfer(bob, 31);
        vm.prank(alice);
        token.transfer(bob, 30);
        assertEq(token.getFrozenTokens(alice), 70, "frozen");
    }

    function testFuzz_transfer_neverTouchesTheOtherFields(uint256 amount, uint256 frozen) public {
        amount = bound(amount, 0, 100);
        frozen = bound(frozen, 0, 100 - amount);
        freeze(alice, frozen);
        freeze(bob, type(uint112).max);
        vm.prank(alice);
        token.transfer(bob, amount);
        assertEq(token.balanceOf(alice) + token.balanceOf(bob), 100, "sum");
        assertEq(token.getFrozenTokens(alice), frozen, "frozen of alice");
        assertEq(token.getFrozenTokens(bob), type(uint112).max, "frozen of bob");
        assertEq(token.permissionsOf(bob), 3, "permissions of bob");
    }

    /// @dev ERC-7943: no public transfer succeeds where `canTransfer` says no; and where it says yes, only the
    /// balance can be in the way.
    function testFuzz_canTransfer_saysWhatTransferDoes(uint256 amount, uint256 frozen, uint8 flags) public {
        freeze(alice, bound(frozen, 0, 150));
        permit_(alice, flags & 3);
        permit_(bob, flags >> 2 & 3);
        amount = bound(amount, 0, 150);
        bool allowed = token.canTransfer(alice, bob, amount);
        vm.prank(alice);
        try token.transfer(bob, amount) {
            assertTrue(allowed, "moved against the rules");
        } catch {
            assertTrue(!allowed || amount > 100, "refused within the rules");
        }
    }

    /* ALLOWANCE */

    function test_transferFrom_spendsTheAllowance() public {
        vm.prank(alice);
        token.approve(STRANGER, 50);
        vm.prank(STRANGER);
        token.transferFrom(alice, bob, 20);
        assertEq(token.allowance(alice, STRANGER), 30, "allowance");
        as_(STRANGER, abi.encodeWithSelector(IERC20Errors.ERC20InsufficientAllowance.selector, STRANGER, 30, 31));
        token.transferFrom(alice, bob, 31);
    }

    function test_transferFrom_bySettlementNeedsNone() public {
        assertEq(token.allowance(alice, VENUE), type(uint256).max, "allowance shown");
        vm.prank(VENUE);
        token.transferFrom(alice, bob, 20);
        assertEq(token.balanceOf(bob), 20, "bob");
    }

    function test_transferFrom_withoutSettlementZeroIsNotTrusted() public {
        SecurityToken lone = new SecurityToken("Apple", "AAPL", "US0378331005", 6, address(0), ISSUER);
        assertEq(lone.allowance(alice, address(0)), 0, "allowance of zero");
    }

    function permitDigest(uint256 amount, uint256 nonce, uint256 deadline) private view returns (bytes32) {
        bytes32 typeHash =
            keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)");
        bytes32 structHash = keccak256(abi.encode(typeHash, alice, STRANGER, amount, nonce, deadline));
        return keccak256(abi.encodePacked(hex"1901", token.DOMAIN_SEPARATOR(), structHash));
    }

    function test_permit_approvesOnce() public {
        uint256 deadline = block.timestamp;
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(ALICE_KEY, permitDigest(50, 0, deadline));
        token.permit(alice, STRANGER, 50, deadline, v, r, s);
        assertEq(token.allowance(alice, STRANGER), 50, "allowance");
        assertEq(token.nonces(alice), 1, "nonce");
        vm.expectRevert();
        token.permit(alice, STRANGER, 50, deadline, v, r, s);
    }

    function test_permit_refusesAnotherSigner() public {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(0xB0B, permitDigest(50, 0, block.timestamp));
        vm.expectRevert(abi.encodeWithSelector(IERC20Errors.ERC2612InvalidSigner.selector, bob, alice));
        token.permit(alice, STRANGER, 50, block.timestamp, v, r, s);
    }

    function test_permit_refusesExpired() public {
        uint256 deadline = block.timestamp - 1;
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(ALICE_KEY, permitDigest(50, 0, deadline));
        vm.expectRevert(abi.encodeWithSelector(IERC20Errors.ERC2612ExpiredSignature.selector, deadline));
        token.permit(alice, STRANGER, 50, deadline, v, r, s);
    }

    function test_permit_refusesNoOwner() public {
        vm.expectRevert(abi.encodeWithSelector(IERC20Errors.ERC2612InvalidSigner.selector, address(0), address(0)));
        token.permit(address(0), STRANGER, 50, block.timestamp, 29, bytes32(uint256(1)), bytes32(uint256(1)));
    }

    /* ISSUER */

    function test_mint_refusesOthersAndUnpermitted() public {
        as_(STRANGER, abi.encodeWithSelector(IPackedToken.NotIssuer.selector, STRANGER));
        token.mint(alice, 1);
        as_(ISSUER, abi.encodeWithSelector(IERC7943Fungible.ERC7943CannotReceive.selector, STRANGER));
        token.mint(STRANGER, 1);
    }

    function test_mint_keepsSupplyBelow2To112() public {
        vm.prank(ISSUER);
        token.mint(alice, type(uint112).max - 100);
        as_(ISSUER, abi.encodeWithSelector(IPackedToken.SupplyTooLarge.selector, 1));
        token.mint(alice, 1);
        assertEq(token.permissionsOf(alice), 3, "permissions stay");
    }

    function test_burn_takesUnfrozenUnitsOnly() public {
        permit_(alice, 0);
        freeze(alice, 40);
        vm.prank(ISSUER);
        token.burn(alice, 60);
        assertEq(token.totalSupply(), 40, "supply");
        as_(ISSUER, abi.encodeWithSelector(IERC7943Fungible.ERC7943InsufficientUnfrozenBalance.selector, alice, 1, 0));
        token.burn(alice, 1);
        as_(STRANGER, abi.encodeWithSelector(IPackedToken.NotIssuer.selector, STRANGER));
        token.burn(alice, 0);
    }

    function test_issuer_passesInTwoSteps() public {
        vm.prank(ISSUER);
        token.transferIssuer(STRANGER);
        assertEq(token.issuer(), ISSUER, "issuer until accepted");
        as_(bob, abi.encodeWithSelector(IPackedToken.NotPendingIssuer.selector, bob));
        token.acceptIssuer();
        vm.prank(STRANGER);
        token.acceptIssuer();
        assertEq(token.issuer(), STRANGER, "issuer");
        as_(ISSUER, abi.encodeWithSelector(IPackedToken.NotIssuer.selector, ISSUER));
        token.setEnforcer(ISSUER);
    }

    /* COMPLIANCE */

    function test_setPermissions_refusals() public {
        address[] memory accounts = new address[](1);
        accounts[0] = alice;
        as_(ISSUER, abi.encodeWithSelector(ISecurityToken.NotCompliance.selector, ISSUER));
        token.setPermissions(accounts, 3);
        as_(COMPLIANCE, abi.encodeWithSelector(ISecurityToken.UnknownFlags.selector, 4));
        token.setPermissions(accounts, 4);
        address[3] memory sinks = [address(0), address(token), VENUE];
        for (uint256 i = 0; i < 3; ++i) {
            accounts[0] = sinks[i];
            as_(COMPLIANCE, abi.encodeWithSelector(IERC20Errors.ERC20InvalidReceiver.selector, sinks[i]));
            token.setPermissions(accounts, 3);
        }
    }

    function test_setFrozenTokens_mayExceedTheBalance() public {
        vm.expectEmit(true, false, false, true, address(token));
        emit IERC7943Fungible.Frozen(alice, 500);
        freeze(alice, 500);
        assertEq(token.getFrozenTokens(alice), 500, "frozen");
        assertEq(token.balanceOf(alice), 100, "balance");
        assertFalse(token.canTransfer(alice, bob, 1), "nothing is free");
    }

    function test_setFrozenTokens_refusals() public {
        as_(ENFORCER, abi.encodeWithSelector(ISecurityToken.NotCompliance.selector, ENFORCER));
        token.setFrozenTokens(alice, 1);
        uint256 large = uint256(type(uint112).max) + 1;
        as_(COMPLIANCE, abi.encodeWithSelector(ISecurityToken.FrozenTooLarge.selector, large));
        token.setFrozenTokens(alice, large);
    }

    /* ENFORCER */

    function forced(uint256 amount) private {
        vm.prank(ENFORCER);
        token.forcedTransfer(alice, bob, amount);
    }

    function test_forcedTransfer_unfreezesFirst() public {
        freeze(alice, 60);
        vm.expectEmit(true, false, false, true, address(token));
        emit IERC7943Fungible.Frozen(alice, 30);
        vm.expectEmit(true, true, false, true, address(token));
        emit IERC20.Transfer(alice, bob, 70);
        vm.expectEmit(true, true, false, true, address(token));
        emit IERC7943Fungible.ForcedTransfer(alice, bob, 70);
        forced(70);
        assertEq(token.balanceOf(alice), 30, "alice");
    }

    function testFuzz_forcedTransfer_unfreezesNoMoreThanItMust(uint256 frozen, uint256 amount) public {
        frozen = bound(frozen, 0, 1_000);
        amount = bound(amount, 0, 100);
        freeze(alice, frozen);
        permit_(alice, 0);
        uint256 free = frozen < 100 ? 100 - frozen : 0;
        forced(amount);
        assertEq(token.getFrozenTokens(alice), frozen - (amount > free ? amount - free : 0), "frozen");
        assertEq(token.balanceOf(alice), 100 - amount, "alice");
        assertEq(token.balanceOf(bob), amount, "bob");
    }

    function test_forcedTransfer_refusals() public {
        as_(ISSUER, abi.encodeWithSelector(ISecurityToken.NotEnforcer.selector, ISSUER));
        token.forcedTransfer(alice, bob, 1);
        as_(ENFORCER, abi.encodeWithSelector(IERC7943Fungible.ERC7943CannotTransfer.selector, alice, alice, 1));
        token.forcedTransfer(alice, alice, 1);
        as_(ENFORCER, abi.encodeWithSelector(IERC7943Fungible.ERC7943CannotTransfer.selector, VENUE, bob, 0));
        token.forcedTransfer(VENUE, bob, 0);
        as_(ENFORCER, abi.encodeWithSelector(IERC7943Fungible.ERC7943CannotTransfer.selector, alice, VENUE, 1));
        token.forcedTransfer(alice, VENUE, 1);
        as_(ENFORCER, abi.encodeWithSelector(IERC20Errors.ERC20InsufficientBalance.selector, alice, 100, 101));
        token.forcedTransfer(alice, bob, 101);
        permit_(bob, 1);
        as_(ENFORCER, abi.encodeWithSelector(IERC7943Fungible.ERC7943CannotReceive.selector, bob));
        token.forcedTransfer(alice, bob, 1);
    }

    /* DEPLOYMENT */

    function test_interfaces() public view {
        assertEq(bytes32(type(IERC7943Fungible).interfaceId), bytes32(bytes4(0x3edbb4c4)), "ERC-7943 id");
        assertTrue(token.supportsInterface(0x3edbb4c4), "ERC-7943");
        assertTrue(token.supportsInterface(type(IERC165).interfaceId), "ERC-165");
        assertFalse(token.supportsInterface(0xffffffff), "0xffffffff");
    }

    function test_constructor_refusesBadIsins() public {
        string[3] memory isins = ["US037833100", "US03783310055", "us0378331005"];
        for (uint256 i = 0; i < isins.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(ISecurityToken.BadIsin.selector, isins[i]));
            new SecurityToken("Apple", "AAPL", isins[i], 6, VENUE, ISSUER);
        }
        vm.expectRevert(abi.encodeWithSelector(IPackedToken.ZeroAddress.selector));
        new SecurityToken("Apple", "AAPL", "US0378331005", 6, VENUE, address(0));
    }

    function test_metadata() public view {
        assertEq(keccak256(bytes(token.isin())), keccak256("US0378331005"), "isin");
        assertEq(token.decimals(), 6, "decimals");
        assertEq(token.settlement(), VENUE, "settlement");
    }
}
