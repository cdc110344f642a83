"""Portfolios, accounts, lots and the double-entry ledger: what a participant owns and owes."""
