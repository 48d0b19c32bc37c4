"""How bodies are stored: encodings by number, zstd with a dictionary kept in the log.

An encoding is never changed once rows use it: its number is part of each row's hash and
its dictionary is kept in the database, so that old rows can always be read. A new
dictionary gets a new number.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping
from importlib import resources
from typing import Final

import attrs
import zstandard

from ledger.errors import IntegrityFailureError

PLAIN: Final = 0
SHIPPED: Final = {1: "stripe_1.zdict"}
CURRENT: Final = 1
LEVEL: Final = 3
BODY_BYTES_MAX: Final = 64 * 1024 * 1024


@attrs.define(eq=False)
class UnknownEncodingError(IntegrityFailureError):
    """A row names an encoding this database lacks; restore ledger.encodings."""

    encoding_id: int

    def __str__(self) -> str:
        return (
            f"a body is stored in encoding {self.encoding_id}, which this ledger "
            "does not hold; restore the table ledger.encodings from a backup"
        )


def shipped_dictionaries() -> dict[int, bytes]:
    """Return the dictionaries of this release by encoding number."""
    folder = resources.files("ledger") / "dictionaries"
    return {number: (folder / name).read_bytes() for number, name in SHIPPED.items()}


def dictionary_digest(dictionary: bytes) -> str:
    """Return the SHA-256 by which a stored dictionary is compared with a shipped one."""
    return hashlib.sha256(dictionary).hexdigest()


class _Compressor(threading.local):
    """The compressor of one thread: it keeps state, and lets go of the interpreter."""

    def __init__(self, raw: bytes) -> None:
        dictionary = zstandard.ZstdCompressionDict(raw)
        dictionary.precompute_compress(level=LEVEL)
        # A body's own checksum would repeat what the chain proves.
        self.work = zstandard.ZstdCompressor(
            level=LEVEL, dict_data=dictionary, write_checksum=False, write_dict_id=False
        )


class _Decompressors(threading.local):
    """The decompressors of one thread.

    They let go of the interpreter while they work, and two threads in one crash.
    """

    def __init__(self, dictionaries: Mapping[int, bytes]) -> None:
        self.by_number = {
            number: zstandard.ZstdDecompressor(dict_data=zstandard.ZstdCompressionDict(raw))
            for number, raw in dictionaries.items()
        }


class Encodings:
    """Encodes new bodies with the current encoding and decodes every one it was given.

    Any thread may do either.
    """

    def __init__(self, dictionaries: Mapping[int, bytes]) -> None:
        self._decompressors = _Decompressors(dictionaries)
        for number, raw in dictionaries.items():
            if number == CURRENT:
                self._compressor = _Compressor(raw)

    @classmethod
    def shipped(cls) -> Encodings:
        """Return the encodings of this release, for a log that has no database."""
        return cls(shipped_dictionaries())

    def encode(self, body: bytes) -> tuple[int, bytes]:
        """Return the encoding's number and the stored bytes; plain if that is smaller."""
        packed = self._compressor.work.compress(body)
        return (CURRENT, packed) if len(packed) < len(body) else (PLAIN, body)

    def decode(self, encoding_id: int, stored: bytes) -> bytes:
        """Return the exact bytes that were encoded.

        Raises:
            UnknownEncodingError: The number is not among the dictionaries.
            IntegrityFailureError: The bytes are not what was stored.
        """
        if encoding_id == PLAIN:
            return stored
        decompressor = self._decompressors.by_number.get(encoding_id)
        if decompressor is None:
            raise UnknownEncodingError(encoding_id)
        try:
            return decompressor.decompress(stored, max_output_size=BODY_BYTES_MAX)
        except zstandard.ZstdError as error:
            raise IntegrityFailureError(
                f"a stored body cannot be decoded ({error}); run bl verify"
            ) from error
