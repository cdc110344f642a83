// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "../interfaces/IERC20.sol";

/// @title Calls to tokens that nobody vouched for
library TokenCall {
    /// @notice `transferFrom`, accepted only if the token answers true.
    /// @dev An address without code, and a token that answers nothing, answer no true. `reason` is empty on
    /// success, else at most 512 bytes of what the token said.
    function transferFrom(address token, address from, address to, uint256 amount)
        internal
        returns (bool ok, bytes memory reason)
    {
        bytes4 selector = IERC20.transferFrom.selector;
        assembly ("memory-safe") {
            let call_ := mload(0x40)
            mstore(call_, selector)
            mstore(add(call_, 0x04), from)
            mstore(add(call_, 0x24), to)
            mstore(add(call_, 0x44), amount)
            ok := call(gas(), token, 0, call_, 0x64, 0, 0x20)
            ok := and(and(ok, gt(returndatasize(), 0x1f)), eq(mload(0), 1))
            // An empty `bytes`: the zero slot of memory.
            reason := 0x60
            if iszero(ok) {
                let size := returndatasize()
                if gt(size, 0x200) { size := 0x200 }
                reason := call_
                mstore(reason, size)
                returndatacopy(add(reason, 0x20), 0, size)
                mstore(0x40, add(add(reason, 0x20), and(add(size, 0x1f), not(0x1f))))
            }
        }
    }

    /// @notice First word of a view's answer.
    /// @return answered false if the call failed or answered less than a word
    function read(address token, bytes memory call_) internal view returns (bool answered, uint256 word) {
        assembly ("memory-safe") {
            answered := staticcall(gas(), token, add(call_, 0x20), mload(call_), 0, 0x20)
            answered := and(answered, gt(returndatasize(), 0x1f))
            word := mul(mload(0), answered)
        }
    }
}
