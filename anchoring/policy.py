"""Trust policies, c2sp.org/tlog-policy: which logs, which witnesses, and how many must sign.

Two rules are added. The key of a log never counts as a witness, whatever its name or type: a log
that vouches for itself would make a quorum of nothing. Groups are nested at most 64 deep: the
quorum is counted by recursion.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from anchoring.encoding import parse_decimal
from anchoring.errors import MalformedInput
from anchoring.note import (
    ALG_ED25519,
    ALG_ED25519_COSIGNATURE,
    ALG_MLDSA44_COSIGNATURE,
    VerifierKey,
    parse_vkey,
)

_LOG_TYPES = (ALG_ED25519, ALG_MLDSA44_COSIGNATURE)
_WITNESS_TYPES = (ALG_ED25519_COSIGNATURE, ALG_MLDSA44_COSIGNATURE)
_NONE = b"none"
_MAX_DEPTH = 64


@dataclass(frozen=True, slots=True)
class Group:
    """Witnessed when at least ``threshold`` of ``members`` (witnesses or groups) are."""

    threshold: int
    members: tuple[bytes, ...]


@dataclass(slots=True)
class Policy:
    """A parsed policy. Names are opaque bytes; ``quorum`` is None for ``quorum none``."""

    logs: list[VerifierKey] = field(default_factory=list)
    witnesses: dict[bytes, VerifierKey] = field(default_factory=dict)
    groups: dict[bytes, Group] = field(default_factory=dict)
    urls: dict[str, str] = field(default_factory=dict)
    quorum: bytes | None = None

    def log_keys(self, origin: str) -> list[VerifierKey]:
        """Return the keys of the log ``origin``."""
        return [key for key in self.logs if key.name == origin]

    def keys(self) -> list[VerifierKey]:
        """Return every key of the policy."""
        return [*self.logs, *self.witnesses.values()]

    def cosigned(self, signed: Iterable[VerifierKey]) -> set[bytes]:
        """Return the names of the witnesses among ``signed``, leaving out keys of logs."""
        own = {key.key for key in self.logs}
        present = {key for key in signed if key.key not in own}
        return {name for name, key in self.witnesses.items() if key in present}

    def is_met(self, signed: Iterable[VerifierKey]) -> bool:
        """Say whether the keys in ``signed``, whose lines are verified, reach the quorum."""
        if self.quorum is None:
            return True
        return self._is_witnessed(self.quorum, self.cosigned(signed))

    def _is_witnessed(self, name: bytes, signed: set[bytes]) -> bool:
        group = self.groups.get(name)
        if group is None:
            return name in signed
        count = sum(self._is_witnessed(member, signed) for member in group.members)
        return count >= group.threshold


def parse_policy(data: bytes) -> Policy:
    """Parse a policy file; raises MalformedInput with the number of the line."""
    if any((byte < 0x20 and byte not in b"\t\n") or byte == 0x7F for byte in data):
        raise MalformedInput("the policy holds a control character")
    if not data.endswith(b"\n"):
        raise MalformedInput("the policy's last line has no newline")
    reader = _PolicyReader()
    for number, line in enumerate(data[:-1].split(b"\n"), start=1):
        # Only space and tab separate; bytes.split() would also split at other white space.
        words = [word for word in line.replace(b"\t", b" ").split(b" ") if word]
        if not words or words[0].startswith(b"#"):
            continue
        try:
            reader.read(words)
        except MalformedInput as error:
            raise MalformedInput(f"policy line {number}: {error}") from error
    if not reader.has_quorum:
        raise MalformedInput("the policy has no quorum line")
    return reader.policy


class _PolicyReader:
    def __init__(self) -> None:
        self.policy = Policy()
        self.has_quorum = False
        self._grouped: set[bytes] = set()
        self._log_keys: set[bytes] = set()
        self._witness_keys: set[bytes] = set()
        self._depths: dict[bytes, int] = {}

    def read(self, words: list[bytes]) -> None:
        match words:
            case [b"log", key, *url] if len(url) < 2:
                self._add_log(_parse_key(key, _LOG_TYPES), url)
            case [b"witness", name, key, *url] if len(url) < 2:
                self._add_witness(name, _parse_key(key, _WITNESS_TYPES), url)
            case [b"group", name, threshold, *members] if members:
                self._add_group(name, threshold, tuple(members))
            case [b"quorum", name]:
                self._set_quorum(name)
            case _:
                raise MalformedInput("not a log, witness, group or quorum line")

    def _add_log(self, key: VerifierKey, url: list[bytes]) -> None:
        if key.key in self._log_keys:
            raise MalformedInput("this log key is listed twice")
        self._log_keys.add(key.key)
        self.policy.logs.append(key)
        self._add_url(key, url)

    def _add_witness(self, name: bytes, key: VerifierKey, url: list[bytes]) -> None:
        self._check_new(name)
        if key.key in self._witness_keys:
            raise MalformedInput("this witness key is listed twice")
        self._witness_keys.add(key.key)
        self.policy.witnesses[name] = key
        self._add_url(key, url)

    def _add_url(self, key: VerifierKey, url: list[bytes]) -> None:
        if url:
            self.policy.urls[str(key)] = url[0].decode("utf-8", "surrogateescape")

    def _add_group(self, name: bytes, threshold: bytes, members: tuple[bytes, ...]) -> None:
        self._check_new(name)
        for member in members:
            if not self._is_defined(member):
                raise MalformedInput(f"{member!r} is not defined on an earlier line")
            if member in self._grouped:
                raise MalformedInput(f"{member!r} is a member twice")
            self._grouped.add(member)
        depth = 1 + max(self._depths.get(member, 0) for member in members)
        if depth > _MAX_DEPTH:
            raise MalformedInput(f"groups are nested deeper than {_MAX_DEPTH}")
        self._depths[name] = depth
        self.policy.groups[name] = Group(_parse_threshold(threshold, len(members)), members)

    def _set_quorum(self, name: bytes) -> None:
        if self.has_quorum:
            raise MalformedInput("a second quorum line")
        if name != _NONE and not self._is_defined(name):
            raise MalformedInput(f"{name!r} is not defined on an earlier line")
        self.has_quorum = True
        self.policy.quorum = None if name == _NONE else name

    def _is_defined(self, name: bytes) -> bool:
        return name in self.policy.witnesses or name in self.policy.groups

    def _check_new(self, name: bytes) -> None:
        if name == _NONE or self._is_defined(name):
            raise MalformedInput(f"the name {name!r} is taken")


def encode_policy(policy: Policy) -> bytes:
    """Return the policy as a file: logs, witnesses, groups, quorum; parsing it gives it again."""

    def url(key: VerifierKey) -> bytes:
        found = policy.urls.get(str(key))
        return b"" if found is None else b" " + found.encode("utf-8", "surrogateescape")

    lines = [b"log " + str(key).encode() + url(key) for key in policy.logs]
    for name, key in policy.witnesses.items():
        lines.append(b"witness " + name + b" " + str(key).encode() + url(key))
    for name, group in policy.groups.items():
        lines.append(b" ".join((b"group", name, b"%d" % group.threshold, *group.members)))
    lines.append(b"quorum " + (policy.quorum or _NONE))
    return b"".join(line + b"\n" for line in lines)


def check_log_key(key: VerifierKey) -> VerifierKey:
    """Return a key that may be a log's; raises MalformedInput."""
    return _check_type(key, _LOG_TYPES)


def check_witness_key(key: VerifierKey) -> VerifierKey:
    """Return a key that may be a witness's or a mirror's; raises MalformedInput."""
    return _check_type(key, _WITNESS_TYPES)


def _check_type(key: VerifierKey, types: tuple[int, ...]) -> VerifierKey:
    if key.algorithm not in types:
        raise MalformedInput(f"a key of type {key.algorithm:#04x} cannot serve here")
    return key


def _parse_key(word: bytes, types: tuple[int, ...]) -> VerifierKey:
    try:
        key = parse_vkey(word.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise MalformedInput("a verifier key is not UTF-8") from error
    return _check_type(key, types)


def _parse_threshold(word: bytes, members: int) -> int:
    if word in (b"all", b"any"):
        return members if word == b"all" else 1
    threshold = parse_decimal(word.decode("latin-1"), "the threshold")
    if not 1 <= threshold <= members:
        raise MalformedInput(f"a threshold of {threshold} among {members} members")
    return threshold
