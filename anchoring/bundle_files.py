"""Proof bundles on disk: the entries, the proof, the chain evidence, and the trust inputs.

========================= =========================================================
NAME.tlog-proof           one entry; beside it NAME.event
NAME.tlog-batch           many entries; beside it NAME.events
NAME.tlog-range           a contiguous range; beside it NAME.events
NAME.stream               all events of a stream; beside it NAME.events, NAME.tlog-batch
NAME.anchor               chain evidence for the proof's checkpoint, with any of them
NAME.personal             values that open commitments of the events
NAME.erasure.tlog-proof   an erasure of such values; beside it NAME.erasure.event
========================= =========================================================

``policy.txt``, ``keys`` and ``trust`` may lie beside a proof for convenience. They are then the
word of whoever gave the bundle; a careful reader brings their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from anchoring.errors import MalformedInput
from anchoring.proof_kinds import ProofKind, proof_kind
from anchoring.proof_text import MAX_FILE_BYTES

PROOF_SUFFIX = ProofKind.ENTRY.suffix
BATCH_SUFFIX = ProofKind.BATCH.suffix
STREAM_SUFFIX = ProofKind.STREAM.suffix
EVENT_SUFFIX = ".event"
EVENTS_SUFFIX = ".events"
ANCHOR_SUFFIX = ".anchor"
PERSONAL_SUFFIX = ".personal"
ERASURE_SUFFIX = ".erasure"
POLICY_NAME = "policy.txt"
KEYS_NAME = "keys"
TRUST_NAME = "trust"


@dataclass(frozen=True, slots=True)
class Bundle:
    """The bytes of one proof: the log entry, its proof, and the chain evidence if there is any.

    ``personal`` is a file of disclosed values, ``erasures`` are bundles of erasure events.
    """

    event: bytes
    proof: bytes
    anchor: bytes | None = None
    personal: bytes | None = None
    erasures: tuple[Bundle, ...] = ()


@dataclass(frozen=True, slots=True)
class EventsBundle:
    """The bytes of a proof of many entries: ``events`` is a whole NAME.events file.

    ``proof`` is a batch or a range proof; with ``stream``, the file that shows the stream
    complete, it is a batch proof.
    """

    events: bytes
    proof: bytes
    anchor: bytes | None = None
    stream: bytes | None = None
    personal: bytes | None = None
    erasures: tuple[Bundle, ...] = ()


AnyBundle: TypeAlias = Bundle | EventsBundle


@dataclass(frozen=True, slots=True)
class BundlePaths:
    """Files that the user names; those left out are looked for beside the proof."""

    event: Path | None = None
    events: Path | None = None
    batch: Path | None = None
    anchor: Path | None = None
    personal: Path | None = None
    erasures: tuple[Path, ...] = ()


def write_bundle(folder: Path, name: str, bundle: AnyBundle) -> Path:
    """Write the bundle's files into ``folder``; returns the path to give to ``tally verify``."""
    if not name or Path(name).name != name:
        raise MalformedInput(f"{name!r} cannot name a bundle")
    folder.mkdir(parents=True, exist_ok=True)
    suffix = proof_kind(bundle.proof).suffix
    files: dict[str, bytes | None] = {suffix: bundle.proof, ANCHOR_SUFFIX: bundle.anchor}
    if isinstance(bundle, Bundle):
        files[EVENT_SUFFIX] = bundle.event
    else:
        files |= {EVENTS_SUFFIX: bundle.events, STREAM_SUFFIX: bundle.stream}
        suffix = suffix if bundle.stream is None else STREAM_SUFFIX
    files[PERSONAL_SUFFIX] = bundle.personal
    for ending, data in files.items():
        path = folder / (name + ending)
        if data is None:
            path.unlink(missing_ok=True)  # of an older bundle of the name
        else:
            path.write_bytes(data)
    for number, erasure in enumerate(bundle.erasures, start=1):
        write_bundle(folder, _erasure_name(name, number), erasure)
    after = _erasure_name(name, len(bundle.erasures) + 1)
    for ending in (PROOF_SUFFIX, EVENT_SUFFIX):
        (folder / (after + ending)).unlink(missing_ok=True)
    return folder / (name + suffix)


def _erasure_name(name: str, number: int) -> str:
    """The first is NAME.erasure, the others NAME.erasure-2 and so on."""
    return name + (ERASURE_SUFFIX if number == 1 else f"{ERASURE_SUFFIX}-{number}")


def write_trust_inputs(folder: Path, policy: bytes, keys: bytes, trust: bytes | None) -> None:
    """Write ``policy.txt``, ``keys`` and, where a block is trusted, ``trust``."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / POLICY_NAME).write_bytes(policy)
    (folder / KEYS_NAME).write_bytes(keys)
    if trust is not None:
        (folder / TRUST_NAME).write_bytes(trust)


def beside(proof: Path, suffix: str) -> Path:
    """Return the path of the bundle's other file, by suffix."""
    name = proof.name
    for kind in ProofKind:
        if name.endswith(kind.suffix):
            name = name.removesuffix(kind.suffix)
            break
    return proof.with_name(name + suffix)


