// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title The heads of one transparency log, extended only with proof
/// @notice A registry belongs to one log (one origin). It holds the largest tree head that the writer
/// anchored, and moves it only to a larger head that is proven to extend it (RFC 9162, section 2.1.4).
/// There is no owner, no reset and no upgrade: a log that was rewritten needs a new origin and registry.
/// @dev Storage, fixed for those who verify storage proofs: slot 0 holds `size` in its lowest 64 bits and
/// `time` in the next 64; slot 1 holds `root`.
interface IAnchorRegistry {
    /// @notice The log grew to `size` entries with the RFC 9162 root `root`.
    event Anchored(uint64 indexed size, bytes32 root);

    /// @notice The origin is empty, or has a character that no checkpoint's first line can carry.
    error BadOrigin(string origin);

    /// @notice A registry without a writer could never be extended.
    error ZeroWriter();

    /// @notice `caller` is not the writer of this log.
    error NotWriter(address caller);

    /// @notice A head of size 0 says nothing.
    error ZeroSize();

    /// @notice The head already has this size; nothing changes.
    error AlreadyAnchored(uint64 size);

    /// @notice The log had `current` entries and cannot have `proposed`.
    error SizeShrinks(uint64 current, uint64 proposed);

    /// @notice Sizes are below 2^63.
    error SizeTooLarge(uint64 size);

    /// @notice A proof has at most 64 hashes; the proof of a first head has none.
    error ProofTooLong(uint256 length);

    /// @notice The proof does not show that the head of size `proposed` extends the head of size `current`.
    error Inconsistent(uint64 current, uint64 proposed);

    /// @notice Move the head to (`newSize`, `newRoot`). Writer only.
    /// @param proof RFC 9162 consistency proof from the current head; empty for the first head
    function append(uint64 newSize, bytes32 newRoot, bytes32[] calldata proof) external;

    /// @return size entries under the head, 0 before the first
    /// @return root RFC 9162 root hash (SHA-256)
    /// @return time block time of the last append, Unix seconds
    function head() external view returns (uint64 size, bytes32 root, uint64 time);

    /// @notice First line of the log's checkpoints (C2SP tlog-checkpoint).
    function origin() external view returns (string memory);

    /// @notice keccak256 of the origin.
    function originHash() external view returns (bytes32);

    /// @notice The only account that may append.
    function writer() external view returns (address);

    /// @notice Whether `leaf` (a leaf hash) is entry `index` of the log as it is anchored now. False before the
    /// first anchor.
    /// @dev For contracts that act on what the log says. The proof is for the size that `head` gives, so a later
    /// anchor makes it stale: whoever holds an older one proves its head with `verifyInclusion`, and that the
    /// present head extends that one with `verifyConsistency` (`examples/RecordGate.sol` does both).
    /// @param proof RFC 9162 inclusion proof in the tree of the present head's size
    function verifyAnchoredEntry(bytes32 leaf, uint64 index, bytes32[] calldata proof) external view returns (bool);

    /// @notice Whether `leaf` (a leaf hash) is entry `index` of the tree with `size` entries and root `root`.
    function verifyInclusion(bytes32 leaf, uint64 index, uint64 size, bytes32 root, bytes32[] calldata proof)
        external
        view
        returns (bool);

    /// @notice Whether the tree (`n`, `rootN`) extends the tree (`m`, `rootM`). False for m = 0 and for m > n.
    function verifyConsistency(uint64 m, uint64 n, bytes32 rootM, bytes32 rootN, bytes32[] calldata proof)
        external
        view
        returns (bool);
}
