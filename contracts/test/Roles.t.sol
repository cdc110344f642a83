// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Settlement} from "../src/Settlement.sol";
import {ISettlement} from "../src/interfaces/ISettlement.sol";
import {SettlementFixture} from "./utils/SettlementFixture.sol";

contract RolesTest is SettlementFixture {
    function refused(address sender, bytes4 selector) private {
        vm.prank(sender);
        vm.expectRevert(abi.encodeWithSelector(selector, sender));
    }

    function test_setSettler_byTheOwner() public {
        vm.expectEmit(true, false, false, true, address(settlement));
        emit ISettlement.SettlerSet(stranger, true);
        vm.prank(OWNER);
        settlement.setSettler(stranger, true);
        assertTrue(settlement.isSettler(stranger), "is settler");
    }

    function test_setSettler_guardianOnlyClears() public {
        vm.prank(GUARDIAN);
        settlement.setSettler(SETTLER, false);
        assertFalse(settlement.isSettler(SETTLER), "is cleared");
        refused(GUARDIAN, ISettlement.NotOwnerOrGuardian.selector);
        settlement.setSettler(SETTLER, true);
    }

    function testFuzz_setSettler_refusesOthers(address sender, bool allowed) public {
        vm.assume(sender != OWNER && sender != GUARDIAN);
        refused(sender, ISettlement.NotOwnerOrGuardian.selector);
        settlement.setSettler(SETTLER, allowed);
    }

    function test_setSettler_refusesZero() public {
        vm.prank(OWNER);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.ZeroAddress.selector));
        settlement.setSettler(address(0), true);
    }

    function test_setSettler_withoutGuardianZeroIsNobody() public {
        Settlement unguarded = new Settlement(OWNER, address(0));
        refused(stranger, ISettlement.NotOwnerOrGuardian.selector);
        unguarded.setSettler(SETTLER, false);
    }

    function test_setGuardian_onlyByTheOwner() public {
        vm.prank(OWNER);
        settlement.setGuardian(stranger);
        assertEq(settlement.guardian(), stranger, "guardian");
        refused(GUARDIAN, ISettlement.NotOwner.selector);
        settlement.setGuardian(GUARDIAN);
    }

    function test_ownership_passesInTwoSteps() public {
        vm.prank(OWNER);
        settlement.transferOwnership(stranger);
        assertEq(settlement.owner(), OWNER, "owner until accepted");
        refused(buyer, ISettlement.NotPendingOwner.selector);
        settlement.acceptOwnership();
        vm.prank(stranger);
        settlement.acceptOwnership();
        assertEq(settlement.owner(), stranger, "owner");
        assertEq(settlement.pendingOwner(), address(0), "nothing pending");
        refused(OWNER, ISettlement.NotOwner.selector);
        settlement.transferOwnership(OWNER);
    }

    function test_ownership_isOfferedByTheOwnerOnly() public {
        refused(GUARDIAN, ISettlement.NotOwner.selector);
        settlement.transferOwnership(GUARDIAN);
    }

    function test_constructor_refusesNoOwner() public {
        vm.expectRevert(abi.encodeWithSelector(ISettlement.ZeroAddress.selector));
        new Settlement(address(0), GUARDIAN);
    }
}
