"""Generators of trades, shared by the settlement tests."""

from hypothesis import strategies as st

from backend.settlement.trade import Domain, Trade

addresses = st.binary(min_size=20, max_size=20).map(lambda raw: "0x" + raw.hex())
uint256 = st.integers(0, 2**256 - 1)
uint64 = st.integers(0, 2**64 - 1)
trades = st.builds(
    Trade,
    number=uint256,
    seller=addresses,
    buyer=addresses,
    asset=addresses,
    cash=addresses,
    asset_amount=uint256,
    cash_amount=uint256,
    min_asset_amount=uint256,
    valid_from=uint64,
    deadline=uint64,
)
domains = st.builds(Domain, chain_id=uint256, contract=addresses)
