"""Where a projection's rows and its bookmark are kept, whatever keeps them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, Generic, Protocol, Self, TypeVar

import attrs
import msgspec

from ledger.errors import UnavailableError
from projections.models.declaration import Projection
from projections.projector.folding import Failure, Key

S = TypeVar("S")
_ENCODER: Final = msgspec.msgpack.Encoder(order="deterministic")


class GenerationGoneError(UnavailableError):
    """The rows are those of an earlier generation, dropped since; begin from the live."""


class Codec(Generic[S]):
    """Writes the states of one projection, equal states as equal bytes."""

    def __init__(self, projection: Projection[S]) -> None:
        self._decoder: msgspec.msgpack.Decoder[S] = msgspec.msgpack.Decoder(
            projection.state
        )

    def encode(self, state: S) -> bytes:
        """Write *state*."""
        return _ENCODER.encode(state)

    def decode(self, kept: bytes) -> S:
        """Read what `encode` wrote."""
        return self._decoder.decode(kept)


@attrs.frozen(kw_only=True)
class Bookmark:
    """How far a projection has read.

    Attributes:
        generation: Which set of rows; a rebuild makes a new one.
        starts: Starts of a runner since the last progress.
    """

    generation: int
    version: int
    position: int
    starts: int = 0


@attrs.frozen(kw_only=True)
class Row:
    """An object's state as it is kept, and the account it refers to."""

    state: bytes
    refers: str | None = None


@attrs.frozen(kw_only=True)
class Progress:
    """What a batch changes, all of it or nothing.

    Attributes:
        after: Where the bookmark must stand.
        until: Where it stands then.
        rows: New or changed rows.
        replaced: Accounts whose other rows go: they were folded anew.
        parked: Accounts on whose events our code failed.
        passed_over: Accounts taken to be parked; one that is not any more undoes it all.
        translated: Stripe's types that are read; events of others are counted by type.
            Empty counts nothing.
        settled: Whether the runner works again, so that its starts are forgotten.
    """

    after: int
    until: int
    rows: Mapping[Key, Row] = attrs.Factory(dict)
    replaced: Collection[str] = ()
    parked: Collection[Failure] = ()
    passed_over: Collection[str] = ()
    translated: Collection[str] = ()
    settled: bool = True

    @property
    def is_plain(self) -> bool:
        """Whether nothing changes but rows and the bookmark."""
        return self.settled and not (
            self.replaced or self.parked or self.passed_over or self.translated
        )


class Rows(Protocol):
    """The rows of one generation of one projection."""

    @property
    def restarted(self) -> bool:
        """Whether starts of a runner are counted, which the next progress forgets."""
        ...

    async def bookmark(self) -> Bookmark:
        """Return how far the generation in use has been read."""
        ...

    async def started(self) -> int:
        """Count a start of a runner; return how many there were without progress."""
        ...

    async def suspected(self, account: str, position: int) -> int:
        """Count, before it happens, that an event is handled; return which time it is."""
        ...

    async def parked(self) -> frozenset[str]:
        """Return the accounts that are parked."""
        ...

    async def load(self, keys: Collection[Key]) -> Mapping[Key, bytes]:
        """Return the states of those *keys* that have one."""
        ...

    async def commit(self, progress: Progress) -> bool:
        """Keep *progress*; False, and nothing kept, if it began from what is no more."""
        ...

    async def pass_over(self, idle: Sequence[Self], after: int, until: int) -> bool:
        """Move the bookmarks of *idle*, which nothing changes; False if one was moved."""
        ...


def rows_of(
    projection: Projection[Any], codec: Codec[Any], states: Mapping[Key, Any]
) -> dict[Key, Row]:
    """Return *states* as they are kept, in order."""
    refers, encode = projection.refers, codec.encode
    if refers is None:
        return {key: Row(state=encode(states[key])) for key in sorted(states)}
    return {
        key: Row(state=encode(states[key]), refers=refers(states[key]))
        for key in sorted(states)
    }
