"""docker-compose.yml and the Dockerfile: valid, linted, and in agreement with the program.

No container engine is needed. `compose-spec` knows the schema but follows no name, so every
cross-reference is followed here; each rule is also broken on purpose.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import compose_spec
import pytest
import typer.main
import yaml

from backend.cli import application
from backend.platform.settings import environment_names

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docker-compose.yml").read_text("utf-8")
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")
ENTRYPOINT = (ROOT / "deploy" / "entrypoint.sh").read_text("utf-8")
OURS = ("migrate", "deploy", "sequencer", "worker", "anchorer", "api")
JOBS = ("migrate", "deploy")
EXACT = re.compile(r"[a-z0-9][a-z0-9./-]*:[0-9]+(\.[0-9]+)+(-[a-z0-9.-]+)?")


@pytest.fixture
def compose():
    return yaml.safe_load(TEXT)


def faults(compose):
    """Every name that leads nowhere, every image without an exact version, every open port."""
    services = compose["services"]
    for name, service in services.items():
        if "image" not in service:
            yield f"{name}: no image"
        elif not EXACT.fullmatch(service["image"]):
            yield f"{name}: image {service['image']} is not an exact version"
        for kind in ("networks", "secrets"):
            for each in service.get(kind, []):
                if each not in compose[kind]:
                    yield f"{name}: {kind} {each}"
        for mount in service.get("volumes", []):
            if mount.split(":")[0] not in compose["volumes"]:
                yield f"{name}: volume {mount}"
        for other, rule in service.get("depends_on", {}).items():
            if other not in services:
                yield f"{name}: depends on {other}"
            elif rule["condition"] == "service_healthy" and "healthcheck" not in services[other]:
                yield f"{name}: waits for the health of {other}, which has no check"
            elif rule["condition"] == "service_completed_successfully" and (
                services[other].get("restart") != "no"
            ):
                yield f"{name}: waits for the end of {other}, which is restarted"
        for port in service.get("ports", []):
            if not port.startswith("127.0.0.1:"):
                yield f"{name}: port {port} is open to others"
        for key, value in service.get("environment", {}).items():
            if key.endswith("_FILE") and Path(value).name not in service.get("secrets", []):
                yield f"{name}: {key} names a secret it is not given"


def test_it_is_a_valid_compose_file(compose):
    # The parser takes no YAML merge keys; resolved, it is what an engine sees.
    compose_spec.PyCompose.from_yaml(yaml.safe_dump(compose)).validate()


def test_the_schema_check_notices_an_unknown_key(compose):
    compose["services"]["api"]["prots"] = []
    with pytest.raises(ValueError, match="prots"):
        compose_spec.PyCompose.from_yaml(yaml.safe_dump(compose)).validate()


def test_every_reference_leads_somewhere(compose):
    assert list(faults(compose)) == []


def broken(change):
    compose = yaml.safe_load(TEXT)
    change(compose["services"])
    return list(faults(compose))


@pytest.mark.parametrize(
    "change",
    [
        lambda s: s["api"].update(image="tallystick:latest"),
        lambda s: s["postgres"].update(image="postgres:18"),
        lambda s: s["api"].update(networks=["data", "chian"]),
        lambda s: s["api"].update(secrets=["login_password", "key_passphrase", "key"]),
        lambda s: s["api"].update(volumes=["hom:/var/lib/tallystick"]),
        lambda s: s["api"].update(depends_on={"deploi": {"condition": "service_started"}}),
        lambda s: s["chain"].pop("healthcheck"),
        lambda s: s["migrate"].update(restart="always"),
        lambda s: s["api"].update(ports=["8000:8000"]),
        lambda s: s["worker"].update(secrets=["key_passphrase"]),
    ],
)
def test_the_reference_check_notices(change):
    assert broken(change)


# --------------------------------------------------------------------------- E-20 and hardening


def test_e20_no_version_key_and_nothing_a_vite_build_would_not_read(compose):
    assert "version" not in compose
    sources = [ROOT / "docker-compose.yml", ROOT / "Dockerfile", ROOT / "frontend" / "index.html"]
    sources += list((ROOT / "frontend" / "src").rglob("*.ts*"))
    assert not [path for path in sources if "REACT_APP_" in path.read_text("utf-8")]
    assert "timescale" not in TEXT
    assert "redis" not in TEXT


def test_only_the_api_is_published_and_only_on_this_machine(compose):
    published = {n: s["ports"] for n, s in compose["services"].items() if "ports" in s}
    assert list(published) == ["api"]
    assert all(port.startswith("127.0.0.1:") for port in published["api"])
    inner = {n for n, net in compose["networks"].items() if net.get("internal")}
    for name, service in compose["services"].items():
        assert name == "api" or set(service["networks"]) <= inner


def test_containers_may_write_to_their_volumes_only_and_gain_no_rights(compose):
    for service in compose["services"].values():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert "no-new-privileges:true" in service["security_opt"]
    # The image of PostgreSQL starts as root, hands its folder over and steps down.
    assert [n for n, s in compose["services"].items() if "cap_add" in s] == ["postgres"]
    users = re.findall(r"^USER (\S+)$", DOCKERFILE, re.MULTILINE)
    assert len(users) == 2
    assert all(re.fullmatch(r"[1-9][0-9]*:[1-9][0-9]*", user) for user in users)


def test_no_secret_stands_in_the_file(compose):
    for name, secret in compose["secrets"].items():
        assert secret == {"file": f"./deploy/secrets/{name}"}
    assert "/deploy/secrets/" in (ROOT / ".gitignore").read_text("utf-8").splitlines()
    assert not re.search(r"://[^/\s@:]+:[^/\s@]+@", TEXT)  # no password inside a URL
    made = re.search(r"for name in (.*); do", (ROOT / "deploy" / "make-secrets.sh").read_text())
    assert made is not None
    assert made[1].split() == list(compose["secrets"])


def test_the_secrets_are_made_once_and_behind_a_closed_folder(tmp_path):
    script = shutil.copy(ROOT / "deploy" / "make-secrets.sh", tmp_path)
    folder = tmp_path / "secrets"
    subprocess.run([script], check=True, capture_output=True)
    made = {path.name: path.read_text() for path in folder.iterdir()}
    assert set(made) == set(yaml.safe_load(TEXT)["secrets"])
    assert len(set(made.values())) == len(made)
    assert all(re.fullmatch(r"[0-9a-f]{64}", each) for each in made.values())
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o444}
    subprocess.run([script], check=True, capture_output=True)
    assert {path.name: path.read_text() for path in folder.iterdir()} == made


def test_everything_that_stays_up_has_a_health_check_and_comes_back(compose):
    for name, service in compose["services"].items():
        if name in JOBS:
            assert "healthcheck" not in service
        else:
            assert service["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL")
            assert service["restart"] == "unless-stopped"


# ------------------------------------------------------------------- agreement with the program


def test_every_command_is_one_of_tally_with_options_it_has(compose):
    commands = typer.main.get_command(application()).commands
    for name in OURS:
        command, *arguments = compose["services"][name]["command"]
        known = {option for each in commands[command].params for option in each.opts}
        assert {each for each in arguments if each.startswith("--")} <= known
    for name in ("sequencer", "worker", "anchorer"):
        check = compose["services"][name]["healthcheck"]["test"]
        assert check == ["CMD", "tallystick-entrypoint", "alive", name]
        assert "alive" in commands


def test_every_variable_is_a_setting_or_read_by_the_entry_point(compose):
    read = {"PGPASSWORD_FILE", "KEY_PASSPHRASE_FILE"}
    assert all(f"${{{name}:-}}" in ENTRYPOINT for name in read)
    known = set(environment_names().values()) | read
    for name in OURS:
        assert set(compose["services"][name]["environment"]) <= known
    image = set(re.findall(r"(TALLYSTICK_\w+|DATABASE_URL|CHAIN_RPC_URL)", DOCKERFILE))
    assert image <= known


def test_ports_hosts_and_chain_id_agree(compose):
    services = compose["services"]
    api = services["api"]["environment"]
    assert services["api"]["ports"] == [f"127.0.0.1:{api['TALLYSTICK_PORT']}:8000"]
    assert api["TALLYSTICK_PORT"] in services["api"]["healthcheck"]["test"][-1]
    assert api["TALLYSTICK_PUBLIC_URL"].endswith(":" + api["TALLYSTICK_PORT"])
    assert "EXPOSE 8000" in DOCKERFILE
    anvil = dict(
        each.removeprefix("--").partition("=")[::2] for each in services["chain"]["command"]
    )
    for name in OURS:
        environment = services[name]["environment"]
        host = re.search(r"@(\w+):5432/(\w+)", environment["DATABASE_URL"])
        assert host is not None
        assert host[1] in services
        assert host[2] == services["postgres"]["environment"]["POSTGRES_DB"]
        if "CHAIN_RPC_URL" in environment:
            assert environment["CHAIN_RPC_URL"] == f"http://chain:{anvil['port']}"
            assert environment["TALLYSTICK_CHAIN_ID"] == anvil["chain-id"]
    assert anvil["state"].startswith(services["chain"]["volumes"][0].split(":")[1])


def test_the_versions_are_those_of_the_other_files(compose):
    services = compose["services"]
    project = (ROOT / "pyproject.toml").read_text("utf-8")
    version = re.search(r'^version = "(.+)"$', project, re.MULTILINE)
    assert version is not None
    assert {services[name]["image"] for name in OURS} == {f"tallystick:{version[1]}"}
    package = (ROOT / "package.json").read_text("utf-8")
    anvil = re.search(r'anvil-linux-amd64": "(.+)"', package)
    assert anvil is not None
    assert services["chain"]["image"] == f"tallystick-chain:{anvil[1]}"


@pytest.mark.db
def test_the_database_is_the_version_the_tests_run_on(compose, postgres_server):
    import psycopg

    with psycopg.connect(postgres_server.address().conninfo()) as connection:
        found = connection.info.server_version
    image = compose["services"]["postgres"]["image"]
    assert image == f"postgres:{found // 10_000}.{found % 10_000}-bookworm"


# ---------------------------------------------------------------------------------- Dockerfile


def lint(text):
    program = Path(sys.executable).with_name("hadolint")
    return subprocess.run(
        [program, "--no-color", "-"], input=text, capture_output=True, text=True, check=False
    )


def test_the_dockerfile_is_linted():
    assert (lint(DOCKERFILE).returncode, lint(DOCKERFILE).stdout) == (0, "")


def test_the_linter_notices_an_image_without_a_version():
    assert "DL3006" in lint(DOCKERFILE.replace("python:3.11.14-slim-bookworm AS runtime",
                                               "python AS runtime")).stdout  # fmt: skip


def test_stages_are_named_pinned_and_found(compose):
    stages = re.findall(r"^FROM (\S+)(?: AS (\w+))?$", DOCKERFILE, re.MULTILINE)
    names = [name for _, name in stages]
    assert "" not in names
    assert len(set(names)) == len(names)
    assert all(EXACT.fullmatch(image) for image, _ in stages)
    copied = set(re.findall(r"--from=(\w+)", DOCKERFILE))
    built = {s["build"]["target"] for s in compose["services"].values() if "build" in s}
    assert copied | built <= set(names)
    for image in ("node", "python"):  # one version of each
        assert len({found for found, _ in stages if found.startswith(image + ":")}) == 1


def copied_sources():
    lines = re.sub(r"\\\n", " ", DOCKERFILE).splitlines()
    for line in lines:
        if line.startswith("COPY ") and "--from=" not in line:
            yield from [each for each in line.split()[1:-1] if not each.startswith("--")]


def test_what_is_copied_is_there_and_not_kept_out():
    ignored = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    let_in = [line[1:] for line in ignored if line.startswith("!")]
    assert "*" in ignored
    assert all((ROOT / each).exists() for each in let_in)
    sources = list(copied_sources())
    assert len(sources) > 8
    for source in sources:
        path = source.rstrip("/")
        assert (ROOT / path).exists(), source
        assert any(path == each or path.startswith(each + "/") for each in let_in), source


def test_nothing_installs_without_a_lock_file_or_hashes():
    installs = [line for line in DOCKERFILE.splitlines() if re.search(r"npm |pip install", line)]
    for line in installs:
        assert line in ("RUN npm ci", "RUN npm run build") or "--require-hashes" in DOCKERFILE
    assert DOCKERFILE.count("--require-hashes") == DOCKERFILE.count("pip install") == 1
