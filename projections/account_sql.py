"""The statements that read an account's rows, each all that it needs of one moment.

Written out once: putting a statement together costs more than to send it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from psycopg import sql

from projections.assembly import OWN, ROAMING
from projections.models.catalogue import CATALOGUE
from projections.models.checks import CHECKS
from projections.models.declaration import Projection
from projections.models.links import LINKS
from projections.projector.generations import SCHEMA
from projections.status.entitlement import DECIDING

_READ: Final = sql.SQL("""
WITH own AS (
    SELECT account, refers
      FROM {links}
     WHERE account = %(account)s OR refers = %(account)s
), related AS (
    SELECT %(account)s AS account
    UNION SELECT account FROM own
    UNION SELECT refers FROM own
    UNION SELECT links.account FROM {links} JOIN own USING (refers)
)
SELECT projection AS name, NULL AS account, NULL AS object, NULL AS state,
       version, position, EXISTS (
           SELECT FROM read_models.parked
             JOIN related USING (account)
            WHERE parked.projection = bookmarks.projection
              AND parked.generation = bookmarks.generation
       ) AS parked
  FROM read_models.bookmarks
 WHERE live
{rows}
""")
_ROWS: Final = sql.SQL("""
UNION ALL
SELECT {name}, account, object, state, NULL, NULL, NULL
  FROM {view}
  JOIN related USING (account)
""")
_AROUND: Final = sql.SQL("""
SELECT {catalogue_name}, account, object, state
  FROM {catalogue}
 WHERE account = %(catalogue)s AND object = ANY(%(wares)s::bytea[])
UNION ALL
SELECT {checks_name}, account, object, state
  FROM {checks}
{rows}
""")
_REFERRING: Final = sql.SQL("""
UNION ALL
SELECT {name}, account, object, state
  FROM {view}
 WHERE refers = ANY(%(referred)s::text[])
""")


def _view(name: str) -> sql.Identifier:
    return sql.Identifier(SCHEMA, name)


def _reading(own: Sequence[Projection[Any]]) -> bytes:
    rows = [
        _ROWS.format(name=sql.Literal(each.name), view=_view(each.name))
        for each in (*own, LINKS)
    ]
    return _READ.format(links=_view(LINKS.name), rows=sql.SQL("").join(rows)).as_bytes()


READ: Final = _reading(OWN)
"""An account's bookmarks and rows, its links and those of its customer."""
READ_DECIDING: Final = _reading(DECIDING)
"""No more of them than decides what it may do."""
AROUND: Final = _AROUND.format(
    catalogue_name=sql.Literal(CATALOGUE.name),
    catalogue=_view(CATALOGUE.name),
    rows=sql.SQL("").join(
        _REFERRING.format(name=sql.Literal(each.name), view=_view(each.name))
        for each in ROAMING
    ),
    checks_name=sql.Literal(CHECKS.name),
    checks=_view(CHECKS.name),
).as_bytes()
"""What stands outside an account's streams and is named in them."""
