"""Reference data: which securities exist, their tokens, and when their market settles."""
