// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "./interfaces/IERC20.sol";
import {IERC5267} from "./interfaces/IERC5267.sol";
import {IERC7943Fungible} from "./interfaces/IERC7943Fungible.sol";
import {ISettlement, Trade} from "./interfaces/ISettlement.sol";
import {Reasons} from "./libraries/Reasons.sol";
import {SignatureCheck} from "./libraries/SignatureCheck.sol";
import {TokenCall} from "./libraries/TokenCall.sol";
import {TradeHash} from "./libraries/TradeHash.sol";

/// @title Settlement
/// @notice See `ISettlement`: the documentation is the interface.
contract Settlement is ISettlement {
    /* CONSTANTS */

    string private constant NAME = "Tallystick Settlement";
    string private constant VERSION = "1";

    /* IMMUTABLES */

    uint256 private immutable _deployChainId;
    bytes32 private immutable _deployDomainSeparator;

    /* STORAGE */

    /// @dev Bit (id & 255) of word (id >> 8): one word for all parties, so that a batch of consecutive ids pays
    /// for it once.
    mapping(uint256 word => uint256 bits) private _used;

    /// @inheritdoc ISettlement
    mapping(address account => bool) public isSettler;

    /// @inheritdoc ISettlement
    address public owner;

    /// @inheritdoc ISettlement
    address public pendingOwner;

    /// @inheritdoc ISettlement
    address public guardian;

    /// @dev Set while a trade settles; a full word, because a packed one would have to be masked.
    uint256 private transient _entered;

    /* CONSTRUCTOR */

    /// @param initialOwner names settlers and the guardian
    /// @param initialGuardian may clear settlers; zero for none
    constructor(address initialOwner, address initialGuardian) {
        if (initialOwner == address(0)) revert ZeroAddress();
        owner = initialOwner;
        guardian = initialGuardian;
        _deployChainId = block.chainid;
        _deployDomainSeparator = _domainSeparator();
        emit OwnershipTransferred(address(0), initialOwner);
        emit GuardianSet(initialGuardian);
    }

    /* MODIFIERS */

    modifier onlyOwner() {
        if (msg.sender != owner) revert NotOwner(msg.sender);
        _;
    }

    modifier nonReentrant() {
        if (_entered != 0) revert Reentered();
        _entered = 1;
        _;
        _entered = 0;
    }

    /* SETTLEMENT */

    /// @inheritdoc ISettlement
    function settle(Trade calldata trade, bytes calldata sellerSig, bytes calldata buyerSig) external nonReentrant {
        uint256 id = trade.id;
        // Each read of a calldata member is checked anew: once is enough.
        address seller = trade.seller;
        address buyer = trade.buyer;
        if (msg.sender != seller && msg.sender != buyer && !isSettler[msg.sender]) {
            revert NotAuthorised(id, msg.sender);
        }
        if (seller == buyer) revert SameParty(id);
        _requireTerms(trade, id);
        _use(id);
        bytes32 digest = hashTrade(trade);
        _requireConsent(id, seller, digest, sellerSig);
        _requireConsent(id, buyer, digest, buyerSig);

        _pull(id, trade.asset, seller, buyer, trade.assetAmount);
        _pull(id, trade.cash, buyer, seller, trade.cashAmount);
        emit Settled(id);
    }

    /// @inheritdoc ISettlement
    function cancel(Trade calldata trade, bytes calldata sellerSig, bytes calldata buyerSig) external nonReentrant {
        uint256 id = trade.id;
        _use(id);
        bytes32 digest = hashCancel(trade);
        _requireConsent(id, trade.seller, digest, sellerSig);
        _requireConsent(id, trade.buyer, digest, buyerSig);
        emit Cancelled(id);
    }

    /* OWNER AND GUARDIAN FUNCTIONS */

    /// @inheritdoc ISettlement
    function setSettler(address account, bool allowed) external {
        if (msg.sender != owner && (allowed || msg.sender != guardian)) revert NotOwnerOrGuardian(msg.sender);
        if (account == address(0)) revert ZeroAddress();
        isSettler[account] = allowed;
        emit SettlerSet(account, allowed);
    }

    /// @inheritdoc ISettlement
    function setGuardian(address account) external onlyOwner {
        guardian = account;
        emit GuardianSet(account);
    }

    /// @inheritdoc ISettlement
    function transferOwnership(address account) external onlyOwner {
        pendingOwner = account;
        emit OwnershipTransferStarted(msg.sender, account);
    }

    /// @inheritdoc ISettlement
    function acceptOwnership() external {
        if (msg.sender != pendingOwner) revert NotPendingOwner(msg.sender);
        emit OwnershipTransferred(owner, msg.sender);
        owner = msg.sender;
        delete pendingOwner;
    }

    /* VIEWS */

    /// @inheritdoc ISettlement
    function check(Trade calldata trade, bytes calldata sellerSig, bytes calldata buyerSig)
        external
        view
        returns (uint256 reasons)
    {
        bytes32 digest = hashTrade(trade);
        reasons = _termReasons(trade);
        if (isUsed(trade.id)) reasons |= Reasons.ID_USED;
        if (!_consents(trade.seller, digest, sellerSig)) reasons |= Reasons.BAD_SELLER_SIGNATURE;
        if (!_consents(trade.buyer, digest, buyerSig)) reasons |= Reasons.BAD_BUYER_SIGNATURE;
        reasons |= _assetReasons(trade);
        reasons |= _cashReasons(trade);
    }

    /// @inheritdoc ISettlement
    function isUsed(uint256 id) public view returns (bool) {
        return _used[id >> 8] >> (id & 0xff) & 1 == 1;
    }

    /// @inheritdoc ISettlement
    function hashTrade(Trade calldata trade) public view returns (bytes32) {
        return TradeHash.digest(DOMAIN_SEPARATOR(), TradeHash.structHash(trade));
    }

    /// @inheritdoc ISettlement
    function hashCancel(Trade calldata trade) public view returns (bytes32) {
        bytes32 structHash = keccak256(abi.encode(TradeHash.CANCEL_TYPEHASH, trade.id, hashTrade(trade)));
        return TradeHash.digest(DOMAIN_SEPARATOR(), structHash);
    }

    /// @inheritdoc ISettlement
    function DOMAIN_SEPARATOR() public view returns (bytes32) {
        // After a chain split the separator follows the chain, so no signature is good on both.
        return block.chainid == _deployChainId ? _deployDomainSeparator : _domainSeparator();
    }

    /// @inheritdoc IERC5267
    function eip712Domain()
        external
        view
        returns (
            bytes1 fields,
            string memory name,
            string memory version,
            uint256 chainId,
            address verifyingContract,
            bytes32 salt,
            uint256[] memory extensions
        )
    {
        return (0x0f, NAME, VERSION, block.chainid, address(this), bytes32(0), new uint256[](0));
    }

    /* INTERNAL: the rules of settle */

    function _requireTerms(Trade calldata trade, uint256 id) private view {
        if (block.timestamp < trade.validFrom) revert NotYetValid(id, trade.validFrom);
        if (block.timestamp > trade.deadline) revert Expired(id, trade.deadline);
        uint256 assetAmount = trade.assetAmount;
        if (assetAmount == 0 || trade.cashAmount == 0) revert ZeroAmount(id);
        if (trade.minAssetAmount != assetAmount) revert NotAllOrNone(id);
    }

    /// @dev Before any call out, so that no token and no wallet can make an id settle twice.
    function _use(uint256 id) private {
        uint256 word = id >> 8;
        // forge-lint: disable-next-line(incorrect-shift) A bit number is what it should be.
        uint256 bit = 1 << (id & 0xff);
        uint256 bits = _used[word];
        if (bits & bit != 0) revert AlreadyUsed(id);
        _used[word] = bits | bit;
    }

    function _requireConsent(uint256 id, address party, bytes32 digest, bytes calldata signature) private view {
        if (!_consents(party, digest, signature)) revert BadSignature(id, party);
    }

    /// @dev Who sends the trade consents to it; a signature that is given must be right all the same.
    function _consents(address party, bytes32 digest, bytes calldata signature) private view returns (bool) {
        if (signature.length == 0 && msg.sender == party) return true;
        return SignatureCheck.isValid(party, digest, signature);
    }

    function _pull(uint256 id, address token, address from, address to, uint256 amount) private {
        (bool ok, bytes memory reason) = TokenCall.transferFrom(token, from, to, amount);
        if (!ok) revert TransferFailed(id, token, reason);
    }

    /* INTERNAL: the same rules as reasons */

    function _termReasons(Trade calldata trade) private view returns (uint256 reasons) {
        if (block.timestamp < trade.validFrom) reasons |= Reasons.NOT_YET_VALID;
        if (block.timestamp > trade.deadline) reasons |= Reasons.EXPIRED;
        if (trade.assetAmount == 0 || trade.cashAmount == 0) reasons |= Reasons.ZERO_AMOUNT;
        if (trade.minAssetAmount != trade.assetAmount) reasons |= Reasons.NOT_ALL_OR_NONE;
        if (trade.seller == trade.buyer) reasons |= Reasons.SAME_PARTY;
    }

    function _assetReasons(Trade calldata trade) private view returns (uint256 reasons) {
        (bool token, bool covered, bool approved, bool allowed) =
            _readLeg(trade.asset, trade.seller, trade.buyer, trade.assetAmount);
        if (!token) return Reasons.ASSET_NOT_A_TOKEN;
        if (!covered) reasons |= Reasons.SELLER_LACKS_UNITS;
        if (!approved) reasons |= Reasons.SELLER_ALLOWANCE;
        if (!allowed) reasons |= Reasons.ASSET_REFUSES;
    }

    function _cashReasons(Trade calldata trade) private view returns (uint256 reasons) {
        (bool token, bool covered, bool approved, bool allowed) =
            _readLeg(trade.cash, trade.buyer, trade.seller, trade.cashAmount);
        if (!token) return Reasons.CASH_NOT_A_TOKEN;
        if (!covered) reasons |= Reasons.BUYER_LACKS_CASH;
        if (!approved) reasons |= Reasons.BUYER_ALLOWANCE;
        if (!allowed) reasons |= Reasons.CASH_REFUSES;
    }

    /// @dev A token without `canTransfer` allows every transfer, as far as one can ask.
    function _readLeg(address token, address from, address to, uint256 amount)
        private
        view
        returns (bool isToken, bool covered, bool approved, bool allowed)
    {
        (bool hasBalance, uint256 balance) = TokenCall.read(token, abi.encodeCall(IERC20.balanceOf, (from)));
        (bool hasAllowance, uint256 allowance) =
            TokenCall.read(token, abi.encodeCall(IERC20.allowance, (from, address(this))));
        (bool hasRules, uint256 verdict) =
            TokenCall.read(token, abi.encodeCall(IERC7943Fungible.canTransfer, (from, to, amount)));
        isToken = hasBalance && hasAllowance;
        covered = balance >= amount;
        approved = allowance >= amount;
        allowed = !hasRules || verdict == 1;
    }

    function _domainSeparator() private view returns (bytes32) {
        return keccak256(
            abi.encode(
                TradeHash.DOMAIN_TYPEHASH,
                keccak256(bytes(NAME)),
                keccak256(bytes(VERSION)),
                block.chainid,
                address(this)
            )
        );
    }
}
