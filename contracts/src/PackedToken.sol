// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "./interfaces/IERC20.sol";
import {IERC2612} from "./interfaces/IERC2612.sol";
import {IERC5267} from "./interfaces/IERC5267.sol";
import {IPackedToken} from "./interfaces/IPackedToken.sol";

/// @title PackedToken
/// @notice ERC-20 and ERC-2612 over one word per account: the balance in the lowest 128 bits, whatever else a
/// token keeps about the account above it, so that its rules cost no further slot.
abstract contract PackedToken is IPackedToken {
    /* CONSTANTS */

    bytes32 private constant DOMAIN_TYPEHASH =
        keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
    bytes32 private constant PERMIT_TYPEHASH =
        keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)");
    string private constant VERSION = "1";

    uint256 internal constant BALANCE_MASK = type(uint128).max;

    /// @dev A frozen amount has 112 bits and must be able to cover every balance.
    uint256 internal constant MAX_SUPPLY = type(uint112).max;

    /* IMMUTABLES */

    /// @inheritdoc IERC20
    uint8 public immutable decimals;

    /// @inheritdoc IPackedToken
    address public immutable settlement;

    uint256 private immutable _deployChainId;
    bytes32 private immutable _deployDomainSeparator;

    /* STORAGE */

    /// @dev A struct of one word, so that a reference to it costs its hash once.
    struct Account {
        uint256 word; // balance | rules << 128
    }

    mapping(address holder => Account account) internal _accounts;
    mapping(address owner => mapping(address spender => uint256 amount)) private _allowances;

    /// @inheritdoc IERC2612
    mapping(address owner => uint256 nonce) public nonces;

    /// @inheritdoc IERC20
    uint256 public totalSupply;

    /// @inheritdoc IPackedToken
    address public issuer;

    /// @inheritdoc IPackedToken
    address public pendingIssuer;

    /// @inheritdoc IERC20
    string public name;

    /// @inheritdoc IERC20
    string public symbol;

    /* CONSTRUCTOR */

    constructor(
        string memory tokenName,
        string memory tokenSymbol,
        uint8 tokenDecimals,
        address trustedSettlement,
        address firstIssuer
    ) {
        if (firstIssuer == address(0)) revert ZeroAddress();
        name = tokenName;
        symbol = tokenSymbol;
        decimals = tokenDecimals;
        settlement = trustedSettlement;
        issuer = firstIssuer;
        _deployChainId = block.chainid;
        _deployDomainSeparator = _domainSeparator(tokenName);
        emit IssuerTransferred(address(0), firstIssuer);
    }

    /* MODIFIERS */

    modifier onlyIssuer() {
        if (msg.sender != issuer) revert NotIssuer(msg.sender);
        _;
    }

    /* ERC-20 */

    /// @inheritdoc IERC20
    function transfer(address to, uint256 amount) external returns (bool) {
        _move(msg.sender, to, amount);
        return true;
    }

    /// @inheritdoc IERC20
    function transferFrom(address from, address to, uint256 amount) external returns (bool) {
        if (msg.sender != settlement) _spendAllowance(from, msg.sender, amount);
        _move(from, to, amount);
        return true;
    }

    /// @inheritdoc IERC20
    function approve(address spender, uint256 amount) external returns (bool) {
        _approve(msg.sender, spender, amount);
        return true;
    }

    /* ERC-2612 */

    /// @inheritdoc IERC2612
    function permit(address owner, address spender, uint256 amount, uint256 deadline, uint8 v, bytes32 r, bytes32 s)
        external
    {
        if (block.timestamp > deadline) revert ERC2612ExpiredSignature(deadline);
        bytes32 structHash = keccak256(abi.encode(PERMIT_TYPEHASH, owner, spender, amount, nonces[owner]++, deadline));
        bytes32 digest = keccak256(abi.encodePacked(hex"1901", DOMAIN_SEPARATOR(), structHash));
        address signer = ecrecover(digest, v, r, s);
        if (signer == address(0) || signer != owner) revert ERC2612InvalidSigner(signer, owner);
        _approve(owner, spender, amount);
    }

    /// @inheritdoc IERC2612
    function DOMAIN_SEPARATOR() public view returns (bytes32) {
        return block.chainid == _deployChainId ? _deployDomainSeparator : _domainSeparator(name);
    }

    /* ISSUER FUNCTIONS */

    /// @inheritdoc IPackedToken
    function mint(address to, uint256 amount) external onlyIssuer {
        uint256 supply = totalSupply;
        if (amount > MAX_SUPPLY - supply) revert SupplyTooLarge(amount);
        totalSupply = supply + amount;
        _credit(to, amount);
        emit Transfer(address(0), to, amount);
    }

    /// @inheritdoc IPackedToken
    function burn(address from, uint256 amount) external onlyIssuer {
        _debitForBurn(from, amount);
        totalSupply -= amount;
        emit Transfer(from, address(0), amount);
    }

    /// @inheritdoc IPackedToken
    function transferIssuer(address account) external onlyIssuer {
        pendingIssuer = account;
        emit IssuerTransferStarted(msg.sender, account);
    }

    /// @inheritdoc IPackedToken
    function acceptIssuer() external {
        if (msg.sender != pendingIssuer) revert NotPendingIssuer(msg.sender);
        emit IssuerTransferred(issuer, msg.sender);
        issuer = msg.sender;
        delete pendingIssuer;
    }

    /* VIEWS */

    /// @inheritdoc IERC20
    function balanceOf(address account) public view returns (uint256) {
        return _accounts[account].word & BALANCE_MASK;
    }

    /// @inheritdoc IERC20
    function allowance(address owner, address spender) public view returns (uint256) {
        // What the settlement contract may move, told where everybody looks for it.
        return spender == settlement && spender != address(0) ? type(uint256).max : _allowances[owner][spender];
    }

    /// @inheritdoc IERC5267
    function eip712Domain()
        external
        view
        returns (
            bytes1 fields,
            string memory domainName,
            string memory version,
            uint256 chainId,
            address verifyingContract,
            bytes32 salt,
            uint256[] memory extensions
        )
    {
        return (0x0f, name, VERSION, block.chainid, address(this), bytes32(0), new uint256[](0));
    }

    /* INTERNAL: what each token decides */

    /// @dev Take `amount` from `from` by the token's rules, or revert.
    function _debit(address from, uint256 amount) internal virtual;

    /// @dev Give `amount` to `to` by the token's rules, or revert.
    function _credit(address to, uint256 amount) internal virtual;

    /// @dev Take `amount` from `from` for the issuer to burn; permission to send is not needed.
    function _debitForBurn(address from, uint256 amount) internal virtual;

    /* INTERNAL */

    function _move(address from, address to, uint256 amount) internal {
        _debit(from, amount);
        _credit(to, amount);
        emit Transfer(from, to, amount);
    }

    /// @dev Units here could never leave again.
    function _isSink(address account) internal view returns (bool) {
        return account == address(0) || account == address(this) || account == settlement;
    }

    function _spendAllowance(address owner, address spender, uint256 amount) private {
        uint256 allowed = _allowances[owner][spender];
        if (allowed == type(uint256).max) return;
        if (allowed < amount) revert ERC20InsufficientAllowance(spender, allowed, amount);
        _allowances[owner][spender] = allowed - amount;
    }

    function _approve(address owner, address spender, uint256 amount) private {
        _allowances[owner][spender] = amount;
        emit Approval(owner, spender, amount);
    }

    function _domainSeparator(string memory tokenName) private view returns (bytes32) {
        return keccak256(
            abi.encode(
                DOMAIN_TYPEHASH, keccak256(bytes(tokenName)), keccak256(bytes(VERSION)), block.chainid, address(this)
            )
        );
    }
}
