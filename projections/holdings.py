"""All objects of a kind that the read models keep, whosever they are.

What is kept is read in pages by account and object, so that memory stays flat.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Final, TypeVar

import psycopg
from psycopg import sql

from ledger.database import Role, connect
from ledger.errors import UnavailableError
from projections.models.declaration import Projection
from projections.projector.generations import SCHEMA
from projections.projector.packing import unpacked
from projections.projector.rows import Codec

S = TypeVar("S")

# Read between two answers of the process that serves.
PAGE_ROWS: Final = 500
PAGE: Final = sql.SQL("""
SELECT account, object, state
  FROM {view}
 WHERE (account, object) > (%s, %s)
 ORDER BY account, object
 LIMIT {rows}
""")


async def holdings(
    conninfo: str, projection: Projection[S]
) -> AsyncIterator[tuple[str, str, S]]:
    """Yield account, object and state of every row of *projection*.

    Raises:
        UnavailableError: The database is away, or the read model is not made yet.
    """
    decode: Any = Codec(projection).decode
    query = PAGE.format(
        view=sql.Identifier(SCHEMA, projection.name), rows=sql.Literal(PAGE_ROWS)
    )
    after: tuple[str, bytes] = ("", b"")
    try:
        async with await connect(conninfo, Role.READER) as connection:
            while True:
                cursor = await connection.execute(query, after)
                rows = await cursor.fetchall()
                for account, name, state in rows:
                    yield account, unpacked(name), decode(state)
                if len(rows) < PAGE_ROWS:
                    return
                after = rows[-1][0], rows[-1][1]
    except psycopg.errors.UndefinedTable as error:
        raise UnavailableError("the read models are not made yet; run bl serve") from error
    except psycopg.OperationalError as error:
        raise UnavailableError("the database does not answer now") from error
