"""Writes what the dashboard's client is typed from: the OpenAPI document and its TypeScript.

    python -m scripts.openapi [--check]

Needs no database and no chain. The TypeScript is made by openapi-typescript from the front end's
packages; without them only the document is written. ``--check`` writes nothing and exits with 1
when a file is not what it would be.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from backend.platform.edge.document import openapi_document

FRONTEND = Path(__file__).resolve().parents[1] / "frontend"
DOCUMENT = FRONTEND / "openapi.json"
TYPES = FRONTEND / "src" / "api" / "schema.gen.ts"
GENERATOR = FRONTEND / "node_modules" / "openapi-typescript" / "bin" / "cli.js"


def document() -> str:
    """The document as text, the same for the same routes."""
    with tempfile.TemporaryDirectory() as folder:
        found = openapi_document(Path(folder))
    return json.dumps(found, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def types(text: str) -> str | None:
    """The TypeScript of a document; None where Node.js or the generator is missing."""
    node = shutil.which("node")
    if node is None or not GENERATOR.is_file():
        return None
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "openapi.json", Path(folder) / "schema.gen.ts"
        source.write_text(text, encoding="utf-8")
        command = [node, str(GENERATOR), str(source), "--output", str(target), "--alphabetize"]
        subprocess.run(command, check=True, cwd=FRONTEND, stdout=subprocess.DEVNULL)
        return target.read_text(encoding="utf-8")


def wanted() -> dict[Path, str]:
    """Every generated file with its content."""
    text = document()
    made = types(text)
    return {DOCUMENT: text} if made is None else {DOCUMENT: text, TYPES: made}


def stale(files: dict[Path, str]) -> list[Path]:
    """Those that are missing or differ."""
    return [
        path
        for path, text in files.items()
        if not path.is_file() or path.read_text(encoding="utf-8") != text
    ]


def main(arguments: list[str]) -> int:
    """Write, or check; the exit code."""
    if arguments not in ([], ["--check"]):
        print(__doc__, file=sys.stderr)
        return 2
    files = wanted()
    changed = stale(files)
    if arguments:
        for path in changed:
            print(f"{path.relative_to(FRONTEND.parent)} is not current: python -m scripts.openapi")
        return 1 if changed else 0
    for path in changed:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(files[path], encoding="utf-8")
        print(f"wrote {path.relative_to(FRONTEND.parent)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
