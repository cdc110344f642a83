// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Settlement} from "../src/Settlement.sol";
import {ISettlement, Trade} from "../src/interfaces/ISettlement.sol";
import {TradeHash} from "../src/libraries/TradeHash.sol";
import {CrookedWallet, KeyWallet, RefusingDelegate, ShortWallet, VerboseWallet} from "./mocks/Wallets.sol";
import {SettlementFixture} from "./utils/SettlementFixture.sol";

contract ConsentTest is SettlementFixture {
    function refusedFor(address signer, Trade memory trade, bytes memory sellerSig, bytes memory buyerSig) private {
        vm.prank(SETTLER);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.BadSignature.selector, trade.id, signer));
        settlement.settle(trade, sellerSig, buyerSig);
    }

    /* KEYS */

    function test_consent_refusesAnothersSignature() public {
        (bytes memory sellerSig, bytes memory buyerSig) = signed(tradeOf(7));
        bytes memory strangerSig = compact(STRANGER_KEY, settlement.hashTrade(tradeOf(7)));
        refusedFor(seller, tradeOf(7), strangerSig, buyerSig);
        refusedFor(buyer, tradeOf(7), sellerSig, strangerSig);
        refusedFor(seller, tradeOf(7), buyerSig, sellerSig);
    }

    function test_consent_isNotImpliedForTheSettler() public {
        (bytes memory sellerSig, bytes memory buyerSig) = signed(tradeOf(7));
        refusedFor(seller, tradeOf(7), "", buyerSig);
        refusedFor(buyer, tradeOf(7), sellerSig, "");
    }

    function test_consent_ofTheSenderMustBeRightIfGiven() public {
        (bytes memory sellerSig,) = signed(tradeOf(7));
        vm.prank(buyer);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.BadSignature.selector, 7, buyer));
        settlement.settle(tradeOf(7), sellerSig, sellerSig);
    }

    function testFuzz_consent_coversEveryMember(uint8 member, uint256 value) public view {
        Trade memory trade = tradeOf(7);
        (bytes memory sellerSig, bytes memory buyerSig) = signed(trade);
        bytes32 before = settlement.hashTrade(trade);
        uint256 slot = bound(member, 0, 9);
        // Narrow members keep their width: a wider word is refused before any signature is looked at.
        if (slot >= 1 && slot <= 4) value = uint160(value);
        if (slot >= 8) value = uint64(value);
        assembly {
            let place := add(trade, mul(slot, 0x20))
            if iszero(eq(mload(place), value)) { mstore(place, value) }
        }
        bytes32 hash = settlement.hashTrade(trade);
        vm.assume(hash != before);
        assertFalse(settlement.check(trade, sellerSig, buyerSig) & 8 == 0, "seller's signature still good");
        assertFalse(settlement.check(trade, sellerSig, buyerSig) & 16 == 0, "buyer's signature still good");
    }

    function test_consent_refusesTheMalleableForm() public {
        Trade memory trade = tradeOf(7);
        bytes32 digest = settlement.hashTrade(trade);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(SELLER_KEY, digest);
        uint8 mirrored = v == 27 ? 28 : 27;
        bytes32 high = bytes32(ORDER - uint256(s));
        // Control: the curve itself accepts the mirrored form.
        assertEq(ecrecover(digest, mirrored, r, high), seller, "mirrored signature recovers");
        refusedFor(seller, trade, abi.encodePacked(r, high, mirrored), compact(BUYER_KEY, digest));
    }

    function testFuzz_consent_refusesOtherLengths(bytes calldata junk) public {
        vm.assume(junk.length != 64 && junk.length != 65);
        (, bytes memory buyerSig) = signed(tradeOf(7));
        refusedFor(seller, tradeOf(7), junk, buyerSig);
    }

    function testFuzz_consent_refusesRandomSignatures(bytes32 r, bytes32 s, uint8 v) public {
        (, bytes memory buyerSig) = signed(tradeOf(7));
        refusedFor(seller, tradeOf(7), abi.encodePacked(r, s, v), buyerSig);
        refusedFor(seller, tradeOf(7), abi.encodePacked(r, s), buyerSig);
    }

    function test_consent_isNeverOfTheZeroAddress() public {
        Trade memory trade = tradeOf(7);
        trade.seller = address(0);
        (, bytes memory buyerSig) = signed(trade);
        // v = 29 makes ecrecover answer the zero address.
        refusedFor(address(0), trade, abi.encodePacked(bytes32(uint256(1)), bytes32(uint256(1)), uint8(29)), buyerSig);
    }

    /* DOMAIN */

    function test_consent_ofAnotherChainIsRefused() public {
        (bytes memory sellerSig, bytes memory buyerSig) = signed(tradeOf(7));
        bytes32 here = settlement.DOMAIN_SEPARATOR();
        vm.chainId(999);
        assertFalse(settlement.DOMAIN_SEPARATOR() == here, "domain follows the chain");
        refusedFor(seller, tradeOf(7), sellerSig, buyerSig);
        settle(tradeOf(7));
    }

    function test_consent_ofAnotherContractIsRefused() public {
        Settlement other = new Settlement(OWNER, GUARDIAN);
        bytes32 digest = other.hashTrade(tradeOf(7));
        refusedFor(seller, tradeOf(7), compact(SELLER_KEY, digest), compact(BUYER_KEY, digest));
    }

    function testFuzz_hash_equalsTheAbiEncoding(Trade memory trade) public view {
        bytes32 structHash = keccak256(abi.encode(TradeHash.TRADE_TYPEHASH, trade));
        bytes32 expected = keccak256(abi.encodePacked(hex"1901", settlement.DOMAIN_SEPARATOR(), structHash));
        assertEq(settlement.hashTrade(trade), expected, "EIP-712 hash");
    }

    function test_domain_isReadable() public view {
        (bytes1 fields, string memory name, string memory version, uint256 chainId, address verifying,,) =
            settlement.eip712Domain();
        assertEq(uint8(fields), 0x0f, "fields");
        bytes32 separator = keccak256(
            abi.encode(TradeHash.DOMAIN_TYPEHASH, keccak256(bytes(name)), keccak256(bytes(version)), chainId, verifying)
        );
        assertEq(settlement.DOMAIN_SEPARATOR(), separator, "separator");
        assertEq(keccak256(bytes(name)), keccak256("Tallystick Settlement"), "name");
    }

    /* CONTRACTS */

    function walletTrade(address wallet) private returns (Trade memory trade) {
        trade = tradeOf(7);
        trade.seller = wallet;
        asset.mint(wallet, 1_000);
    }

    function test_consent_ofAnErc1271Wallet() public {
        KeyWallet wallet = new KeyWallet(stranger);
        wallet.approve(asset, address(settlement));
        Trade memory trade = walletTrade(address(wallet));
        bytes32 digest = settlement.hashTrade(trade);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(STRANGER_KEY, digest);
        refusedFor(address(wallet), trade, abi.encode(r, s, v ^ 7), compact(BUYER_KEY, digest));
        settleAs(SETTLER, trade, abi.encode(r, s, v), compact(BUYER_KEY, digest));
        assertEq(asset.balanceOf(buyer), 10, "asset of the buyer");
    }

    function test_consent_refusesTheMagicValueInTheWrongPlace() public {
        Trade memory trade = walletTrade(address(new CrookedWallet()));
        refusedFor(trade.seller, trade, hex"01", compact(BUYER_KEY, settlement.hashTrade(trade)));
    }

    function test_consent_refusesAShortAnswer() public {
        Trade memory trade = walletTrade(address(new ShortWallet()));
        refusedFor(trade.seller, trade, hex"01", compact(BUYER_KEY, settlement.hashTrade(trade)));
    }

    function test_consent_copiesOneWordOfAWalletsAnswer() public {
        address wallet = address(new VerboseWallet());
        vm.prank(wallet);
        asset.approve(address(settlement), type(uint256).max);
        Trade memory trade = walletTrade(wallet);
        settleAs(SETTLER, trade, hex"01", compact(BUYER_KEY, settlement.hashTrade(trade)));
    }

    /// @dev An account with EIP-7702 code that refuses ERC-1271 still signs with its key.
    function test_consent_ofAKeyWithCode() public {
        vm.etch(seller, type(RefusingDelegate).runtimeCode);
        settle(tradeOf(7));
        assertBalances(990, 10, 700, 49_300);
    }
}
