// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAnchorRegistry} from "../interfaces/IAnchorRegistry.sol";

/// @title RecordGate
/// @notice An example of a contract that acts on what a log says: it opens once a given entry is proven to
/// be in the log. A consumer of its own puts the effect (a payment, a vote, a release) behind `onlyOpen`.
/// @dev Trusts the registry for the order of heads and the log's writer for what the entries say, nobody else.
contract RecordGate {
    /// @notice The entry was proven to stand at `index`; the gate stays open.
    event Opened(uint64 index);

    /// @notice The proof does not show the entry in the anchored log.
    error NotInLog(uint64 index);

    /// @notice The entry was not proven yet.
    error Closed();

    /// @notice The registry of the log.
    IAnchorRegistry public immutable registry;

    /// @notice Leaf hash of the entry: SHA-256(0x00 ‖ entry).
    bytes32 public immutable leaf;

    /// @notice Whether the entry was proven.
    bool public isOpen;

    modifier onlyOpen() {
        if (!isOpen) revert Closed();
        _;
    }

    constructor(IAnchorRegistry logRegistry, bytes32 entryLeaf) {
        registry = logRegistry;
        leaf = entryLeaf;
    }

    /// @notice Open with a proof for the present head. Anyone may.
    function open(uint64 index, bytes32[] calldata inclusion) external {
        if (!registry.verifyAnchoredEntry(leaf, index, inclusion)) revert NotInLog(index);
        _open(index);
    }

    /// @notice Open with a proof for an earlier head (`size`, `root`) and the proof that the present one
    /// extends it: a bundle that was handed out once serves forever. Anyone may.
    function openFromEarlier(
        uint64 index,
        uint64 size,
        bytes32 root,
        bytes32[] calldata inclusion,
        bytes32[] calldata consistency
    ) external {
        (uint64 headSize, bytes32 headRoot,) = registry.head();
        bool held = registry.verifyInclusion(leaf, index, size, root, inclusion)
            && registry.verifyConsistency(size, headSize, root, headRoot, consistency);
        if (!held) revert NotInLog(index);
        _open(index);
    }

    /// @notice What only an open gate gives.
    function secret() external view onlyOpen returns (bytes32) {
        return leaf;
    }

    function _open(uint64 index) private {
        isOpen = true;
        emit Opened(index);
    }
}
