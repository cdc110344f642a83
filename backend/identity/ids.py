"""Identities that are fixed."""

VENUE_TENANT = "00000000-0000-7000-8000-000000000001"
"""The venue's own tenant: owner of books, trades, settlements and reference data."""
