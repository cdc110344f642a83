// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IPackedToken} from "./IPackedToken.sol";

/// @title Money on the ledger, for tests and pilots
/// @notice Everybody may hold it but accounts that the issuer blocked; those neither send nor receive.
interface ICashToken is IPackedToken {
    /// @notice `account` is blocked, or is no longer.
    event BlockedSet(address indexed account, bool blocked);

    /// @notice `account` neither sends nor receives.
    error AccountBlocked(address account);

    /// @notice Block or unblock all `accounts`. Issuer only.
    function setBlocked(address[] calldata accounts, bool blocked) external;

    function isBlocked(address account) external view returns (bool);

    /// @notice Whether the rules let `amount` move; balance and allowance do not count. Never reverts.
    function canTransfer(address from, address to, uint256 amount) external view returns (bool allowed);
}
