// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title ERC-5267: the EIP-712 domain, readable
interface IERC5267 {
    /// @return fields bit set of the domain fields in use (0x0f: name, version, chainId, verifyingContract)
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
        );
}
