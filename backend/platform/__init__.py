"""What the platform runs on: settings, database, chain node, and the wiring of the contexts.

Only entry points (``backend.cli``) import this package; contexts never do.
"""
