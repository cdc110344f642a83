"""Orders, the venue's order book with price-time priority, and the matching of the two."""
