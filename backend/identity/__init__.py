"""Participants, their wallets and their credentials."""
