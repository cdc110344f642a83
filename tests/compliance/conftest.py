"""The same venue as trading's tests have."""

from tests.trading.conftest import database_template, store, venue

__all__ = ["database_template", "store", "venue"]
