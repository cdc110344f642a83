// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice RFC 9162 trees by the RFC's own recursions (sections 2.1.1, 2.1.3.1, 2.1.4.1), over the entries
/// 0, 1, 2 … as bytes32. Shares nothing with `TreeProof`, and uses Solidity's `sha256`.
library TreeOracle {
    function leaf(uint256 index) internal pure returns (bytes32) {
        return sha256(abi.encodePacked(uint8(0), bytes32(index)));
    }

    function root(uint256 size) internal pure returns (bytes32) {
        return mth(0, size);
    }

    function inclusion(uint256 index, uint256 size) internal pure returns (bytes32[] memory) {
        return _path(index, 0, size);
    }

    function consistency(uint256 m, uint256 n) internal pure returns (bytes32[] memory) {
        return _proof(m, 0, n, true);
    }

    function mth(uint256 start, uint256 end) internal pure returns (bytes32) {
        if (end - start == 1) return leaf(start);
        uint256 middle = start + _split(end - start);
        return sha256(abi.encodePacked(uint8(1), mth(start, middle), mth(middle, end)));
    }

    function _path(uint256 index, uint256 start, uint256 end) private pure returns (bytes32[] memory) {
        if (end - start == 1) return new bytes32[](0);
        uint256 middle = start + _split(end - start);
        if (index < middle) return _with(_path(index, start, middle), mth(middle, end));
        return _with(_path(index, middle, end), mth(start, middle));
    }

    function _proof(uint256 m, uint256 start, uint256 end, bool whole) private pure returns (bytes32[] memory) {
        if (m == end) return whole ? new bytes32[](0) : _with(new bytes32[](0), mth(start, end));
        uint256 middle = start + _split(end - start);
        if (m <= middle) return _with(_proof(m, start, middle, whole), mth(middle, end));
        return _with(_proof(m, middle, end, false), mth(start, middle));
    }

    /// @dev Largest power of two strictly below `size`.
    function _split(uint256 size) private pure returns (uint256 k) {
        k = 1;
        while (k << 1 < size) k <<= 1;
    }

    function _with(bytes32[] memory list, bytes32 last) private pure returns (bytes32[] memory longer) {
        longer = new bytes32[](list.length + 1);
        for (uint256 i = 0; i < list.length; ++i) {
            longer[i] = list[i];
        }
        longer[list.length] = last;
    }
}
