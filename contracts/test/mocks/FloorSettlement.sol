// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {PlainToken} from "./PlainToken.sol";

/// @notice The least that a settlement of two signatures can do: two `ecrecover`, one bit, two transfers, one
/// event. No roles, no deadline, no contract wallets. It is the floor beside which gas is stated, nothing else.
contract FloorSettlement {
    event Settled(uint256 indexed id);

    error Refused();

    struct Terms {
        uint256 id;
        address seller;
        address buyer;
        PlainToken asset;
        PlainToken cash;
        uint256 assetAmount;
        uint256 cashAmount;
        uint256 deadline;
    }

    struct Signature {
        bytes32 r;
        bytes32 vs;
    }

    mapping(uint256 word => uint256 bits) private _used;

    function settle(Terms calldata terms, Signature calldata seller, Signature calldata buyer) external {
        uint256 bits = _used[terms.id >> 8];
        uint256 bit = 1 << (terms.id & 0xff);
        if (bits & bit != 0) revert Refused();
        _used[terms.id >> 8] = bits | bit;
        bytes32 digest = keccak256(abi.encode(terms));
        if (_recover(digest, seller) != terms.seller || _recover(digest, buyer) != terms.buyer) revert Refused();
        terms.asset.transferFrom(terms.seller, terms.buyer, terms.assetAmount);
        terms.cash.transferFrom(terms.buyer, terms.seller, terms.cashAmount);
        emit Settled(terms.id);
    }

    function _recover(bytes32 digest, Signature calldata signature) private pure returns (address) {
        uint256 vs = uint256(signature.vs);
        return ecrecover(digest, uint8(27 + (vs >> 255)), signature.r, bytes32(vs << 1 >> 1));
    }
}
