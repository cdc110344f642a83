"""ABI and bytecode of our contracts, as compiled and committed."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from backend.kernel.errors import NotFound

DIRECTORY = Path(__file__).resolve().parents[3] / "contracts" / "artifacts"


class Artifact(msgspec.Struct, frozen=True):
    """One compiled contract."""

    name: str
    abi: list[dict[str, Any]]
    bytecode: str


@cache
def artifact(name: str, directory: Path = DIRECTORY) -> Artifact:
    """The committed artifact of contract ``name``. Raises NotFound."""
    try:
        document = json.loads((directory / f"{name}.json").read_text("utf-8"))
    except OSError as error:
        raise NotFound("The contract's artifact is not there; compile it first.", name=name) from (
            error
        )
    return Artifact(name, document["abi"], document["bytecode"])
