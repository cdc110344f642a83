"""Pure: the order, the order book, and the book as a stream of events."""