def read_file(path: Path, what: str) -> bytes:
    """Return a file's bytes.

    Raises MalformedInput naming ``what`` when it cannot be read or is longer than 64 MiB, before
    more than that is in memory: a bundle is the giver's, and may hold a link to a device.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise MalformedInput(f"cannot read {what} {path}: {error.strerror}") from error
    if len(data) > MAX_FILE_BYTES:
        raise MalformedInput(f"{what} {path} is longer than 64 MiB")
    return data


def read_bundle(proof: Path, event: Path | None = None, anchor: Path | None = None) -> Bundle:
    """Read the bundle of one entry; files not named are looked for beside the proof.

    The evidence may be absent unless it is named. Raises MalformedInput, also for a proof of
    many entries.
    """
    bundle, _ = read_any_bundle(proof, BundlePaths(event=event, anchor=anchor))
    if not isinstance(bundle, Bundle):
        raise MalformedInput(f"{proof} is a proof of many entries")
    return bundle


def read_any_bundle(
    proof: Path, paths: BundlePaths | None = None
) -> tuple[AnyBundle, dict[str, str]]:
    """Read a bundle of any kind; returns it, and where each file came from.

    What is not named in ``paths`` is looked for beside the proof; chain evidence, personal values
    and erasures may be absent there. Raises MalformedInput, also for a first line that names no
    kind of proof, and for a file named that this kind does not take.
    """
    reader = _Reader(proof, paths or BundlePaths())
    return reader.read(), reader.sources


class _Reader:
    def __init__(self, proof: Path, paths: BundlePaths) -> None:
        self._proof = proof
        self._paths = paths
        self.sources: dict[str, str] = {}

    def read(self) -> AnyBundle:
        data = read_file(self._proof, "the proof")
        kind = proof_kind(data)
        self._refuse_others(kind)
        paths = self._paths
        if kind is ProofKind.ENTRY:
            event = self._required("event", paths.event, EVENT_SUFFIX)
            anchor = self._optional("anchor", paths.anchor, ANCHOR_SUFFIX)
            return Bundle(event, data, anchor, self._personal(), self._erasures())
        events = self._required("events", paths.events, EVENTS_SUFFIX)
        stream = None
        if kind is ProofKind.STREAM:
            stream, data = data, self._required("batch", paths.batch, BATCH_SUFFIX)
        anchor = self._optional("anchor", paths.anchor, ANCHOR_SUFFIX)
        return EventsBundle(events, data, anchor, stream, self._personal(), self._erasures())

    def _refuse_others(self, kind: ProofKind) -> None:
        paths, is_single = self._paths, kind is ProofKind.ENTRY
        if is_single and paths.events is not None:
            raise MalformedInput("a proof of one entry takes --event, not --events")
        if not is_single and paths.event is not None:
            raise MalformedInput("a proof of many entries takes --events, not --event")
        if kind is not ProofKind.STREAM and paths.batch is not None:
            raise MalformedInput("only a stream proof takes --batch")

    def _personal(self) -> bytes | None:
        return self._optional("personal", self._paths.personal, PERSONAL_SUFFIX, is_named=False)

    def _erasures(self) -> tuple[Bundle, ...]:
        found = self._paths.erasures or self._erasures_beside()
        if found:
            self.sources["erasures"] = ", ".join(map(str, found))
        return tuple(read_bundle(path) for path in found)

    def _erasures_beside(self) -> tuple[Path, ...]:
        """NAME.erasure.tlog-proof, NAME.erasure-2.tlog-proof …; one without a proof ends it."""
        found: list[Path] = []
        while True:
            name = _erasure_name(beside(self._proof, "").name, len(found) + 1)
            path = self._proof.with_name(name + PROOF_SUFFIX)
            if not path.exists():
                if path.with_name(name + EVENT_SUFFIX).exists():
                    raise MalformedInput(f"{name}{EVENT_SUFFIX} has no proof beside it")
                return tuple(found)
            found.append(path)

    def _required(self, name: str, given: Path | None, suffix: str) -> bytes:
        path = given or beside(self._proof, suffix)
        self.sources[name] = str(path)
        return read_file(path, f"the {name}")

    def _optional(
        self, name: str, given: Path | None, suffix: str, is_named: bool = True
    ) -> bytes | None:
        path = given or beside(self._proof, suffix)
        if given is None and not path.exists():
            if is_named:
                self.sources[name] = "none"
            return None
        self.sources[name] = str(path)
        return read_file(path, f"the {name} file")
