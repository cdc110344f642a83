// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Trade} from "../interfaces/ISettlement.sol";

/// @title EIP-712 struct hashes of the settlement contract
library TradeHash {
    bytes32 internal constant DOMAIN_TYPEHASH =
        keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");

    bytes32 internal constant TRADE_TYPEHASH = keccak256(
        "Trade(uint256 id,address seller,address buyer,address asset,address cash,uint256 assetAmount,uint256 cashAmount,uint256 minAssetAmount,uint64 validFrom,uint64 deadline)"
    );

    bytes32 internal constant CANCEL_TYPEHASH = keccak256("Cancel(uint256 id,bytes32 tradeHash)");

    /// @notice keccak256(TRADE_TYPEHASH ‖ the ten words of `trade`).
    /// @dev Same as `keccak256(abi.encode(TRADE_TYPEHASH, trade))` (a test compares them), copied in one piece:
    /// every member is one word, in calldata as in the encoding. Words with dirty upper bits, which no wallet
    /// would sign, give a hash that nobody signed.
    function structHash(Trade calldata trade) internal pure returns (bytes32 result) {
        bytes32 typeHash = TRADE_TYPEHASH;
        assembly ("memory-safe") {
            let memory_ := mload(0x40)
            mstore(memory_, typeHash)
            calldatacopy(add(memory_, 0x20), trade, 0x140)
            result := keccak256(memory_, 0x160)
        }
    }

    /// @notice keccak256("\x19\x01" ‖ domain separator ‖ struct hash): what is signed.
    function digest(bytes32 domainSeparator, bytes32 hash) internal pure returns (bytes32 result) {
        assembly ("memory-safe") {
            let memory_ := mload(0x40)
            mstore(memory_, hex"1901")
            mstore(add(memory_, 0x02), domainSeparator)
            mstore(add(memory_, 0x22), hash)
            result := keccak256(memory_, 0x42)
        }
    }
}
