// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Proofs about RFC 9162 Merkle trees over SHA-256 (sections 2.1.3.2 and 2.1.4.2)
/// @notice Both proofs climb from the node at the right edge of the smaller thing (the leaf, or the old
/// tree) to the root of the tree with `n` leaves. `fn` and `sn` are the indices, on the current level, of
/// that node and of the last node. While they differ, each level has one hash in the path: a left sibling
/// if `fn` is odd, else a right one. Once they are equal the node is on the right edge, and only levels
/// where `fn` has a 1 bit have a sibling, always a left one; levels without are skipped.
library TreeProof {
    /// @dev RFC 9162 sizes are below 2^63, so no honest path is longer.
    uint256 internal constant MAX_PATH = 64;

    /// @notice Whether `leaf` is at `index` in the tree of `size` leaves with root `root`.
    function includes(bytes32 leaf, uint256 index, uint256 size, bytes32 root, bytes32[] calldata path)
        internal
        view
        returns (bool)
    {
        if (index >= size || path.length > MAX_PATH) return false;
        uint256 fn = index;
        uint256 sn = size - 1;
        bytes32 hash = leaf;
        uint256 scratch = _scratch();
        for (uint256 i = 0; i < path.length; ++i) {
            bytes32 sibling = path[i];
            if (fn != sn) {
                hash = fn & 1 == 1 ? _node(scratch, sibling, hash) : _node(scratch, hash, sibling);
                fn >>= 1;
                sn >>= 1;
            } else {
                if (fn == 0) return false;
                hash = _node(scratch, sibling, hash);
                // Clears the lowest 1 bit: the levels between two siblings of the right edge drop out,
                // and fn and sn stay equal from here on.
                sn = fn &= fn - 1;
            }
        }
        // fn == sn == 0 means that the root was reached and no hash of the path is missing.
        return sn == 0 && hash == root;
    }

    /// @notice Whether the tree (`n`, `rootN`) begins with the tree (`m`, `rootM`). Needs 0 < m < n.
    function extends(uint256 m, uint256 n, bytes32 rootM, bytes32 rootN, bytes32[] calldata path)
        internal
        view
        returns (bool)
    {
        if (path.length == 0 || path.length > MAX_PATH) return false;
        // Start at the largest complete subtree that ends at leaf m; it has `unit` leaves.
        uint256 unit = m & (~m + 1);
        uint256 fn = (m - 1) / unit;
        uint256 sn = (n - 1) / unit;
        uint256 i = 0;
        bytes32 old;
        if (m == unit) {
            // m is a power of two, the subtree is the whole old tree, and the proof leaves its root out.
            old = rootM;
        } else {
            old = path[0];
            i = 1;
        }
        bytes32 current = old;
        uint256 scratch = _scratch();
        for (; i < path.length; ++i) {
            bytes32 sibling = path[i];
            if (fn == sn) {
                if (fn == 0) return false;
                old = _node(scratch, sibling, old);
                current = _node(scratch, sibling, current);
                sn = fn &= fn - 1;
            } else {
                if (fn & 1 == 1) {
                    old = _node(scratch, sibling, old);
                    current = _node(scratch, sibling, current);
                } else {
                    current = _node(scratch, current, sibling);
                }
                fn >>= 1;
                sn >>= 1;
            }
        }
        return sn == 0 && old == rootM && current == rootN;
    }

    /// @dev Memory for one node preimage (0x01 ‖ left ‖ right, 65 bytes) behind the allocated part. Nothing
    /// allocates while a proof is checked, so the free memory pointer need not move.
    function _scratch() private pure returns (uint256 scratch) {
        assembly ("memory-safe") {
            scratch := mload(0x40)
            mstore8(scratch, 1)
        }
    }

    /// @dev SHA-256(0x01 ‖ left ‖ right) by the precompile at address 2, with the result in scratch space.
    function _node(uint256 scratch, bytes32 left, bytes32 right) private view returns (bytes32 hash) {
        assembly ("memory-safe") {
            mstore(add(scratch, 1), left)
            mstore(add(scratch, 33), right)
            // The precompile fails only for want of gas; a zero hash would be refused too, but say it here.
            if iszero(staticcall(gas(), 2, scratch, 65, 0, 32)) { revert(0, 0) }
            hash := mload(0)
        }
    }
}
