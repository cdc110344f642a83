"""The published vectors of ``docs/vectors/``, made again by ``python -m scripts.vectors``."""
