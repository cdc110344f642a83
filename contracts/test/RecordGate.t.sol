// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AnchorRegistry} from "../src/AnchorRegistry.sol";
import {RecordGate} from "../src/examples/RecordGate.sol";
import {Test} from "./utils/Test.sol";
import {TreeOracle} from "./utils/TreeOracle.sol";

contract RecordGateTest is Test {
    AnchorRegistry internal registry;

    function setUp() public {
        registry = new AnchorRegistry("tallystick.example/log", address(this));
    }

    function anchor(uint64 size) private {
        (uint64 old,,) = registry.head();
        bytes32[] memory proof = old == 0 ? new bytes32[](0) : TreeOracle.consistency(old, size);
        registry.append(size, TreeOracle.root(size), proof);
    }

    function gateOf(uint64 index) private returns (RecordGate) {
        return new RecordGate(registry, TreeOracle.leaf(index));
    }

    function notInLog(uint64 index) private pure returns (bytes memory) {
        return abi.encodeWithSelector(RecordGate.NotInLog.selector, index);
    }

    /* THE VIEW */

    function testFuzz_verifyAnchoredEntry_isInclusionInThePresentHead(uint64 n, uint64 index, uint64 other) public {
        n = uint64(bound(n, 1, 40));
        index = uint64(bound(index, 0, n - 1));
        other = uint64(bound(other, 0, n - 1));
        anchor(n);
        bytes32[] memory proof = TreeOracle.inclusion(index, n);
        assertTrue(registry.verifyAnchoredEntry(TreeOracle.leaf(index), index, proof), "in the log");
        if (other != index) {
            assertFalse(registry.verifyAnchoredEntry(TreeOracle.leaf(other), index, proof), "another entry");
            assertFalse(registry.verifyAnchoredEntry(TreeOracle.leaf(index), other, proof), "another place");
        }
        assertFalse(registry.verifyAnchoredEntry(~TreeOracle.leaf(index), index, proof), "no entry");
        for (uint256 i = 0; i < proof.length; ++i) {
            proof[i] ^= bytes32(uint256(1));
            assertFalse(registry.verifyAnchoredEntry(TreeOracle.leaf(index), index, proof), "a changed hash");
            proof[i] ^= bytes32(uint256(1));
        }
    }

    function test_verifyAnchoredEntry_isFalseBeforeTheFirstAnchor() public view {
        assertFalse(registry.verifyAnchoredEntry(0, 0, new bytes32[](0)), "the empty registry's root is no leaf");
        assertFalse(registry.verifyAnchoredEntry(TreeOracle.leaf(0), 0, new bytes32[](0)), "nothing is anchored");
    }

    function test_verifyAnchoredEntry_refusesALongPathAndAnIndexBeyond() public {
        anchor(3);
        assertFalse(registry.verifyAnchoredEntry(TreeOracle.leaf(0), 0, new bytes32[](65)), "65 hashes");
        assertFalse(registry.verifyAnchoredEntry(TreeOracle.leaf(3), 3, TreeOracle.inclusion(2, 3)), "beyond the head");
    }

    function test_verifyAnchoredEntry_goesStaleWithTheNextAnchor() public {
        anchor(5);
        bytes32[] memory proof = TreeOracle.inclusion(4, 5);
        assertTrue(registry.verifyAnchoredEntry(TreeOracle.leaf(4), 4, proof), "now");
        anchor(9);
        assertFalse(registry.verifyAnchoredEntry(TreeOracle.leaf(4), 4, proof), "after the next anchor");
    }

    /* THE CONSUMER */

    function testFuzz_gate_opensWithAProofOfThePresentHead(uint64 n, uint64 index) public {
        n = uint64(bound(n, 1, 40));
        index = uint64(bound(index, 0, n - 1));
        anchor(n);
        RecordGate gate = gateOf(index);
        vm.expectRevert(abi.encodeWithSelector(RecordGate.Closed.selector));
        gate.secret();
        gate.open(index, TreeOracle.inclusion(index, n));
        assertEq(gate.secret(), TreeOracle.leaf(index), "open");
    }

    function testFuzz_gate_opensWithAnOlderProofAndItsExtension(uint64 m, uint64 n, uint64 index) public {
        m = uint64(bound(m, 1, 30));
        n = uint64(bound(n, m, 31));
        index = uint64(bound(index, 0, m - 1));
        bytes32 root = TreeOracle.root(m);
        anchor(m);
        if (n > m) anchor(n);
        RecordGate gate = gateOf(index);
        bytes32[] memory consistency = n > m ? TreeOracle.consistency(m, n) : new bytes32[](0);
        gate.openFromEarlier(index, m, root, TreeOracle.inclusion(index, m), consistency);
        assertTrue(gate.isOpen(), "open");
    }

    function test_gate_staysClosedWithoutTheEntry() public {
        anchor(5);
        RecordGate gate = gateOf(7);
        bytes32[] memory proof = TreeOracle.inclusion(4, 5);
        vm.expectRevert(notInLog(4));
        gate.open(4, proof);
        assertFalse(gate.isOpen(), "closed");
    }

    /// @dev A head that was never anchored holds the entry, and its own inclusion proof is right.
    function test_gate_staysClosedForAHeadThatThePresentOneDoesNotExtend() public {
        anchor(5);
        RecordGate gate = gateOf(7);
        bytes32 root = TreeOracle.root(9);
        bytes32[] memory inclusion = TreeOracle.inclusion(7, 9);
        vm.expectRevert(notInLog(7));
        gate.openFromEarlier(7, 9, root, inclusion, new bytes32[](0));
        bytes32 leaf = TreeOracle.leaf(7);
        bytes32[] memory consistency = TreeOracle.consistency(1, 5);
        vm.expectRevert(notInLog(0));
        gate.openFromEarlier(0, 1, leaf, new bytes32[](0), consistency);
        assertFalse(gate.isOpen(), "closed");
    }
}
