// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title ERC-1271: a contract that signs
interface IERC1271 {
    /// @return magic 0x1626ba7e if `signature` stands for `hash`; anything else refuses.
    function isValidSignature(bytes32 hash, bytes calldata signature) external view returns (bytes4 magic);
}
