// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Bits of `ISettlement.check`
/// @notice Beside each bit: the ISO 20022 pending or failing reason it maps to, where there is one.
library Reasons {
    uint256 internal constant ID_USED = 1 << 0;
    uint256 internal constant NOT_YET_VALID = 1 << 1; // FUTU
    uint256 internal constant EXPIRED = 1 << 2;
    uint256 internal constant BAD_SELLER_SIGNATURE = 1 << 3;
    uint256 internal constant BAD_BUYER_SIGNATURE = 1 << 4;
    uint256 internal constant SELLER_LACKS_UNITS = 1 << 5; // LACK
    uint256 internal constant BUYER_LACKS_CASH = 1 << 6; // MONY
    uint256 internal constant SELLER_ALLOWANCE = 1 << 7;
    uint256 internal constant BUYER_ALLOWANCE = 1 << 8;
    uint256 internal constant ASSET_REFUSES = 1 << 9; // SBLO: canTransfer of the asset is false
    uint256 internal constant CASH_REFUSES = 1 << 10; // BLOC: canTransfer of the cash is false
    uint256 internal constant ZERO_AMOUNT = 1 << 11;
    uint256 internal constant NOT_ALL_OR_NONE = 1 << 12;
    uint256 internal constant SAME_PARTY = 1 << 13;
    uint256 internal constant ASSET_NOT_A_TOKEN = 1 << 14;
    uint256 internal constant CASH_NOT_A_TOKEN = 1 << 15;
}
