"""The demonstration's witnesses: one of each trader, who vouches that the log only ever grows.

Each is ``tally witness`` in a process of its own, with its key and its memory in the trader's
folder, as on the trader's own machine. The platform is told of them in a policy file that asks for
all of them; their ports are new at each start, their keys are not. An operator who set a policy
has witnesses: then none are started.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from anchoring.errors import KeyFileError, MalformedInput
from anchoring.note import VerifierKey
from anchoring.policy import Group, Policy, encode_policy, parse_policy
from anchoring.witness_keys import create_cosigner_keys, read_cosigners
from backend.kernel.errors import KeyUnavailable
from backend.platform.anvil.process import HOST
from backend.platform.demo.client import wait_for
from backend.platform.home import Home
from backend.platform.settings import Settings
from backend.platform.supervisor import Supervisor

SETTING = "TALLYSTICK_WITNESS_POLICY"
POLICY = "witness-policy.txt"
KEY = "witness.key"
EARLIER = "before-witnesses"
QUORUM = b"every-trader"
# What a trader's process would not have: the platform's settings and secrets.
_NOT_THEIRS = ("TALLYSTICK_", "TALLY_", "DATABASE_URL", "CHAIN_RPC_URL")
_PROOFS = (".event", ".events", ".anchor", ".personal", ".stream")


class _Line(msgspec.Struct):
    """What a witness says on its output, as far as it is needed here."""

    event: str = ""
    host: str = ""
    port: int = 0


@dataclass(frozen=True)
class Vouching:
    """A witness that was started; ``label`` is its name in the policy.

    Its output begins after the first ``said_before`` bytes of the file.
    """

    label: str
    key: VerifierKey
    output: Path
    said_before: int

    def url(self) -> str | None:
        """Where it listens, once it said so."""
        with self.output.open("rb") as file:
            file.seek(self.said_before)
            lines = file.read().split(b"\n")[:-1]
        for line in lines:
            try:
                said = msgspec.json.decode(line, type=_Line)
            except msgspec.DecodeError:
                continue
            if said.event == "listening":
                return f"http://{said.host}:{said.port}"
        return None


def environment(settings: Settings, home: Home) -> dict[str, str]:
    """What the platform's processes need in their environment to find the witnesses."""
    return {} if settings.witness_policy else {SETTING: str(home.demo / POLICY)}


def start(
    supervisor: Supervisor, settings: Settings, home: Home, names: Sequence[str]
) -> tuple[Vouching, ...]:
    """Start one witness for each trader, none where the operator chose others; does not wait.

    Raises KeyUnavailable when a key file cannot be used.
    """
    if settings.witness_policy:
        return ()
    _set_aside_what_has_no_cosignature(home.demo, names)
    logs = _log_keys(home, settings.log_origin)
    return tuple(_start(supervisor, home.demo, name, logs) for name in names)


def introduce(supervisor: Supervisor, home: Home, witnesses: Sequence[Vouching]) -> list[str]:
    """Wait until all listen, and write the policy that asks for all; returns who is where.

    Raises ProcessDied, and TimedOut after a minute.
    """
    policy = Policy()
    told = []
    for each in witnesses:
        url = wait_for(f"the witness {each.label}", each.url, meanwhile=supervisor.check)
        policy.witnesses[each.label.encode()] = each.key
        policy.urls[str(each.key)] = url
        told.append(f"{each.label} {url}")
    if told:
        policy.groups[QUORUM] = Group(len(told), tuple(policy.witnesses))
        policy.quorum = QUORUM
        _replace(home.demo / POLICY, encode_policy(policy))
    return told


def _start(supervisor: Supervisor, demo: Path, name: str, logs: Sequence[VerifierKey]) -> Vouching:
    folder, label = _folder(demo, name), name.lower().replace(" ", "-")
    signer, process = f"{label}.example/witness", f"witness-{folder.name}"
    key = _key(folder, signer)
    output = supervisor.output(process)
    before = output.stat().st_size if output.exists() else 0
    arguments = ["--key", str(folder / KEY), "--name", signer, "--state", str(folder)]
    for log in logs:
        arguments += ["--log", str(log)]
    theirs = {k: v for k, v in os.environ.items() if not k.startswith(_NOT_THEIRS)}
    supervisor.start_alone(process, ["witness", *arguments, "--host", HOST, "--port", "0"], theirs)
    return Vouching(label, key, output, before)


def _folder(demo: Path, name: str) -> Path:
    """The trader's own folder."""
    return demo / name.split()[0].lower()


def _key(folder: Path, signer: str) -> VerifierKey:
    """The witness's public key; the key file is made on first use and never again."""
    path = folder / KEY
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            create_cosigner_keys(path, None, None)
        (cosigner,) = read_cosigners(signer, path, None, None)
    except (KeyFileError, OSError) as error:
        raise KeyUnavailable(f"A witness's key file cannot be used: {error}", file=KEY) from error
    return cosigner.vkey


def _log_keys(home: Home, origin: str) -> list[VerifierKey]:
    """The log's keys: as published, or the first key of a log that was never published."""
    try:
        published = parse_policy((home.log / "policy.txt").read_bytes()).log_keys(origin)
    except (FileNotFoundError, MalformedInput):
        published = []
    return published or [home.log_signer(origin).vkey]


def _set_aside_what_has_no_cosignature(demo: Path, names: Sequence[str]) -> None:
    """Keep proofs from before there were witnesses beside the policy that they were made under."""
    if any((_folder(demo, name) / KEY).exists() for name in names):
        return
    found = [each for each in demo.glob("*") if each.suffix in _PROOFS or ".tlog-" in each.suffix]
    if not found or not (demo / "policy.txt").exists():
        return
    kept = demo / EARLIER
    kept.mkdir(exist_ok=True)
    for name in ("policy.txt", "keys", "trust"):
        (kept / name).write_bytes((demo / name).read_bytes())
    for each in found:
        each.replace(kept / each.name)


def _replace(path: Path, data: bytes) -> None:
    temporary = path.with_name(path.name + "~")
    temporary.write_bytes(data)
    temporary.replace(path)
