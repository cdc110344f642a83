"""A persistent map of ids already handled: adding copies one small bucket, not the history."""

from zlib import crc32

import msgspec

_BUCKETS = 256


class Seen(msgspec.Struct, frozen=True):
    """Immutable id -> digest of the content it was used with."""

    buckets: tuple[dict[str, str], ...] = ({},) * _BUCKETS

    def get(self, key: str) -> str | None:
        """The digest recorded for ``key``, or None."""
        return self.buckets[_bucket(key)].get(key)

    def adding(self, key: str, digest: str) -> "Seen":
        """A map that also holds ``key``; this one is unchanged."""
        at = _bucket(key)
        grown = {**self.buckets[at], key: digest}
        return Seen((*self.buckets[:at], grown, *self.buckets[at + 1 :]))


def _bucket(key: str) -> int:
    return crc32(key.encode()) % _BUCKETS
