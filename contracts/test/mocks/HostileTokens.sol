// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ISettlement, Trade} from "../../src/interfaces/ISettlement.sol";
import {PlainToken} from "./PlainToken.sol";

/// @notice Says no, without a revert.
contract FalseToken is PlainToken {
    function transferFrom(address, address, uint256) external pure override returns (bool) {
        return false;
    }
}

/// @notice Moves the units and says nothing, as the oldest tokens do.
contract SilentToken is PlainToken {
    function transferFrom(address from, address to, uint256 amount) external override returns (bool) {
        _move(from, to, amount);
        assembly {
            return(0, 0)
        }
    }
}

/// @notice Reverts with more than anybody wants to read.
contract RevertingToken is PlainToken {
    function transferFrom(address, address, uint256) external pure override returns (bool) {
        assembly {
            mstore(0x40, 0)
            mstore(0, 0xdeadbeef)
            revert(0, 4096)
        }
    }
}

/// @notice Answers with a word that is neither true nor false.
contract OddToken is PlainToken {
    function transferFrom(address, address, uint256) external pure override returns (bool) {
        assembly {
            mstore(0, 2)
            return(0, 32)
        }
    }
}

/// @notice Keeps a tenth of each transfer.
contract FeeToken is PlainToken {
    function transferFrom(address from, address to, uint256 amount) external override returns (bool) {
        _move(from, address(this), amount / 10);
        _move(from, to, amount - amount / 10);
        return true;
    }
}

/// @notice Calls back into the settlement with a prepared call before it moves anything.
contract ReentrantToken is PlainToken {
    bytes public prepared;
    bytes public answer;
    bool public bubble;

    function prepare(bytes calldata call_, bool bubbleUp) external {
        prepared = call_;
        bubble = bubbleUp;
    }

    function transferFrom(address from, address to, uint256 amount) external override returns (bool) {
        (bool ok, bytes memory data) = msg.sender.call(prepared);
        answer = data;
        if (!ok && bubble) {
            assembly {
                revert(add(data, 0x20), mload(data))
            }
        }
        _move(from, to, amount);
        return true;
    }
}
