// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {PackedToken} from "./PackedToken.sol";
import {ICashToken} from "./interfaces/ICashToken.sol";

/// @title CashToken
/// @notice See `ICashToken`: the documentation is the interface.
/// @dev One word per account: balance 128 from the lowest bit, the highest bit set if blocked.
contract CashToken is PackedToken, ICashToken {
    /* CONSTANTS */

    uint256 private constant BLOCKED = 1 << 255;

    /* CONSTRUCTOR */

    /// @param trustedSettlement contract that needs no allowance; zero for none
    constructor(string memory tokenName, string memory tokenSymbol, address trustedSettlement, address firstIssuer)
        PackedToken(tokenName, tokenSymbol, 6, trustedSettlement, firstIssuer)
    {}

    /* ISSUER FUNCTIONS */

    /// @inheritdoc ICashToken
    function setBlocked(address[] calldata accounts, bool blocked) external onlyIssuer {
        for (uint256 i = 0; i < accounts.length; ++i) {
            Account storage account = _accounts[accounts[i]];
            uint256 balance = account.word & BALANCE_MASK;
            account.word = blocked ? balance | BLOCKED : balance;
            emit BlockedSet(accounts[i], blocked);
        }
    }

    /* VIEWS */

    /// @inheritdoc ICashToken
    function isBlocked(address account) public view returns (bool) {
        return _accounts[account].word & BLOCKED != 0;
    }

    /// @inheritdoc ICashToken
    function canTransfer(address from, address to, uint256) external view returns (bool) {
        return !isBlocked(from) && !isBlocked(to) && !_isSink(to);
    }

    /* INTERNAL */

    function _debit(address from, uint256 amount) internal override {
        Account storage account = _accounts[from];
        uint256 word = account.word;
        // A blocked word is larger than any balance, so one comparison would not do.
        if (word & BLOCKED != 0) revert AccountBlocked(from);
        if (word < amount) revert ERC20InsufficientBalance(from, word, amount);
        unchecked {
            account.word = word - amount;
        }
    }

    /// @dev The issuer may burn what a blocked account holds.
    function _debitForBurn(address from, uint256 amount) internal override {
        Account storage account = _accounts[from];
        uint256 word = account.word;
        uint256 balance = word & BALANCE_MASK;
        if (balance < amount) revert ERC20InsufficientBalance(from, balance, amount);
        account.word = word - amount;
    }

    function _credit(address to, uint256 amount) internal override {
        Account storage account = _accounts[to];
        uint256 word = account.word;
        if (word & BLOCKED != 0) revert AccountBlocked(to);
        if (_isSink(to)) revert ERC20InvalidReceiver(to);
        // Balances sum to the supply, which is below 2^112: nothing is carried into the flag.
        unchecked {
            account.word = word + amount;
        }
    }
}
