// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AnchorRegistry} from "../src/AnchorRegistry.sol";
import {IAnchorRegistry} from "../src/interfaces/IAnchorRegistry.sol";
import {Test} from "./utils/Test.sol";
import {TreeOracle} from "./utils/TreeOracle.sol";

/// @notice The writer of a registry, who lies as often as it tells the truth, and everybody else.
contract Writer is Test {
    uint256 internal constant LARGEST = 48;

    AnchorRegistry public immutable registry;
    uint64[] public heads;
    bool public liePassed;
    bool public truthRefused;
    bool public strangerWrote;

    constructor() {
        vm.warp(1_800_000_000);
        registry = new AnchorRegistry("tallystick.example/log", address(this));
    }

    function count() external view returns (uint256) {
        return heads.length;
    }

    /// @notice The head with the right proof.
    function grow(uint256 seed) external {
        uint64 size = _size();
        uint64 next = uint64(bound(seed, 1, LARGEST));
        if (next <= size) return;
        try registry.append(next, TreeOracle.root(next), _proof(size, next)) {
            heads.push(next);
        } catch {
            truthRefused = true;
        }
    }

    /// @notice The right proof with one bit changed, or the right proof for a root with one bit changed.
    function lie(uint256 seed, uint256 place, uint8 bit) external {
        uint64 size = _size();
        uint64 next = uint64(bound(seed, 1, LARGEST));
        if (size == 0 || next <= size) return;
        bytes32 root = TreeOracle.root(next);
        bytes32[] memory proof = _proof(size, next);
        place = bound(place, 0, proof.length);
        bytes32 flip = bytes32(1 << uint256(bit));
        if (place == proof.length) root ^= flip;
        else proof[place] ^= flip;
        _mustFail(next, root, proof);
    }

    /// @notice The proof from another head than the registry's.
    function skip(uint256 seed, uint256 from) external {
        uint64 size = _size();
        uint64 next = uint64(bound(seed, 2, LARGEST));
        uint64 other = uint64(bound(from, 1, next - 1));
        if (size == 0 || next <= size) return;
        bytes32[] memory proof = TreeOracle.consistency(other, next);
        if (keccak256(abi.encode(proof)) == keccak256(abi.encode(_proof(size, next)))) return;
        _mustFail(next, TreeOracle.root(next), proof);
    }

    /// @notice A size that is not larger, with whatever root.
    function rewind(uint256 seed, bytes32 root) external {
        uint64 size = _size();
        if (size == 0) return;
        _mustFail(uint64(bound(seed, 0, size)), root, new bytes32[](0));
    }

    /// @notice A right head by someone who is not the writer.
    function intrude(address who, uint256 seed) external {
        uint64 size = _size();
        uint64 next = uint64(bound(seed, 1, LARGEST));
        if (who == address(this) || next <= size) return;
        bytes32 root = TreeOracle.root(next);
        bytes32[] memory proof = _proof(size, next);
        vm.prank(who);
        try registry.append(next, root, proof) {
            strangerWrote = true;
        } catch {}
    }

    /// @notice Any call at all, with or without money; the invariants see whether it changed anything.
    function poke(address who, bytes4 selector, bytes calldata data, uint96 value) external {
        if (who == address(this) && selector == IAnchorRegistry.append.selector) return;
        bytes32[4] memory before = _slots();
        vm.deal(who, value);
        vm.prank(who);
        (bool ok,) = address(registry).call{value: value}(abi.encodePacked(selector, data));
        bytes32[4] memory afterwards = _slots();
        for (uint256 i = 0; i < 4; ++i) {
            if (before[i] != afterwards[i]) strangerWrote = true;
        }
        if (ok && value > 0) strangerWrote = true;
    }

    function _mustFail(uint64 size, bytes32 root, bytes32[] memory proof) private {
        try registry.append(size, root, proof) {
            liePassed = true;
        } catch {}
    }

    function _proof(uint64 from, uint64 to) private pure returns (bytes32[] memory) {
        return from == 0 ? new bytes32[](0) : TreeOracle.consistency(from, to);
    }

    function _size() private view returns (uint64 size) {
        (size,,) = registry.head();
    }

    function _slots() private view returns (bytes32[4] memory found) {
        for (uint256 i = 0; i < 4; ++i) {
            found[i] = vm.load(address(registry), bytes32(i));
        }
    }
}

contract RegistryInvariantsTest is Test {
    Writer internal writer;

    function setUp() public {
        writer = new Writer();
    }

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(writer);
    }

    function invariant_theTruthPassesAndNoLieDoes() public view {
        assertFalse(writer.liePassed(), "a lie passed");
        assertFalse(writer.truthRefused(), "a right head was refused");
    }

    function invariant_onlyTheWriterWritesAndOnlyByAppending() public view {
        assertFalse(writer.strangerWrote(), "someone else changed the registry");
        assertEq(address(writer.registry()).balance, 0, "the registry holds money");
        assertEq(keccak256(bytes(writer.registry().origin())), writer.registry().originHash(), "origin");
        assertEq(writer.registry().writer(), address(writer), "writer");
    }

    function invariant_theHeadIsTheLargestAcceptedOne() public view {
        (uint64 size, bytes32 root, uint64 time) = writer.registry().head();
        uint256 count = writer.count();
        if (count == 0) {
            assertEq(size, 0, "nothing was anchored");
            return;
        }
        assertEq(size, writer.heads(count - 1), "size");
        assertEq(root, TreeOracle.root(size), "root");
        assertEq(time, 1_800_000_000, "time");
    }

    /// @dev Each accepted head extends each earlier one, by the recursion of the RFC.
    function invariant_acceptedHeadsAreOneHistory() public view {
        AnchorRegistry registry = writer.registry();
        uint256 count = writer.count();
        for (uint256 i = 1; i < count; ++i) {
            uint64 n = writer.heads(i);
            for (uint256 j = 0; j < i; ++j) {
                uint64 m = writer.heads(j);
                assertTrue(m < n, "heads grow");
                bool held = registry.verifyConsistency(
                    m, n, TreeOracle.root(m), TreeOracle.root(n), TreeOracle.consistency(m, n)
                );
                assertTrue(held, "a head does not extend an earlier one");
            }
        }
    }
}
