"""Settings: every one is listed, none is misspelt in silence, none shows its value in an error."""

import os
import re
from pathlib import Path

import pytest

from backend.platform.errors import ConfigurationInvalid
from backend.platform.settings import Settings, environment_names, load_settings

_CHECKOUT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("TALLYSTICK_") or name in ("DATABASE_URL", "CHAIN_RPC_URL"):
            monkeypatch.delenv(name)
    monkeypatch.setitem(Settings.model_config, "env_file", None)


def test_the_example_lists_every_setting_and_nothing_else() -> None:
    example = (_CHECKOUT / ".env.example").read_text(encoding="utf-8")
    listed = re.findall(r"^#([A-Z_]+)=", example, re.MULTILINE)
    assert sorted(listed) == sorted(environment_names().values())


def test_the_example_states_the_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    defaults = load_settings()
    example = (_CHECKOUT / ".env.example").read_text(encoding="utf-8")
    uncommented = tmp_path / "env"
    uncommented.write_text(re.sub(r"^#([A-Z_]+=)", r"\1", example, flags=re.MULTILINE))
    monkeypatch.setitem(Settings.model_config, "env_file", uncommented)
    assert load_settings() == defaults


def test_the_environment_is_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://a@b/c")
    monkeypatch.setenv("TALLYSTICK_HOME", str(tmp_path))
    settings = load_settings(port=9000)
    assert settings.database_url is not None
    assert settings.database_url.get_secret_value() == "postgresql://a@b/c"
    assert (settings.home, settings.base_url) == (tmp_path, "http://localhost:9000")


def test_a_relative_home_lies_in_the_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TALLYSTICK_HOME", "elsewhere")
    assert load_settings().home == _CHECKOUT / "elsewhere"


def test_secrets_are_not_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://a:secret@b/c")
    assert "secret@" not in repr(load_settings())


def test_a_wrong_value_is_named_but_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TALLYSTICK_PORT", "not-to-be-shown")
    with pytest.raises(ConfigurationInvalid, match="TALLYSTICK_PORT") as caught:
        load_settings()
    assert "not-to-be-shown" not in f"{caught.value}{caught.value.context}"


def test_a_misspelt_name_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TALLYSTICK_PROT", "9000")
    with pytest.raises(ConfigurationInvalid, match="did you mean TALLYSTICK_PORT"):
        load_settings()


@pytest.mark.parametrize("origin", ["with space", "plus+sign", ""])
def test_an_origin_the_log_format_forbids_is_refused(origin: str) -> None:
    with pytest.raises(ConfigurationInvalid, match="TALLYSTICK_LOG_ORIGIN"):
        load_settings(log_origin=origin)


HERE = {
    "TALLYSTICK_FAULTS": "sequencer.moved:2",
    "DATABASE_URL": "host=/tmp/socket dbname=tallystick user=tallystick",
    "CHAIN_RPC_URL": "http://127.0.0.1:8545",
}


def test_fault_points_are_armed_where_everything_is_on_this_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in HERE.items():
        monkeypatch.setenv(name, value)
    assert load_settings().faults == "sequencer.moved:2"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "postgresql://tallystick@db.example/tallystick"),
        ("DATABASE_URL", "host=127.0.0.1 hostaddr=203.0.113.7 dbname=tallystick"),
        ("DATABASE_URL", "postgresql://tallystick@localhost,db.example/tallystick"),
        ("CHAIN_RPC_URL", "https://node.example"),
        ("TALLYSTICK_PUBLIC_URL", "https://venue.example"),
        ("TALLYSTICK_HOST", "0.0.0.0"),
        ("TALLYSTICK_CHAIN_ID", "1"),
    ],
)
def test_and_nowhere_else(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    for key, given in {**HERE, name: value}.items():
        monkeypatch.setenv(key, given)
    with pytest.raises(ConfigurationInvalid, match="TALLYSTICK_FAULTS"):
        load_settings()
