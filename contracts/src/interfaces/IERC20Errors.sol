// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title ERC-6093 and ERC-2612 errors of a token
interface IERC20Errors {
    /// @notice `sender` holds `balance`, but `needed` was to move.
    error ERC20InsufficientBalance(address sender, uint256 balance, uint256 needed);

    /// @notice `spender` may move `allowance`, but `needed` was to move.
    error ERC20InsufficientAllowance(address spender, uint256 allowance, uint256 needed);

    /// @notice `receiver` can never hold this token (the zero address, the token, the settlement contract).
    error ERC20InvalidReceiver(address receiver);

    /// @notice The permit was valid until `deadline`.
    error ERC2612ExpiredSignature(uint256 deadline);

    /// @notice The permit was signed by `signer`, not by `owner`.
    error ERC2612InvalidSigner(address signer, address owner);
}
