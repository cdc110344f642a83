"""Identities that are fixed."""

VENUE_TENANT = "00000000-0000-7000-8000-000000000001"
"""The venue's own tenant: owner of books, trades, settlements and reference data."""

VENUE_PARTICIPANT = "00000000-0000-7000-8000-000000000002"
"""The venue's operator, as a participant of its own tenant."""
