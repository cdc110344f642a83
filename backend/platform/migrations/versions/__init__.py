"""The schema's history: hand-written SQL under Alembic."""
