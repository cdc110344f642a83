"""Figures beside their peers and floors, measured in one run: ``make bench``."""
