"""The parts of set-up: what was done before, programs, Python, npm, the dashboard.

Nothing but the standard library, and imported only under a Python that is new enough.
"""
