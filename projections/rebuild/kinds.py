"""The kinds of facts there are, each with its number in a block."""

from __future__ import annotations

from typing import Any, Final, get_args

import msgspec

from projections.facts import Fact, Observed

KINDS: Final[tuple[type[Fact], ...]] = tuple(
    sorted(
        (
            *Observed.__subclasses__(),
            *(kind for kind in get_args(Fact) if isinstance(kind, type)),
        ),
        key=lambda kind: kind.__name__,
    )
)
NUMBER: Final = {kind: number for number, kind in enumerate(KINDS)}
DECODERS: Final[tuple[msgspec.msgpack.Decoder[Any], ...]] = tuple(
    msgspec.msgpack.Decoder(kind) for kind in KINDS
)
