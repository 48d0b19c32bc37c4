"""The read models as they stand: version, bookmark, lag, and how many are parked."""

from __future__ import annotations

from typing import Final

import attrs

from replay.ledgers import Connection

EXISTS: Final = "SELECT to_regclass('read_models.bookmarks') IS NOT NULL"
BOOKMARKS: Final = """
SELECT projection, version, position,
       (SELECT count(*)
          FROM read_models.parked
         WHERE parked.projection = bookmarks.projection
           AND parked.generation = bookmarks.generation)
  FROM read_models.bookmarks
 WHERE live
 ORDER BY projection
"""


@attrs.frozen(kw_only=True)
class ReadModel:
    """One read model.

    Attributes:
        lag: Positions behind the head.
        parked: Accounts that wait for a repaired release.
    """

    name: str
    version: int
    position: int
    lag: int
    parked: int


def read_models(connection: Connection, head: int) -> list[ReadModel]:
    """Return the read models that exist, by name; none before the first projector ran."""
    row = connection.execute(EXISTS).fetchone()
    if row is None or not row[0]:
        return []
    return [
        ReadModel(
            name=name,
            version=version,
            position=position,
            lag=max(0, head - position),
            parked=parked,
        )
        for name, version, position, parked in connection.execute(BOOKMARKS)
    ]
