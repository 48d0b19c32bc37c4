"""What the read models make nothing of yet: objects that wait, events nobody reads."""

from __future__ import annotations

from typing import Final

from projections.projector import whereabouts
from projections.projector.whereabouts import LOOSE, SEEN
from replay.ledgers import Connection

UNTRANSLATED: Final = """
SELECT stripe_type, max(events)
  FROM read_models.untranslated
  JOIN read_models.bookmarks USING (projection, generation)
 WHERE live
 GROUP BY stripe_type
 ORDER BY stripe_type
"""


def unread(connection: Connection) -> dict[str, int]:
    """Return how many events of each Stripe type no read model reads."""
    return {name: int(events) for name, events in connection.execute(UNTRANSLATED)}


def waiting(connection: Connection) -> int:
    """Return how many objects name no customer, nor anything that is known yet."""
    found = whereabouts.loose(row[0] for row in connection.execute(LOOSE, binary=True))
    if not found:
        return 0
    asked = {"objects": whereabouts.named(found)}
    seen = connection.execute(SEEN, asked, binary=True)
    return whereabouts.waiting(found, (row[0] for row in seen))
