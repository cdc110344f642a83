// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAnchorRegistry} from "./interfaces/IAnchorRegistry.sol";
import {TreeProof} from "./libraries/TreeProof.sol";

/// @title AnchorRegistry
/// @notice See `IAnchorRegistry`: the documentation is the interface.
contract AnchorRegistry is IAnchorRegistry {
    /* CONSTANTS */

    uint64 private constant SIZE_LIMIT = 1 << 63;

    /* IMMUTABLES */

    /// @inheritdoc IAnchorRegistry
    address public immutable writer;

    /// @inheritdoc IAnchorRegistry
    bytes32 public immutable originHash;

    /* STORAGE: the order of the first three is part of the interface */

    uint64 private _size;
    uint64 private _time;
    bytes32 private _root;

    /// @dev Written in the constructor only (Solidity has no immutable strings).
    string private _origin;

    /* CONSTRUCTOR */

    /// @param logOrigin first line of the log's checkpoints
    /// @param logWriter the only account that may append
    constructor(string memory logOrigin, address logWriter) {
        if (logWriter == address(0)) revert ZeroWriter();
        _requireOneLine(logOrigin);
        _origin = logOrigin;
        originHash = keccak256(bytes(logOrigin));
        writer = logWriter;
    }

    /* WRITER FUNCTIONS */

    /// @inheritdoc IAnchorRegistry
    function append(uint64 newSize, bytes32 newRoot, bytes32[] calldata proof) external {
        if (msg.sender != writer) revert NotWriter(msg.sender);
        uint64 size = _size;
        _requireLarger(size, newSize);
        if (proof.length > (size == 0 ? 0 : TreeProof.MAX_PATH)) revert ProofTooLong(proof.length);
        if (size != 0 && !TreeProof.extends(size, newSize, _root, newRoot, proof)) {
            revert Inconsistent(size, newSize);
        }
        _size = newSize;
        _time = uint64(block.timestamp);
        _root = newRoot;
        emit Anchored(newSize, newRoot);
    }

    /* VIEWS */

    /// @inheritdoc IAnchorRegistry
    function head() external view returns (uint64 size, bytes32 root, uint64 time) {
        return (_size, _root, _time);
    }

    /// @inheritdoc IAnchorRegistry
    function origin() external view returns (string memory) {
        return _origin;
    }

    /// @inheritdoc IAnchorRegistry
    function verifyAnchoredEntry(bytes32 leaf, uint64 index, bytes32[] calldata proof) external view returns (bool) {
        return TreeProof.includes(leaf, index, _size, _root, proof);
    }

    /// @inheritdoc IAnchorRegistry
    function verifyInclusion(bytes32 leaf, uint64 index, uint64 size, bytes32 root, bytes32[] calldata proof)
        external
        view
        returns (bool)
    {
        return size < SIZE_LIMIT && TreeProof.includes(leaf, index, size, root, proof);
    }

    /// @inheritdoc IAnchorRegistry
    function verifyConsistency(uint64 m, uint64 n, bytes32 rootM, bytes32 rootN, bytes32[] calldata proof)
        external
        view
        returns (bool)
    {
        if (m == 0 || m > n || n >= SIZE_LIMIT) return false;
        if (m == n) return proof.length == 0 && rootM == rootN;
        return TreeProof.extends(m, n, rootM, rootN, proof);
    }

    /* INTERNAL */

    function _requireLarger(uint64 size, uint64 newSize) private pure {
        if (newSize > size && newSize < SIZE_LIMIT) return;
        if (newSize == 0) revert ZeroSize();
        if (newSize == size) revert AlreadyAnchored(size);
        if (newSize < size) revert SizeShrinks(size, newSize);
        revert SizeTooLarge(newSize);
    }

    /// @dev A line break in the origin would let one registry stand for two checkpoint texts.
    function _requireOneLine(string memory text) private pure {
        bytes memory characters = bytes(text);
        if (characters.length == 0) revert BadOrigin(text);
        for (uint256 i = 0; i < characters.length; ++i) {
            if (characters[i] < 0x20 || characters[i] == 0x7f) revert BadOrigin(text);
        }
    }
}
