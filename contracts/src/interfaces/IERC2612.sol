// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title ERC-2612: approval by signature
interface IERC2612 {
    /// @notice Approve `spender` for `amount` with the signature of `owner`, until `deadline` (Unix seconds).
    function permit(address owner, address spender, uint256 amount, uint256 deadline, uint8 v, bytes32 r, bytes32 s)
        external;

    /// @notice The nonce that the next permit of `owner` must name.
    function nonces(address owner) external view returns (uint256);

    /// @notice EIP-712 domain separator of this token.
    function DOMAIN_SEPARATOR() external view returns (bytes32);
}
