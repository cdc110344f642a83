"""What the commands of this package share: options, trust inputs, refusals, JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, NoReturn
from urllib.parse import urlsplit

import typer
from rich.console import Console
from rich.markup import escape

from anchoring.bundle import POLICY_NAME, TRUST_NAME, read_file
from anchoring.errors import AnchoringError, MalformedInput
from anchoring.trust import Trust, parse_trust

MALFORMED_EXIT = 2

JsonFlag = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
PolicyFile = Annotated[Path | None, typer.Option("--policy", help="Log and witness keys, quorum.")]
KeysFile = Annotated[Path | None, typer.Option("--keys", help="Event keys, signed by the log.")]
TrustFile = Annotated[
    Path | None, typer.Option("--trust", help="Chain id, registry and trusted blocks.")
]
RpcUrl = Annotated[str | None, typer.Option("--rpc", help="A chain node that you trust.")]
Token = Annotated[
    str | None,
    typer.Option("--token", envvar="TALLY_LOG_TOKEN", help="Authorises reading entries."),
]
Location = Annotated[str, typer.Argument(metavar="URL|DIR", help="The log's prefix.")]


class Inputs:
    """Finds the trust inputs and remembers where each came from, for the output."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self.sources: dict[str, str] = {}

    def read(self, name: str, given: Path | None, file_name: str, required: bool) -> bytes | None:
        """Return an input's bytes: the file given, else the one beside the data.

        Raises MalformedInput when it is required and nowhere.
        """
        if given is not None:
            self.sources[name] = f"{given} (given)"
            return read_file(given, f"the {name} file")
        if self._folder is not None:
            path = self._folder / file_name
            if path.exists() or required:
                self.sources[name] = f"{path} (beside the data: the word of whoever gave it)"
                return read_file(path, f"the {name} file")
        if required:
            raise MalformedInput(f"no {name} file: give --{name}")
        self.sources[name] = "none"
        return None

    def read_trust(self, given: Path | None) -> Trust | None:
        """Return the parsed trust file, if there is one; raises MalformedInput."""
        data = self.read("trust", given, TRUST_NAME, required=False)
        return None if data is None else parse_trust(data)

    def read_policy(self, given: Path | None) -> bytes:
        """Return the policy file's bytes; raises MalformedInput when there is none."""
        return self.read("policy", given, POLICY_NAME, required=True) or b""


def printable(text: str) -> str:
    """Return ``text`` with every character that a terminal might obey written as an escape.

    Names of streams, logs and files come from whoever made the data: a control sequence in one
    could hide a verdict and draw another.
    """
    return "".join(
        character if character.isprintable() else ascii(character)[1:-1] for character in text
    )


def refuse(error: AnchoringError, as_json: bool) -> NoReturn:
    """Say in one line what could not be read, and end with the exit code for it."""
    message = printable(" ".join(str(error).split()))
    if as_json:
        print_json({"overall": "malformed input", "exit_code": MALFORMED_EXIT, "error": message})
    else:
        typer.echo(f"malformed input: {message}", err=True)
    raise typer.Exit(MALFORMED_EXIT)


def print_json(document: object) -> None:
    """Print one JSON document."""
    typer.echo(json.dumps(document, indent=2, sort_keys=True))


def print_sources(console: Console, sources: dict[str, str], title: str) -> None:
    """Print where each trust input came from."""
    console.print(f"[dim]{title}; inputs:[/dim]")
    for name, source in sources.items():
        console.print(f"  [dim]{name}: {escape(printable(source))}[/dim]")


def shown_address(url: str) -> str:
    """Return scheme and host of an address: the rest of a node's address is often a secret."""
    try:
        parts = urlsplit(url)
        port = "" if parts.port is None else f":{parts.port}"
    except ValueError:
        return "an address"
    return f"{parts.scheme}://{parts.hostname}{port}" if parts.hostname else "an address"
