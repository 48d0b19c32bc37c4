"""The statements by which the log is read: by position, account, kind or id."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from ledger.log import Selection
from ledger.row import NAMES

PAGE_ROWS: Final = 2000
LAST: Final = 2**63 - 1

PAGE: Final = f"""
SELECT {NAMES}
  FROM ledger.log
 WHERE position > %b AND position <= %b
 ORDER BY position
 LIMIT {PAGE_ROWS}
"""  # noqa: S608, names of this module
ACCOUNTS_PAGE: Final = f"""
SELECT {NAMES}
  FROM ledger.log
 WHERE account = ANY(%b) AND verdict = 'accepted'
   AND position > %b AND position <= %b
 ORDER BY position
 LIMIT {PAGE_ROWS}
"""  # noqa: S608, names of this module
SELECTED: Final = """
   AND CASE topic WHEN 'stripe_event' THEN stripe_type = ANY(%b)
                                      ELSE topic <> ALL(%b) END
"""
SELECTED_PAGE: Final = f"""
SELECT {NAMES}
  FROM ledger.log
 WHERE verdict = 'accepted' {SELECTED}
   AND position > %b AND position <= %b
 ORDER BY position
 LIMIT {PAGE_ROWS}
"""  # noqa: S608, names of this module
SELECTED_ACCOUNTS_PAGE: Final = f"""
SELECT {NAMES}
  FROM ledger.log
 WHERE account = ANY(%b) AND verdict = 'accepted' {SELECTED}
   AND position > %b AND position <= %b
 ORDER BY position
 LIMIT {PAGE_ROWS}
"""  # noqa: S608, names of this module
# From the end of each account's stream, as its index has it, and of these the newest.
NEWEST: Final = f"""
SELECT {NAMES}
  FROM ledger.log
 WHERE position IN (
           SELECT newest.position
             FROM unnest(%b::text[]) AS wanted (account)
            CROSS JOIN LATERAL (
                SELECT log.position
                  FROM ledger.log
                 WHERE log.account = wanted.account AND log.verdict = 'accepted'
                   AND log.position < %b
                 ORDER BY log.position DESC
                 LIMIT %b
            ) AS newest
            ORDER BY newest.position DESC
            LIMIT %b
       )
 ORDER BY position DESC
"""  # noqa: S608, names of this module
AT: Final = f"""
SELECT {NAMES}
  FROM ledger.log
 WHERE position = ANY(%b::bigint[])
 ORDER BY position
"""  # noqa: S608, names of this module
FIND: Final = f"""
SELECT {NAMES}
  FROM ledger.log
 WHERE originator_id = %b
 ORDER BY originator_version
"""  # noqa: S608, names of this module


def page_query(
    accounts: Collection[str] | None, only: Selection | None
) -> tuple[str, tuple[object, ...]]:
    """Return the query of a page, and its values before the positions."""
    named = () if accounts is None else (list(accounts),)
    if only is None:
        return (ACCOUNTS_PAGE if named else PAGE), named
    chosen = (sorted(only.stripe_types), sorted(only.left_out))
    return (SELECTED_ACCOUNTS_PAGE if named else SELECTED_PAGE), (*named, *chosen)
