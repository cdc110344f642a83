// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC7943Fungible} from "./IERC7943Fungible.sol";
import {IPackedToken} from "./IPackedToken.sol";

/// @title A security that only permitted accounts hold
/// @notice An account sends with `SEND` (1) and receives with `RECEIVE` (2); without them it does neither.
/// Roles: the issuer mints and burns, compliance sets permissions and freezes, the enforcer moves units without
/// consent. All three begin with the issuer.
interface ISecurityToken is IPackedToken, IERC7943Fungible {
    /// @notice The permissions of `account` are now `flags`.
    event PermissionsSet(address indexed account, uint16 flags);

    /// @notice `compliance` sets permissions and freezes from now on.
    event ComplianceSet(address indexed compliance);

    /// @notice `enforcer` forces transfers from now on.
    event EnforcerSet(address indexed enforcer);

    /// @notice Only compliance may do this.
    error NotCompliance(address caller);

    /// @notice Only the enforcer may do this.
    error NotEnforcer(address caller);

    /// @notice `flags` has bits that mean nothing.
    error UnknownFlags(uint16 flags);

    /// @notice Frozen amounts stay below 2^112, as the supply does.
    error FrozenTooLarge(uint256 amount);

    /// @notice An ISIN has twelve characters of A-Z and 0-9.
    error BadIsin(string isin);

    /// @notice ISO 6166 number of the security.
    function isin() external view returns (string memory);

    function compliance() external view returns (address);
    function enforcer() external view returns (address);

    /// @notice Permission bits of `account`: 1 may send, 2 may receive.
    function permissionsOf(address account) external view returns (uint16 flags);

    /// @notice Set the permission bits of all `accounts`. Compliance only.
    function setPermissions(address[] calldata accounts, uint16 flags) external;

    /// @notice Issuer only.
    function setCompliance(address account) external;

    /// @notice Issuer only.
    function setEnforcer(address account) external;
}
