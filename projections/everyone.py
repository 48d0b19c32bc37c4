"""Every customer, one at a time, as the read models keep them.

Customers come in pages, in the order of the database, so that a hundred thousand need no
more memory than some hundred; only the catalogue and what names no customer are all held.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final

import attrs
from psycopg import sql

from projections.account import Account
from projections.assembly import assembled
from projections.history import History
from projections.models.catalogue import CATALOGUE, Catalogue
from projections.models.declaration import Projection
from projections.models.links import Linked, is_customer
from projections.models.ties import TIES, TieHistory
from projections.payment_objects import Tie
from projections.projector.folding import Key
from projections.projector.packing import unpacked
from projections.projector.rows import Codec
from projections.reading import Reader

PAGE_ACCOUNTS: Final = 500
ROWS_AT_ONCE: Final = 100
NEXT: Final = sql.SQL("""
(SELECT DISTINCT account
   FROM {view}
  WHERE account > %(after)s
  ORDER BY account
  LIMIT %(limit)s)
""")
FIRST: Final = sql.SQL("{nexts} ORDER BY account LIMIT %(limit)s")
COUNT: Final = sql.SQL("SELECT count(DISTINCT account) FROM {view}")
OF_ACCOUNTS: Final = sql.SQL("""
SELECT {name}, account, object, state
  FROM {view}
 WHERE account = ANY(%(accounts)s)
""")
WHOLE: Final = sql.SQL("SELECT account, object, state FROM {view}")


class Ties:
    """What names no customer, found by what it hangs on."""

    def __init__(self, histories: Mapping[str, TieHistory]) -> None:
        self._histories = histories
        self._names: defaultdict[str, set[str]] = defaultdict(set)
        for name, history in histories.items():
            for shown in _shown(history):
                for on in (shown.invoice, shown.charge, shown.payment_intent):
                    if on is not None:
                        self._names[on].add(name)

    def of(self, account: Account) -> dict[str, TieHistory]:
        """Return those that hang on payments and invoices of *account*."""
        names = {
            name
            for on in (*account.invoices, *account.payments)
            for name in self._names.get(on, ())
        }
        return {name: self._histories[name] for name in sorted(names)}


@attrs.frozen(kw_only=True)
class Surroundings:
    """What stands outside the streams of customers, all of it."""

    catalogue: Catalogue
    ties: Ties

    def around(self, account: Account) -> Account:
        """Return *account* with what it names outside its stream."""
        return attrs.evolve(account, catalogue=self.catalogue, ties=self.ties.of(account))


async def counted(reader: Reader, first: Projection[Any]) -> int:
    """Return how many accounts have an object of *first*."""
    rows = await reader.query(COUNT.format(view=_view(first)), {})
    return int(rows[0][0])


async def everyone(
    reader: Reader, parts: Sequence[Projection[Any]]
) -> AsyncIterator[Account]:
    """Yield each customer that has an object of any of *parts*.

    Args:
        parts: What is read of it; everything else is left out.

    Raises:
        UnavailableError: The database is away, or there are no read models yet.
    """
    around = await _surroundings(reader)
    codecs: dict[str, Codec[Any]] = {each.name: Codec(each) for each in parts}
    nexts = sql.SQL(" UNION ").join(NEXT.format(view=_view(each)) for each in parts)
    first = FIRST.format(nexts=nexts)
    rows = sql.SQL(" UNION ALL ").join(
        OF_ACCOUNTS.format(name=sql.Literal(each.name), view=_view(each)) for each in parts
    )
    after = ""
    while True:
        found = await reader.query(first, {"after": after, "limit": PAGE_ACCOUNTS})
        names = [row[0] for row in found]
        if not names:
            return
        after = names[-1]
        kept: defaultdict[str, defaultdict[str, dict[Key, Any]]] = defaultdict(
            lambda: defaultdict(dict)
        )
        read = await reader.query(rows, {"accounts": names})
        for place, (name, account, key, state) in enumerate(read):
            kept[account][name][account, unpacked(key)] = codecs[name].decode(state)
            if place % ROWS_AT_ONCE == 0:
                await asyncio.sleep(0)
        for account in names:
            if is_customer(account):
                linked = Linked(customer=account, product=None)
                yield around.around(assembled(linked, kept[account]))
                # Going through all of them takes a while, and others wait to be served.
                await asyncio.sleep(0)


async def _surroundings(reader: Reader) -> Surroundings:
    entries = await _whole(reader, CATALOGUE)
    ties = await _whole(reader, TIES)
    return Surroundings(catalogue=Catalogue(entries=entries), ties=Ties(ties))


async def _whole(reader: Reader, projection: Projection[Any]) -> dict[str, Any]:
    codec: Codec[Any] = Codec(projection)
    rows = await reader.query(WHOLE.format(view=_view(projection)), {})
    return {unpacked(key): codec.decode(state) for _, key, state in rows}


def _view(projection: Projection[Any]) -> sql.Identifier:
    return sql.Identifier("read_models", projection.name)


def _shown(history: History[Any, Tie]) -> list[Tie]:
    shown = [fact.value for fact in history.recent]
    return [*shown, history.settled.value] if history.settled is not None else shown
