"""Providers of market data: data that comes with installed packages, and Yahoo Finance."""
