// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC165} from "./IERC165.sol";

/// @title ERC-7943 (uRWA), the interface for fungible tokens; ERC-165 id 0x3edbb4c4
interface IERC7943Fungible is IERC165 {
    /// @notice The enforcer moved `amount` from `from` to `to`.
    event ForcedTransfer(address indexed from, address indexed to, uint256 amount);

    /// @notice From now on `amount` of what `account` holds or will hold cannot move.
    event Frozen(address indexed account, uint256 amount);

    /// @notice `account` lacks the permission to send.
    error ERC7943CannotSend(address account);

    /// @notice `account` lacks the permission to receive.
    error ERC7943CannotReceive(address account);

    /// @notice This movement is never allowed, whatever the permissions of the accounts.
    error ERC7943CannotTransfer(address from, address to, uint256 amount);

    /// @notice `account` holds `amount`, but only `unfrozen` of it may move.
    error ERC7943InsufficientUnfrozenBalance(address account, uint256 amount, uint256 unfrozen);

    /// @notice Move `amount` without the holder's consent (court order, recovery). Enforcer only.
    /// @dev Frozen units that must move are unfrozen first, with a `Frozen` event before the `Transfer`.
    function forcedTransfer(address from, address to, uint256 amount) external returns (bool result);

    /// @notice Set the frozen amount of `account`; it may exceed the balance, and then withholds what comes in.
    function setFrozenTokens(address account, uint256 amount) external returns (bool result);

    /// @notice Whether `account` has the permission to send. Never reverts.
    function canSend(address account) external view returns (bool allowed);

    /// @notice Whether `account` has the permission to receive. Never reverts.
    function canReceive(address account) external view returns (bool allowed);

    /// @notice The frozen amount of `account`, possibly more than its balance.
    function getFrozenTokens(address account) external view returns (uint256 amount);

    /// @notice Whether the rules of the token let `amount` move. Never reverts.
    /// @dev Permissions and frozen units count; balance and allowance do not.
    function canTransfer(address from, address to, uint256 amount) external view returns (bool allowed);
}
