"""Facts packed: what a stretch of the log tells, in buckets of accounts.

    block 7      positions 28,673 to 32,768
      bucket 0   fact fact fact …      those of some accounts, in order of position
      …
      bucket 63

What is nobody's shares one account in the log, so there each object is sorted by itself.
A fact is packed as a row keeps it, and is not looked into before that is needed.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
import zstandard

from projections.facts import Fact, Observed, WareShown
from projections.rebuild.kinds import DECODERS, NUMBER

BLOCK_EVENTS: Final = 4096
BUCKETS: Final = 64
LEVEL: Final = 1
_OWN: Final = "ledger:"


class PackedFact(msgspec.Struct, frozen=True, array_like=True):
    """A fact, not looked into yet: what puts it in its place, and the rest packed.

    Attributes:
        kind: Its number among `projections.rebuild.kinds`.
        occurred_at: None where the fact has no time, or is folded by position alone.
        event_id: Of an observation; empty for what is folded whole.
    """

    kind: int
    account: str
    object_id: str
    occurred_at: datetime | None
    event_id: str
    position: int
    packed: msgspec.Raw

    @property
    def fact(self) -> Any:  # noqa: ANN401 - of any kind
        """The fact itself, read whenever it is asked for."""
        return DECODERS[self.kind].decode(self.packed)


_ENCODER: Final = msgspec.msgpack.Encoder(order="deterministic")
_DECODER: Final = msgspec.msgpack.Decoder(list[PackedFact])


def bucket_of(account: str, object_id: str) -> int:
    """Return where the facts of an object stand."""
    return spread(account, object_id) % BUCKETS


def spread(account: str, object_id: str) -> int:
    """Return a number that is evenly spread, and the same for all of an account."""
    name = object_id if not account or account.startswith(_OWN) else account
    return zlib.crc32(name.encode("utf-8", "surrogatepass"))


class Packer:
    """Packs the facts of one block, some at a time, so that they need not be held."""

    def __init__(self) -> None:
        self._packed = [bytearray() for _ in range(BUCKETS)]
        self._counts = [0] * BUCKETS
        self._shown: dict[str, list[WareShown]] = {}

    def take(self, facts: Iterable[tuple[int, Fact]]) -> None:
        """Pack *facts*, which follow those before in order of position.

        Raises:
            UnicodeEncodeError: A text in one of them cannot be kept.
        """
        into, packed, counts = _ENCODER.encode_into, self._packed, self._counts
        for position, fact in facts:
            number = NUMBER.get(type(fact))
            if number is None or (type(fact) is WareShown and not self._is_news(fact)):
                continue
            account, name = fact.account, fact.object_id
            bucket = spread(account, name) % BUCKETS
            event_id = fact.event_id if isinstance(fact, Observed) else ""
            record = (number, account, name, fact.occurred_at, event_id, position, fact)
            into(record, packed[bucket], -1)
            counts[bucket] += 1

    def blocks(self) -> list[bytes]:
        """Return what each bucket holds, compressed."""
        compressor = zstandard.ZstdCompressor(level=LEVEL)
        return [
            compressor.compress(b"\xdd" + count.to_bytes(4, "big") + packed)
            for count, packed in zip(self._counts, self._packed, strict=True)
        ]

    def _is_news(self, fact: WareShown) -> bool:
        """Tell whether no fact of this block says the same, sooner known and earlier.

        What is sold stands inside event after event: all but the first would be folded
        away, as `projections.models.catalogue` has it.
        """
        if fact.own:
            return True
        shown = self._shown.setdefault(fact.object_id, [])
        if any(
            known.occurred_at <= fact.occurred_at
            and (known.ware is fact.ware or known.ware == fact.ware)
            for known in shown
        ):
            return False
        shown.append(fact)
        return True


def unpacked(block: bytes) -> Sequence[PackedFact]:
    """Return the facts of a bucket."""
    return _DECODER.decode(zstandard.ZstdDecompressor().decompress(block))
