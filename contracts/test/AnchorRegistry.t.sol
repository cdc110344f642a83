// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AnchorRegistry} from "../src/AnchorRegistry.sol";
import {IAnchorRegistry} from "../src/interfaces/IAnchorRegistry.sol";
import {Test} from "./utils/Test.sol";
import {TreeOracle} from "./utils/TreeOracle.sol";

contract AnchorRegistryTest is Test {
    address internal constant WRITER = address(0x3333);
    uint256 internal constant NOW = 1_800_000_000;

    AnchorRegistry internal registry;

    function setUp() public {
        vm.warp(NOW);
        registry = new AnchorRegistry("tallystick.example/log", WRITER);
    }

    function append(uint256 size, bytes32 root, bytes32[] memory proof) private {
        vm.prank(WRITER);
        registry.append(uint64(size), root, proof);
    }

    function appendRefused(uint256 size, bytes32 root, bytes32[] memory proof, bytes memory expected) private {
        (uint64 sizeBefore, bytes32 rootBefore, uint64 timeBefore) = registry.head();
        vm.prank(WRITER);
        vm.expectRevert(expected);
        registry.append(uint64(size), root, proof);
        (uint64 sizeAfter, bytes32 rootAfter, uint64 timeAfter) = registry.head();
        assertEq(sizeAfter, sizeBefore, "size");
        assertEq(rootAfter, rootBefore, "root");
        assertEq(timeAfter, timeBefore, "time");
    }

    function first(uint256 size) private {
        append(size, TreeOracle.root(size), new bytes32[](0));
    }

    function inconsistent(uint256 m, uint256 n) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IAnchorRegistry.Inconsistent.selector, m, n);
    }

    /* EXTENDS */

    function test_append_takesAFirstHead() public {
        vm.expectEmit(true, false, false, true, address(registry));
        emit IAnchorRegistry.Anchored(5, TreeOracle.root(5));
        first(5);
        (uint64 size, bytes32 root, uint64 time) = registry.head();
        assertEq(size, 5, "size");
        assertEq(root, TreeOracle.root(5), "root");
        assertEq(time, NOW, "time");
    }

    function test_append_keepsItsStorageLayout() public {
        first(5);
        assertEq(vm.load(address(registry), 0), bytes32(NOW << 64 | 5), "slot 0: time and size");
        assertEq(vm.load(address(registry), bytes32(uint256(1))), TreeOracle.root(5), "slot 1: root");
    }

    function testFuzz_append_takesEveryProvenExtension(uint256 m, uint256 n) public {
        m = bound(m, 1, 63);
        n = bound(n, m + 1, 64);
        first(m);
        append(n, TreeOracle.root(n), TreeOracle.consistency(m, n));
        (uint64 size,,) = registry.head();
        assertEq(size, n, "size");
    }

    /* REFUSES */

    function testFuzz_append_refusesOthers(address sender) public {
        vm.assume(sender != WRITER);
        // Before `expectRevert`: hashing is a call too (to the precompile).
        bytes32 root = TreeOracle.root(1);
        vm.prank(sender);
        vm.expectRevert(abi.encodeWithSelector(IAnchorRegistry.NotWriter.selector, sender));
        registry.append(1, root, new bytes32[](0));
    }

    function testFuzz_append_refusesAnyChangedBit(uint256 m, uint256 n, uint256 position, uint8 bit) public {
        m = bound(m, 1, 31);
        n = bound(n, m + 1, 32);
        first(m);
        bytes32[] memory proof = TreeOracle.consistency(m, n);
        bytes32 root = TreeOracle.root(n);
        bytes32 flip = bytes32(1 << uint256(bit));
        position = bound(position, 0, proof.length);
        if (position == proof.length) root ^= flip;
        else proof[position] ^= flip;
        appendRefused(n, root, proof, inconsistent(m, n));
    }

    function testFuzz_append_refusesARewrittenHistory(uint256 m, uint256 n) public {
        m = bound(m, 1, 31);
        n = bound(n, m + 1, 32);
        // The head stands for another history than the one the proof is of.
        append(m, ~TreeOracle.root(m), new bytes32[](0));
        appendRefused(n, TreeOracle.root(n), TreeOracle.consistency(m, n), inconsistent(m, n));
    }

    /// @dev A consistency proof binds the root, and the size only as far as it shapes the path: the proof of 1 in
    /// 3 leaves also passes for 4, with the root of 3. Which size a root has, only the writer says.
    function testFuzz_append_refusesAProofOfAnotherShape(uint256 m, uint256 n, uint256 other) public {
        m = bound(m, 1, 30);
        n = bound(n, m + 1, 31);
        other = bound(other, 64, 1 << 62);
        first(m);
        appendRefused(other, TreeOracle.root(n), TreeOracle.consistency(m, n), inconsistent(m, other));
    }

    function testFuzz_append_refusesLongerAndShorterProofs(uint256 m, uint256 n) public {
        m = bound(m, 1, 31);
        n = bound(n, m + 1, 32);
        first(m);
        bytes32[] memory proof = TreeOracle.consistency(m, n);
        bytes32[] memory longer = new bytes32[](proof.length + 1);
        bytes32[] memory shorter = new bytes32[](proof.length - 1);
        for (uint256 i = 0; i < proof.length; ++i) {
            longer[i] = proof[i];
            if (i < shorter.length) shorter[i] = proof[i];
        }
        appendRefused(n, TreeOracle.root(n), longer, inconsistent(m, n));
        appendRefused(n, TreeOracle.root(n), shorter, inconsistent(m, n));
    }

    function test_append_refusesSizeZero() public {
        appendRefused(0, 0, new bytes32[](0), abi.encodeWithSelector(IAnchorRegistry.ZeroSize.selector));
    }

    function test_append_refusesTheSameSize() public {
        first(5);
        bytes memory expected = abi.encodeWithSelector(IAnchorRegistry.AlreadyAnchored.selector, 5);
        appendRefused(5, TreeOracle.root(5), new bytes32[](0), expected);
        appendRefused(5, ~TreeOracle.root(5), new bytes32[](0), expected);
    }

    function test_append_refusesASmallerSize() public {
        first(5);
        appendRefused(
            4, TreeOracle.root(4), new bytes32[](0), abi.encodeWithSelector(IAnchorRegistry.SizeShrinks.selector, 5, 4)
        );
    }

    function test_append_refusesSizesOf2To63() public {
        appendRefused(
            1 << 63, 0, new bytes32[](0), abi.encodeWithSelector(IAnchorRegistry.SizeTooLarge.selector, 1 << 63)
        );
        append((1 << 63) - 1, bytes32(uint256(1)), new bytes32[](0));
    }

    function test_append_refusesAProofForAFirstHead() public {
        appendRefused(
            5, TreeOracle.root(5), new bytes32[](1), abi.encodeWithSelector(IAnchorRegistry.ProofTooLong.selector, 1)
        );
    }

    function test_append_refusesAProofOf65Hashes() public {
        first(5);
        appendRefused(
            6, TreeOracle.root(6), new bytes32[](65), abi.encodeWithSelector(IAnchorRegistry.ProofTooLong.selector, 65)
        );
    }

    function test_constructor_refusesNoWriter() public {
        vm.expectRevert(abi.encodeWithSelector(IAnchorRegistry.ZeroWriter.selector));
        new AnchorRegistry("tallystick.example/log", address(0));
    }

    function test_constructor_refusesBadOrigins() public {
        string[3] memory origins = ["", "two\nlines", "delete\x7f"];
        for (uint256 i = 0; i < origins.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IAnchorRegistry.BadOrigin.selector, origins[i]));
            new AnchorRegistry(origins[i], WRITER);
        }
    }

    function test_origin_isReadable() public view {
        assertEq(keccak256(bytes(registry.origin())), keccak256("tallystick.example/log"), "origin");
        assertEq(registry.originHash(), keccak256("tallystick.example/log"), "hash");
        assertEq(registry.writer(), WRITER, "writer");
    }

    /* VIEWS */

    function test_verify_everyProofUpTo24() public view {
        for (uint64 n = 1; n <= 24; ++n) {
            bytes32 root = TreeOracle.root(n);
            for (uint64 i = 0; i < n; ++i) {
                bytes32[] memory proof = TreeOracle.inclusion(i, n);
                assertTrue(registry.verifyInclusion(TreeOracle.leaf(i), i, n, root, proof), "inclusion");
                assertFalse(registry.verifyInclusion(TreeOracle.leaf(i + 1), i, n, root, proof), "another leaf");
                assertFalse(registry.verifyInclusion(TreeOracle.leaf(i), i ^ 1, n, root, proof) && n > 1, "elsewhere");
            }
            for (uint64 m = 1; m <= n; ++m) {
                bytes32[] memory proof = TreeOracle.consistency(m, n);
                assertTrue(registry.verifyConsistency(m, n, TreeOracle.root(m), root, proof), "consistency");
                assertFalse(registry.verifyConsistency(m, n, ~TreeOracle.root(m), root, proof), "another history");
            }
        }
    }

    function test_verifyConsistency_refusesOddSizes() public view {
        bytes32[] memory none = new bytes32[](0);
        assertFalse(registry.verifyConsistency(0, 0, 0, 0, none), "0, 0");
        assertFalse(registry.verifyConsistency(0, 1, 0, TreeOracle.root(1), none), "0, 1");
        assertFalse(registry.verifyConsistency(2, 1, 0, 0, none), "2, 1");
        assertFalse(registry.verifyConsistency(1, 1, 0, 0, new bytes32[](1)), "1, 1 with a proof");
        assertFalse(registry.verifyConsistency(1 << 63, 1 << 63, 0, 0, none), "2^63");
    }

    function test_verifyInclusion_refusesOddSizes() public view {
        bytes32 leaf = TreeOracle.leaf(0);
        assertTrue(registry.verifyInclusion(leaf, 0, 1, leaf, new bytes32[](0)), "a tree of one");
        assertFalse(registry.verifyInclusion(leaf, 0, 0, leaf, new bytes32[](0)), "an empty tree");
        assertFalse(registry.verifyInclusion(leaf, 1, 1, leaf, new bytes32[](0)), "beyond the end");
        assertFalse(registry.verifyInclusion(leaf, 0, 1 << 63, leaf, new bytes32[](0)), "2^63");
    }
}
