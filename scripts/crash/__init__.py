"""Crash suite: the real platform as processes, killed again and again, and then counted."""
