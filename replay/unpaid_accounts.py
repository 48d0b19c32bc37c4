"""What is unpaid of every customer, one at a time, as the read models keep it.

Rows come sorted from as many cursors as there are kinds of objects and are merged here,
so that a hundred thousand accounts need no more memory than one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from heapq import merge
from itertools import groupby
from operator import itemgetter
from typing import Any, Final

import attrs
import msgspec
from psycopg import sql

from projections.answer import unpaid
from projections.assembly import assembled
from projections.dunning.timelines import Unpaid
from projections.models.declaration import Projection
from projections.models.invoices import INVOICES
from projections.models.links import Linked, is_customer
from projections.models.payments import PAYMENTS
from projections.models.subscriptions import SUBSCRIPTIONS
from projections.projector.folding import Key
from replay.accounts import EXISTS, catalogue_of
from replay.ledgers import Connection

PARTS: Final[tuple[Projection[Any], ...]] = (SUBSCRIPTIONS, INVOICES, PAYMENTS)
FETCH_ROWS: Final = 1000
COUNT: Final = "SELECT count(DISTINCT account) FROM read_models.invoices"
SORTED: Final = sql.SQL("""
SELECT account COLLATE "C", object, state
  FROM {view}
 ORDER BY account COLLATE "C", object
""")


def counted(connection: Connection) -> int:
    """Return how many accounts have invoices; none before there are read models."""
    if not _exists(connection, INVOICES):
        return 0
    row = connection.execute(COUNT).fetchone()
    return 0 if row is None else int(row[0])


def unpaid_accounts(connection: Connection) -> Iterator[tuple[str, Unpaid]]:
    """Yield each customer that has invoices, in order of id, with what is unpaid."""
    catalogue = catalogue_of(connection)
    parts = [part for part in PARTS if _exists(connection, part)]
    with connection.transaction():
        rows = merge(*(_rows(connection, part) for part in parts), key=itemgetter(0))
        for account, group in groupby(rows, key=itemgetter(0)):
            kept: defaultdict[str, dict[Key, Any]] = defaultdict(dict)
            for _, name, key, state in group:
                kept[name][account.decode(), key] = state
            if INVOICES.name not in kept or not is_customer(account.decode()):
                continue
            linked = Linked(customer=account.decode(), product=None)
            found = attrs.evolve(assembled(linked, kept), catalogue=catalogue)
            yield account.decode(), unpaid(found)


def _rows(
    connection: Connection, part: Projection[Any]
) -> Iterator[tuple[bytes, str, str, Any]]:
    decode = msgspec.msgpack.Decoder(part.state).decode
    query = SORTED.format(view=sql.Identifier("read_models", part.name))
    with connection.cursor(name=f"unpaid_{part.name}", binary=True) as cursor:
        cursor.itersize = FETCH_ROWS
        cursor.execute(query)
        for account, name, state in cursor:
            key = bytes(name).decode("utf-8", "surrogatepass")
            yield account.encode(), part.name, key, decode(state)


def _exists(connection: Connection, part: Projection[Any]) -> bool:
    row = connection.execute(EXISTS, (part.name,)).fetchone()
    return row is not None and bool(row[0])
