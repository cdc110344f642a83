// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Vm} from "./Vm.sol";

/// @notice Assertions that say what they saw, and bounded fuzz inputs.
abstract contract Test {
    error NotEqual(uint256 seen, uint256 expected, string what);
    error NotEqualHash(bytes32 seen, bytes32 expected, string what);
    error NotTrue(string what);

    /// @dev Address of forge's cheat codes: the last 20 bytes of keccak256("hevm cheat code").
    Vm internal constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    uint256 internal constant ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;

    function assertEq(uint256 seen, uint256 expected, string memory what) internal pure {
        if (seen != expected) revert NotEqual(seen, expected, what);
    }

    function assertEq(bytes32 seen, bytes32 expected, string memory what) internal pure {
        if (seen != expected) revert NotEqualHash(seen, expected, what);
    }

    function assertEq(address seen, address expected, string memory what) internal pure {
        assertEq(uint160(seen), uint160(expected), what);
    }

    function assertTrue(bool condition, string memory what) internal pure {
        if (!condition) revert NotTrue(what);
    }

    function assertFalse(bool condition, string memory what) internal pure {
        if (condition) revert NotTrue(what);
    }

    /// @dev `x` folded into [low, high].
    function bound(uint256 x, uint256 low, uint256 high) internal pure returns (uint256) {
        if (x >= low && x <= high) return x;
        uint256 span = high - low;
        return span == type(uint256).max ? x : low + x % (span + 1);
    }

    /// @dev EIP-2098: r ‖ (parity of v in the highest bit of s).
    function compact(uint256 key, bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return abi.encodePacked(r, uint256(s) | uint256(v - 27) << 255);
    }

    /// @dev r ‖ s ‖ v.
    function long(uint256 key, bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return abi.encodePacked(r, s, v);
    }
}
