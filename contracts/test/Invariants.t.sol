// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AnchorRegistry} from "../src/AnchorRegistry.sol";
import {CashToken} from "../src/CashToken.sol";
import {SecurityToken} from "../src/SecurityToken.sol";
import {Settlement} from "../src/Settlement.sol";
import {Trade} from "../src/interfaces/ISettlement.sol";
import {Test} from "./utils/Test.sol";
import {TreeOracle} from "./utils/TreeOracle.sol";

/// @notice Does to the contracts whatever their users may do, and counts what happened.
contract Handler is Test {
    uint256 internal constant ACCOUNTS = 4;

    Settlement public immutable settlement;
    SecurityToken public immutable asset;
    CashToken public immutable cash;
    AnchorRegistry public immutable registry;

    mapping(uint256 id => uint256 times) public settled;
    uint256 public largestSize;
    bool public idReused;
    bool public legsParted;
    bool public anchorShrank;

    constructor() {
        vm.warp(1_800_000_000);
        settlement = new Settlement(address(this), address(this));
        settlement.setSettler(address(this), true);
        asset = new SecurityToken("Share", "SHR", "US0378331005", 6, address(settlement), address(this));
        cash = new CashToken("Dollar", "USD", address(settlement), address(this));
        registry = new AnchorRegistry("tallystick.example/log", address(this));
        for (uint256 i = 0; i < ACCOUNTS; ++i) {
            permission(i, 3);
            asset.mint(account(i), 1_000);
            cash.mint(account(i), 1_000);
        }
    }

    function account(uint256 i) public pure returns (address) {
        return vm.addr(1 + i % ACCOUNTS);
    }

    function settle(uint8 from, uint8 to, uint256 id, uint256 assetAmount, uint256 cashAmount) external {
        Trade memory trade = _trade(from, to, bound(id, 0, 40));
        trade.minAssetAmount = trade.assetAmount = bound(assetAmount, 1, 1_200);
        trade.cashAmount = bound(cashAmount, 1, 1_200);
        bytes32 digest = settlement.hashTrade(trade);
        bool used = settlement.isUsed(trade.id);
        uint256 units = asset.balanceOf(trade.seller);
        uint256 money = cash.balanceOf(trade.buyer);
        bool ok;
        try settlement.settle(trade, compact(1 + from % ACCOUNTS, digest), compact(_other(from, to), digest)) {
            ok = true;
            settled[trade.id] += 1;
            if (used) idReused = true;
        } catch {
            if (settlement.isUsed(trade.id) != used) idReused = true;
        }
        bool unitsWent = units - asset.balanceOf(trade.seller) == (ok ? trade.assetAmount : 0);
        bool moneyWent = money - cash.balanceOf(trade.buyer) == (ok ? trade.cashAmount : 0);
        if (!unitsWent || !moneyWent) legsParted = true;
    }

    function cancel(uint8 from, uint8 to, uint256 id) external {
        Trade memory trade = _trade(from, to, bound(id, 0, 40));
        bool used = settlement.isUsed(trade.id);
        bytes32 digest = settlement.hashCancel(trade);
        try settlement.cancel(trade, compact(1 + from % ACCOUNTS, digest), compact(_other(from, to), digest)) {
            if (used) idReused = true;
        } catch {
            if (!used) idReused = true;
        }
    }

    function permission(uint256 who, uint16 flags) public {
        address[] memory accounts = new address[](1);
        accounts[0] = account(who);
        asset.setPermissions(accounts, flags & 3);
    }

    function blockCash(uint256 who, bool blocked) external {
        address[] memory accounts = new address[](1);
        accounts[0] = account(who);
        cash.setBlocked(accounts, blocked);
    }

    function freeze(uint256 who, uint256 amount) external {
        asset.setFrozenTokens(account(who), bound(amount, 0, 2_000));
    }

    function force(uint8 from, uint8 to, uint256 amount) external {
        (address source, address target) = (account(from), vm.addr(_other(from, to)));
        if (!asset.canReceive(target)) return;
        asset.forcedTransfer(source, target, bound(amount, 0, asset.balanceOf(source)));
    }

    function issue(uint256 who, uint256 amount) external {
        if (asset.canReceive(account(who))) asset.mint(account(who), bound(amount, 0, 100));
        cash.burn(account(who), bound(amount, 0, cash.balanceOf(account(who))));
    }

    function append(uint256 size, bool honest) external {
        (uint64 before,,) = registry.head();
        size = bound(size, 0, 64);
        bool grows = size > before;
        bytes32 root = grows ? TreeOracle.root(size) : bytes32(size);
        bytes32[] memory proof = grows && before > 0 ? TreeOracle.consistency(before, size) : new bytes32[](0);
        if (!honest && before > 0) root = ~root;
        try registry.append(uint64(size), root, proof) {
            if (!grows || (!honest && before > 0)) anchorShrank = true;
            largestSize = size;
        } catch {
            if (grows && (honest || before == 0)) anchorShrank = true;
        }
    }

    function _other(uint8 from, uint8 to) private pure returns (uint256 key) {
        key = 1 + to % ACCOUNTS;
        if (key == 1 + from % ACCOUNTS) key = 1 + (uint256(to) + 1) % ACCOUNTS;
    }

    function _trade(uint8 from, uint8 to, uint256 id) private view returns (Trade memory) {
        return Trade({
            id: id,
            seller: account(from),
            buyer: vm.addr(_other(from, to)),
            asset: address(asset),
            cash: address(cash),
            assetAmount: 1,
            cashAmount: 1,
            minAssetAmount: 1,
            validFrom: 0,
            deadline: type(uint64).max
        });
    }
}

