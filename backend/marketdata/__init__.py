"""Prices, exchange rates and corporate actions: imported as data sets, with source and licence."""
