"""Pure rules: limits, checks and circuit breakers."""