contract InvariantsTest is Test {
    Handler internal handler;

    /// @dev The handler can do what the invariants speak of: otherwise they would hold of nothing.
    function test_handler_settlesAndAnchors() external {
        handler.settle(0, 1, 7, 10, 20);
        assertEq(handler.settled(7), 1, "settled");
        handler.settle(0, 1, 7, 10, 20);
        assertEq(handler.settled(7), 1, "settled once");
        handler.append(3, true);
        handler.append(9, false);
        assertEq(handler.largestSize(), 3, "anchored what is honest");
        handler.append(9, true);
        assertEq(handler.largestSize(), 9, "anchored");
    }

    function setUp() public {
        handler = new Handler();
    }

    /// @dev forge reads from here whom to call.
    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    function invariant_balancesSumToTheSupply() external view {
        uint256 units;
        uint256 money;
        for (uint256 i = 0; i < 4; ++i) {
            units += handler.asset().balanceOf(handler.account(i));
            money += handler.cash().balanceOf(handler.account(i));
        }
        assertEq(units, handler.asset().totalSupply(), "units");
        assertEq(money, handler.cash().totalSupply(), "money");
    }

    function invariant_settlementHoldsNothing() external view {
        address settlement = address(handler.settlement());
        assertEq(handler.asset().balanceOf(settlement), 0, "units");
        assertEq(handler.cash().balanceOf(settlement), 0, "money");
    }

    function invariant_bothLegsOrNone() external view {
        assertFalse(handler.legsParted(), "one leg moved without the other");
    }

    function invariant_anIdSettlesAtMostOnce() external view {
        assertFalse(handler.idReused(), "an id was used twice, or a used id was freed");
        for (uint256 id = 0; id <= 40; ++id) {
            assertTrue(handler.settled(id) <= 1, "an id settled twice");
            assertTrue(handler.settled(id) == 0 || handler.settlement().isUsed(id), "a settled id is free");
        }
    }

    function invariant_anchorOnlyGrows() external view {
        assertFalse(handler.anchorShrank(), "the registry took a head it should not, or refused an honest one");
        (uint64 size, bytes32 root,) = handler.registry().head();
        assertEq(size, handler.largestSize(), "size");
        if (size > 0) assertEq(root, TreeOracle.root(size), "root");
    }
}
