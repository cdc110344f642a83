// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC1271} from "../interfaces/IERC1271.sol";

/// @title Signatures of keys and of contracts
/// @notice The key first: an account with EIP-7702 code still signs as the key it is, and an ordinary account
/// costs no code lookup (5,130 gas for two). Only what no key signed goes to ERC-1271.
library SignatureCheck {
    /// @dev Half the order of secp256k1; `s` above it is the mirrored, malleable form (EIP-2).
    uint256 private constant HALF_ORDER = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0;

    /// @dev EIP-2098 carries the parity of `v` in the highest bit of `s`.
    uint256 private constant S_MASK = (1 << 255) - 1;

    /// @notice Whether `signature` is `signer`'s over `hash`.
    function isValid(address signer, bytes32 hash, bytes calldata signature) internal view returns (bool) {
        address recovered = recover(hash, signature);
        if (recovered == signer && recovered != address(0)) return true;
        return _contractAccepts(signer, hash, signature);
    }

    /// @notice The account whose key signed `hash`; zero for every malformed or malleable signature.
    /// @param signature 64 bytes `r ‖ yParityAndS` (EIP-2098) or 65 bytes `r ‖ s ‖ v` with v 27 or 28
    function recover(bytes32 hash, bytes calldata signature) internal pure returns (address) {
        bytes32 r;
        uint256 s;
        uint8 v;
        if (signature.length == 64) {
            uint256 packed;
            assembly ("memory-safe") {
                r := calldataload(signature.offset)
                packed := calldataload(add(signature.offset, 0x20))
            }
            s = packed & S_MASK;
            v = uint8(27 + (packed >> 255));
        } else if (signature.length == 65) {
            assembly ("memory-safe") {
                r := calldataload(signature.offset)
                s := calldataload(add(signature.offset, 0x20))
                v := byte(0, calldataload(add(signature.offset, 0x40)))
            }
        } else {
            return address(0);
        }
        if (s > HALF_ORDER) return address(0);
        return ecrecover(hash, v, r, bytes32(s));
    }

    /// @dev At most one word of the answer is copied, so a hostile wallet cannot charge us for memory. An
    /// account without code answers nothing, which is a refusal.
    function _contractAccepts(address signer, bytes32 hash, bytes calldata signature) private view returns (bool ok) {
        bytes memory call_ = abi.encodeCall(IERC1271.isValidSignature, (hash, signature));
        bytes32 magic = bytes32(IERC1271.isValidSignature.selector);
        assembly ("memory-safe") {
            ok := staticcall(gas(), signer, add(call_, 0x20), mload(call_), 0, 0x20)
            ok := and(and(ok, gt(returndatasize(), 0x1f)), eq(mload(0), magic))
        }
    }
}
