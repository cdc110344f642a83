"""A migrated database for the corrections that speak of a schema; reference cases where present."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from backend.platform.postgres import EmbeddedPostgres
from tests.schema_template import make_template

CASES = Path(__file__).resolve().parents[3] / "shared" / "cases"


@pytest.fixture(scope="session")
def database_template(postgres_server: EmbeddedPostgres) -> str:
    return make_template(postgres_server)


@pytest.fixture
def reference_case() -> Callable[[str, str], dict[str, Any]]:
    """A case by file and id, with the series of its file; skips where the folder is absent."""

    def find(name: str, case_id: str) -> dict[str, Any]:
        path = CASES / f"{name}.json"
        if not path.is_file():
            pytest.skip("../shared/cases is not beside this repository")
        document = json.loads(path.read_text("utf-8"))
        (case,) = [each for each in document["cases"] if each["id"] == case_id]
        return {**case, "series": document.get("series", {})}

    return find
