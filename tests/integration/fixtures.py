"""The fixtures of every folder that tests the whole platform; conftest.py files import them."""

from collections.abc import Iterator

import pytest

from backend.platform.postgres import EmbeddedPostgres
from tests.integration.blueprint import Blueprint, blueprint
from tests.integration.world import World, open_world


@pytest.fixture(scope="session")
def plan(postgres_server: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> Blueprint:
    """What every world is copied from; made once a session."""
    return blueprint(postgres_server, tmp_path_factory.mktemp("blueprint"))


@pytest.fixture(scope="module")
def world(plan: Blueprint, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The module's own platform; its tests share what happens in it."""
    with open_world(plan, tmp_path_factory.mktemp("world")) as made:
        yield made


@pytest.fixture
def fresh_world(plan: Blueprint, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A platform of the test's own."""
    with open_world(plan, tmp_path_factory.mktemp("fresh")) as made:
        yield made
