"""Fixtures of the reference contexts."""

from tests.securities.reference import blobs, database_template, store  # noqa: F401
