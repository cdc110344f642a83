// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC1271} from "../../src/interfaces/IERC1271.sol";
import {PlainToken} from "./PlainToken.sol";

/// @notice An ERC-1271 wallet that one key speaks for.
contract KeyWallet is IERC1271 {
    address private immutable _key;

    constructor(address key) {
        _key = key;
    }

    function approve(PlainToken token, address spender) external {
        token.approve(spender, type(uint256).max);
    }

    function isValidSignature(bytes32 hash, bytes calldata signature) external view returns (bytes4) {
        (bytes32 r, bytes32 s, uint8 v) = abi.decode(signature, (bytes32, bytes32, uint8));
        return ecrecover(hash, v, r, s) == _key ? IERC1271.isValidSignature.selector : bytes4(0xffffffff);
    }
}

/// @notice Answers every question with the magic value, but right-aligned: not what ERC-1271 says.
contract CrookedWallet {
    function isValidSignature(bytes32, bytes calldata) external pure returns (uint256) {
        return 0x1626ba7e;
    }
}

/// @notice Answers with the four bytes of the magic value and no more: less than an ABI word.
contract ShortWallet {
    function isValidSignature(bytes32, bytes calldata) external pure {
        assembly {
            mstore(0, shl(224, 0x1626ba7e))
            return(0, 4)
        }
    }
}

/// @notice Answers with the magic value and a mebibyte behind it.
contract VerboseWallet {
    function isValidSignature(bytes32, bytes calldata) external pure {
        assembly {
            mstore(0, shl(224, 0x1626ba7e))
            return(0, 0x100000)
        }
    }
}

/// @notice Refuses everything: what an account with EIP-7702 code may do when asked for ERC-1271.
contract RefusingDelegate {
    function isValidSignature(bytes32, bytes calldata) external pure returns (bytes4) {
        return 0xffffffff;
    }
}
