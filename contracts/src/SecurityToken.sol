// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {PackedToken} from "./PackedToken.sol";
import {IERC165} from "./interfaces/IERC165.sol";
import {IERC20} from "./interfaces/IERC20.sol";
import {IERC2612} from "./interfaces/IERC2612.sol";
import {IERC5267} from "./interfaces/IERC5267.sol";
import {IERC7943Fungible} from "./interfaces/IERC7943Fungible.sol";
import {ISecurityToken} from "./interfaces/ISecurityToken.sol";

/// @title SecurityToken
/// @notice See `ISecurityToken`: the documentation is the interface.
/// @dev One word per account: balance 128 | frozen 112 | flags 16, from the lowest bit.
contract SecurityToken is PackedToken, ISecurityToken {
    /* CONSTANTS */

    uint16 public constant SEND = 1;
    uint16 public constant RECEIVE = 2;

    uint256 private constant FROZEN_SHIFT = 128;
    uint256 private constant FLAGS_SHIFT = 240;
    uint256 private constant FLAGS_MASK = uint256(type(uint16).max) << FLAGS_SHIFT;
    uint256 private constant FROZEN_MASK = uint256(type(uint112).max) << FROZEN_SHIFT;

    /* IMMUTABLES */

    bytes12 private immutable _isin;

    /* STORAGE */

    /// @inheritdoc ISecurityToken
    address public compliance;

    /// @inheritdoc ISecurityToken
    address public enforcer;

    /* CONSTRUCTOR */

    /// @param tokenDecimals places of a unit; 6 leaves room for fractional shares
    /// @param trustedSettlement contract that needs no allowance; zero for none
    /// @param firstIssuer has all three roles at first
    constructor(
        string memory tokenName,
        string memory tokenSymbol,
        string memory tokenIsin,
        uint8 tokenDecimals,
        address trustedSettlement,
        address firstIssuer
    ) PackedToken(tokenName, tokenSymbol, tokenDecimals, trustedSettlement, firstIssuer) {
        _requireIsin(tokenIsin);
        // forge-lint: disable-next-line(unsafe-typecast) It has twelve bytes.
        _isin = bytes12(bytes(tokenIsin));
        compliance = firstIssuer;
        enforcer = firstIssuer;
        emit ComplianceSet(firstIssuer);
        emit EnforcerSet(firstIssuer);
    }

    /* MODIFIERS */

    modifier onlyCompliance() {
        if (msg.sender != compliance) revert NotCompliance(msg.sender);
        _;
    }

    /* ISSUER FUNCTIONS */

    /// @inheritdoc ISecurityToken
    function setCompliance(address account) external onlyIssuer {
        if (account == address(0)) revert ZeroAddress();
        compliance = account;
        emit ComplianceSet(account);
    }

    /// @inheritdoc ISecurityToken
    function setEnforcer(address account) external onlyIssuer {
        if (account == address(0)) revert ZeroAddress();
        enforcer = account;
        emit EnforcerSet(account);
    }

    /* COMPLIANCE FUNCTIONS */

    /// @inheritdoc ISecurityToken
    function setPermissions(address[] calldata accounts, uint16 flags) external onlyCompliance {
        if (flags & ~(SEND | RECEIVE) != 0) revert UnknownFlags(flags);
        for (uint256 i = 0; i < accounts.length; ++i) {
            // Checked here once, so that no transfer has to.
            if (_isSink(accounts[i])) revert ERC20InvalidReceiver(accounts[i]);
            Account storage account = _accounts[accounts[i]];
            account.word = account.word & ~FLAGS_MASK | uint256(flags) << FLAGS_SHIFT;
            emit PermissionsSet(accounts[i], flags);
        }
    }

    /// @inheritdoc IERC7943Fungible
    function setFrozenTokens(address account, uint256 amount) external onlyCompliance returns (bool) {
        if (amount > type(uint112).max) revert FrozenTooLarge(amount);
        _accounts[account].word = _withFrozen(_accounts[account].word, amount);
        emit Frozen(account, amount);
        return true;
    }

    /* ENFORCER FUNCTIONS */

    /// @inheritdoc IERC7943Fungible
    function forcedTransfer(address from, address to, uint256 amount) external returns (bool) {
        if (msg.sender != enforcer) revert NotEnforcer(msg.sender);
        // A transfer to oneself would only unfreeze; the settlement contract holds nothing to take.
        if (from == to || from == settlement || to == settlement) revert ERC7943CannotTransfer(from, to, amount);
        Account storage account = _accounts[from];
        uint256 word = account.word;
        uint256 balance = word & BALANCE_MASK;
        if (balance < amount) revert ERC20InsufficientBalance(from, balance, amount);
        uint256 unfrozen = _unfrozen(word);
        if (amount > unfrozen) {
            // Only what must move is unfrozen: an amount withheld beyond the balance stays withheld.
            uint256 frozen = _frozen(word) - (amount - unfrozen);
            word = _withFrozen(word, frozen);
            emit Frozen(from, frozen);
        }
        account.word = word - amount;
        _credit(to, amount);
        emit Transfer(from, to, amount);
        emit ForcedTransfer(from, to, amount);
        return true;
    }

    /* VIEWS */

    /// @inheritdoc ISecurityToken
    function isin() external view returns (string memory) {
        return string(abi.encodePacked(_isin));
    }

    /// @inheritdoc ISecurityToken
    function permissionsOf(address account) public view returns (uint16) {
        // forge-lint: disable-next-line(unsafe-typecast) The flags are the highest 16 bits.
        return uint16(_accounts[account].word >> FLAGS_SHIFT);
    }

    /// @inheritdoc IERC7943Fungible
    function canSend(address account) public view returns (bool) {
        return permissionsOf(account) & SEND != 0;
    }

    /// @inheritdoc IERC7943Fungible
    function canReceive(address account) public view returns (bool) {
        return permissionsOf(account) & RECEIVE != 0;
    }

    /// @inheritdoc IERC7943Fungible
    function getFrozenTokens(address account) external view returns (uint256) {
        return _frozen(_accounts[account].word);
    }

    /// @inheritdoc IERC7943Fungible
    function canTransfer(address from, address to, uint256 amount) external view returns (bool) {
        uint256 word = _accounts[from].word;
        // An amount beyond the balance fails for want of balance, which is no rule of permission.
        bool free = amount <= _unfrozen(word) || amount > word & BALANCE_MASK;
        return free && canSend(from) && canReceive(to);
    }

    /// @inheritdoc IERC165
    function supportsInterface(bytes4 interfaceId) external pure returns (bool) {
        return interfaceId == type(IERC165).interfaceId || interfaceId == type(IERC7943Fungible).interfaceId
            || interfaceId == type(IERC20).interfaceId || interfaceId == type(IERC2612).interfaceId
            || interfaceId == type(IERC5267).interfaceId;
    }

    /* INTERNAL */

    function _debit(address from, uint256 amount) internal override {
        Account storage account = _accounts[from];
        uint256 word = account.word;
        if (word >> FLAGS_SHIFT & SEND == 0) revert ERC7943CannotSend(from);
        _requireUnfrozen(from, word, amount);
        // The balance is at least `amount`: nothing is borrowed from the bits above it.
        unchecked {
            account.word = word - amount;
        }
    }

    function _debitForBurn(address from, uint256 amount) internal override {
        Account storage account = _accounts[from];
        uint256 word = account.word;
        _requireUnfrozen(from, word, amount);
        account.word = word - amount;
    }

    function _credit(address to, uint256 amount) internal override {
        Account storage account = _accounts[to];
        uint256 word = account.word;
        if (word >> FLAGS_SHIFT & RECEIVE == 0) revert ERC7943CannotReceive(to);
        // Balances sum to the supply, which is below 2^112: nothing is carried into the bits above.
        unchecked {
            account.word = word + amount;
        }
    }

    function _requireUnfrozen(address from, uint256 word, uint256 amount) private pure {
        uint256 unfrozen = _unfrozen(word);
        if (amount <= unfrozen) return;
        uint256 balance = word & BALANCE_MASK;
        if (amount > balance) revert ERC20InsufficientBalance(from, balance, amount);
        revert ERC7943InsufficientUnfrozenBalance(from, amount, unfrozen);
    }

    function _unfrozen(uint256 word) private pure returns (uint256) {
        uint256 balance = word & BALANCE_MASK;
        uint256 frozen = _frozen(word);
        return balance > frozen ? balance - frozen : 0;
    }

    function _frozen(uint256 word) private pure returns (uint256) {
        return (word & FROZEN_MASK) >> FROZEN_SHIFT;
    }

    function _withFrozen(uint256 word, uint256 amount) private pure returns (uint256) {
        return word & ~FROZEN_MASK | amount << FROZEN_SHIFT;
    }

    function _requireIsin(string memory text) private pure {
        bytes memory characters = bytes(text);
        if (characters.length != 12) revert BadIsin(text);
        for (uint256 i = 0; i < 12; ++i) {
            bytes1 c = characters[i];
            bool known = (c >= "A" && c <= "Z") || (c >= "0" && c <= "9");
            if (!known) revert BadIsin(text);
        }
    }
}
