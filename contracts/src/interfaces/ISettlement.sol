// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC5267} from "./IERC5267.sol";

/// @notice One delivery versus payment. Both parties consent to the same struct.
/// @param id number the venue gave the trade; used at most once, whatever becomes of it
/// @param seller delivers `assetAmount` of `asset` and receives the cash
/// @param buyer delivers `cashAmount` of `cash` and receives the asset
/// @param assetAmount smallest units of the asset token
/// @param cashAmount smallest units of the cash token
/// @param minAssetAmount smallest part that may settle; equal to `assetAmount`: all or none
/// @param validFrom first second in which it may settle (intended settlement date), Unix time
/// @param deadline last second in which it may settle, Unix time
struct Trade {
    uint256 id;
    address seller;
    address buyer;
    address asset;
    address cash;
    uint256 assetAmount;
    uint256 cashAmount;
    uint256 minAssetAmount;
    uint64 validFrom;
    uint64 deadline;
}

/// @title Delivery versus payment in one call
/// @notice Moves asset and cash of a trade that both parties consented to, or nothing. The contract holds
/// nothing between calls, and no role can move balances: a settler can only submit what the parties signed.
///
/// Consent of a party is its signature over the EIP-712 `Trade` (64 bytes of EIP-2098, 65 bytes `r ‖ s ‖ v`,
/// or whatever its ERC-1271 wallet accepts), or that it sends the transaction itself with an empty signature.
///
/// @dev An id is burnt by whoever settles or cancels a trade that carries it, and a party needs no settler to
/// do so: two accounts of one person can burn an id that the venue gave to others. Nothing is lost but the id;
/// the trade gets a new one and is signed again. Ids should not be readable before both parties have signed.
interface ISettlement is IERC5267 {
    /* EVENTS */

    /// @notice Both legs of trade `id` moved.
    event Settled(uint256 indexed id);

    /// @notice Both parties gave trade `id` up; it can never settle.
    event Cancelled(uint256 indexed id);

    /// @notice `account` may, or may no longer, submit trades of others.
    event SettlerSet(address indexed account, bool allowed);

    /// @notice `guardian` may take settlers their role.
    event GuardianSet(address indexed guardian);

    /// @notice `pendingOwner` may take over by `acceptOwnership`.
    event OwnershipTransferStarted(address indexed owner, address indexed pendingOwner);

    /// @notice Ownership passed.
    event OwnershipTransferred(address indexed previousOwner, address indexed owner);

    /* ERRORS OF A TRADE: the first argument is always its id */

    /// @notice The sender is neither a settler nor a party of the trade.
    error NotAuthorised(uint256 id, address caller);

    /// @notice The id was settled or cancelled before.
    error AlreadyUsed(uint256 id);

    /// @notice The trade settles from `validFrom` on.
    error NotYetValid(uint256 id, uint64 validFrom);

    /// @notice The trade settled until `deadline`.
    error Expired(uint256 id, uint64 deadline);

    /// @notice A leg of nothing is not a delivery versus payment.
    error ZeroAmount(uint256 id);

    /// @notice `minAssetAmount` is not `assetAmount`: such a trade settles in parts, which `settle` does not do.
    error NotAllOrNone(uint256 id);

    /// @notice Seller and buyer are the same account.
    error SameParty(uint256 id);

    /// @notice `signer` did not consent to this trade, on this chain, at this contract.
    error BadSignature(uint256 id, address signer);

    /// @notice `token` did not answer `transferFrom` with true. `reason` is its revert data (at most 512 bytes).
    error TransferFailed(uint256 id, address token, bytes reason);

    /* OTHER ERRORS */

    /// @notice A token called back into the settlement.
    error Reentered();

    /// @notice Only the owner may do this.
    error NotOwner(address caller);

    /// @notice Only the owner and, to clear a settler, the guardian may do this.
    error NotOwnerOrGuardian(address caller);

    /// @notice Only the account that the owner named may accept.
    error NotPendingOwner(address caller);

    /// @notice The zero address cannot have a role.
    error ZeroAddress();

    /* SETTLEMENT */

    /// @notice Move both legs of `trade` in full. Settlers and the parties may call.
    /// @param sellerSig consent of the seller, empty if the seller sends
    /// @param buyerSig consent of the buyer, empty if the buyer sends
    function settle(Trade calldata trade, bytes calldata sellerSig, bytes calldata buyerSig) external;

    /// @notice Use up the id of `trade` by matching cancellation. Anybody who has both consents may call.
    /// @param sellerSig consent of the seller to `Cancel(id, hashTrade(trade))`, empty if the seller sends
    /// @param buyerSig the same of the buyer
    function cancel(Trade calldata trade, bytes calldata sellerSig, bytes calldata buyerSig) external;

    /* VIEWS */

    /// @notice Every reason for which `settle` would refuse `trade` now; 0 if none is known.
    /// @dev Bit set, see `Reasons`. Empty signatures count as consent of the account the call comes from, as in
    /// `settle`. Says nothing of the caller's role.
    function check(Trade calldata trade, bytes calldata sellerSig, bytes calldata buyerSig)
        external
        view
        returns (uint256 reasons);

    /// @notice Whether `id` was settled or cancelled.
    function isUsed(uint256 id) external view returns (bool);

    /// @notice What the parties sign: the EIP-712 hash of `trade`, with the domain.
    function hashTrade(Trade calldata trade) external view returns (bytes32);

    /// @notice What the parties sign to cancel `trade`: the EIP-712 hash of `Cancel(id, hashTrade(trade))`.
    function hashCancel(Trade calldata trade) external view returns (bytes32);

    /// @notice EIP-712 domain separator on the current chain.
    function DOMAIN_SEPARATOR() external view returns (bytes32);

    function isSettler(address account) external view returns (bool);
    function owner() external view returns (address);
    function pendingOwner() external view returns (address);
    function guardian() external view returns (address);

    /* ROLES */

    /// @notice Give or take the settler role. Owner; the guardian may only take it (circuit breaker).
    function setSettler(address account, bool allowed) external;

    /// @notice Name the guardian; the zero address for none. Owner only.
    function setGuardian(address account) external;

    /// @notice Offer ownership to `account`; it passes when accepted. Owner only; the zero address withdraws.
    function transferOwnership(address account) external;

    /// @notice Take ownership that was offered.
    function acceptOwnership() external;
}
