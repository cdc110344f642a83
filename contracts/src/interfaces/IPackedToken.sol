// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "./IERC20.sol";
import {IERC20Errors} from "./IERC20Errors.sol";
import {IERC2612} from "./IERC2612.sol";
import {IERC5267} from "./IERC5267.sol";

/// @title What the security and the cash token share
/// @notice An ERC-20 with permits whose settlement contract, fixed at deployment, needs no allowance: holders
/// consent by signing trades. An issuer, and only it, mints and burns; it passes its role in two steps.
interface IPackedToken is IERC20, IERC20Errors, IERC2612, IERC5267 {
    /// @notice `pendingIssuer` may take over by `acceptIssuer`.
    event IssuerTransferStarted(address indexed issuer, address indexed pendingIssuer);

    /// @notice The issuer role passed.
    event IssuerTransferred(address indexed previousIssuer, address indexed issuer);

    /// @notice Only the issuer may do this.
    error NotIssuer(address caller);

    /// @notice Only the account that the issuer named may accept.
    error NotPendingIssuer(address caller);

    /// @notice The zero address cannot have this role.
    error ZeroAddress();

    /// @notice Supply stays below 2^112.
    error SupplyTooLarge(uint256 supply);

    function issuer() external view returns (address);
    function pendingIssuer() external view returns (address);

    /// @notice Contract that moves units without allowance; zero if there is none.
    function settlement() external view returns (address);

    /// @notice Create `amount` for `to`. Issuer only.
    function mint(address to, uint256 amount) external;

    /// @notice Destroy `amount` of `from`. Issuer only.
    function burn(address from, uint256 amount) external;

    /// @notice Offer the issuer role; it passes when accepted. Issuer only; the zero address withdraws.
    function transferIssuer(address account) external;

    /// @notice Take the issuer role that was offered.
    function acceptIssuer() external;
}
