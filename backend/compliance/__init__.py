"""Checks before and after every trade, position limits, and the circuit breakers."""
