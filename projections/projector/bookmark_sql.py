"""What is asked of the tables beside the rows: bookmarks, parked accounts, suspects."""

from __future__ import annotations

from typing import Final

BOOKMARK: Final = """
SELECT generation, version, position, starts
  FROM read_models.bookmarks
 WHERE projection = %(projection)s
   AND CASE WHEN %(generation)s::integer IS NULL THEN live
            ELSE generation = %(generation)s END
"""
START: Final = """
UPDATE read_models.bookmarks
   SET starts = starts + 1
 WHERE projection = %(projection)s AND generation = %(generation)s
RETURNING starts
"""
SUSPECT: Final = """
INSERT INTO read_models.suspects (projection, generation, account, position)
VALUES (%(projection)s, %(generation)s, %(account)s, %(position)s)
ON CONFLICT (projection, generation, account, position)
DO UPDATE SET attempts = suspects.attempts + 1
RETURNING attempts
"""
PARKED: Final = """
SELECT account
  FROM read_models.parked
 WHERE projection = %(projection)s AND generation = %(generation)s
"""
ADVANCE: Final = """
UPDATE read_models.bookmarks
   SET position = %(until)s, starts = CASE WHEN %(settled)s THEN 0 ELSE starts END
 WHERE projection = %(projection)s AND generation = %(generation)s
   AND position = %(after)s
"""
# In one order, so that two who do so never wait for each other.
BE_IDLE: Final = """
WITH idle AS (
    SELECT projection, generation
      FROM read_models.bookmarks
      JOIN unnest(%(projections)s::text[], %(generations)s::integer[])
           AS wanted (projection, generation) USING (projection, generation)
     WHERE position = %(after)s
     ORDER BY projection, generation
       FOR UPDATE OF bookmarks
)
UPDATE read_models.bookmarks
   SET position = %(until)s
  FROM idle
 WHERE bookmarks.projection = idle.projection
   AND bookmarks.generation = idle.generation
"""
PARK: Final = """
INSERT INTO read_models.parked (projection, generation, account, position, error, message)
VALUES (%s, %s, %s, %s, %s, %s)
ON CONFLICT (projection, generation, account)
DO UPDATE SET attempts = parked.attempts + 1
"""
COUNT: Final = """
INSERT INTO read_models.untranslated (projection, generation, stripe_type, events)
SELECT %(projection)s, %(generation)s, stripe_type, count(*)
  FROM ledger.log
 WHERE position > %(after)s AND position <= %(until)s
   AND topic = 'stripe_event' AND verdict = 'accepted'
   AND stripe_type <> ALL(%(translated)s::text[])
 GROUP BY stripe_type
ON CONFLICT (projection, generation, stripe_type)
DO UPDATE SET events = untranslated.events + excluded.events
"""
SETTLE: Final = """
DELETE FROM read_models.suspects
 WHERE projection = %(projection)s AND generation = %(generation)s
"""
