"""Value objects and base types every context shares. Imports nothing of ours."""
