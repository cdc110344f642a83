"""Set-up, compile, deploy and benchmark entry points; thin, no logic that a test should cover."""
