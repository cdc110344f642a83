"""Write the vectors: ``python -m scripts.vectors``."""

from __future__ import annotations

from scripts.vectors.files import FOLDER, documents

if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, data in documents().items():
        (FOLDER / name).write_bytes(data)
