"""Append, load, sequence, project, replay: events in PostgreSQL, on their way to the log."""
