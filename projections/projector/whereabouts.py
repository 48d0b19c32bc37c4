"""Where an object is: whose it is by its id alone, and which objects nobody's is yet.

sub_1   cus_1                      a row of its own
ch_1    cus_1                      a reference
dp_1    ch_1, so cus_1             nobody's by itself, routed by what it names
re_9    ch_9, not seen yet         waits
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec
from psycopg import sql

from projections.models.invoices import INVOICES
from projections.models.payment_methods import PAYMENT_METHODS
from projections.models.routing import REFERENCES, UNROUTED, Loose
from projections.projector.generations import SCHEMA
from projections.projector.packing import packed

# What an object without a customer may name, and find its account by.
_OWNED: Final = (REFERENCES.name, INVOICES.name, PAYMENT_METHODS.name)
_DECODER: Final = msgspec.msgpack.Decoder(Loose)


def _view(name: str) -> sql.Identifier:
    return sql.Identifier(SCHEMA, name)


# What its surest reference leads to waits for nothing: only the others are looked at.
LOOSE: Final = sql.SQL("SELECT state FROM {unrouted} AS loose WHERE {unseen}").format(
    unrouted=_view(UNROUTED.name),
    unseen=sql.SQL(" AND ").join(
        sql.SQL(
            "NOT EXISTS (SELECT FROM {owned} WHERE object = convert_to(refers, 'UTF8'))"
        ).format(owned=_view(name))
        for name in _OWNED
    ),
)
SEEN: Final = sql.SQL(" UNION ").join(
    sql.SQL("SELECT object FROM {owned} WHERE object = ANY(%(objects)s::bytea[])").format(
        owned=_view(name)
    )
    for name in _OWNED
)


def loose(states: Iterable[bytes]) -> list[Loose]:
    """Return the objects that `LOOSE` found."""
    return [_DECODER.decode(state) for state in states]


def named(objects: Iterable[Loose]) -> list[bytes]:
    """Return all that *objects* name, as `SEEN` asks for it."""
    return [packed(name) for name in sorted({n for one in objects for n in one.references})]


def waiting(objects: Sequence[Loose], seen: Iterable[bytes]) -> int:
    """Count those of *objects* of which nothing that they name is *seen*."""
    known = {bytes(name) for name in seen}
    return sum(not any(packed(name) in known for name in one.references) for one in objects)
