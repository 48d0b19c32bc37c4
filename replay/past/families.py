"""The accounts that the log knows, each once, with the streams that are its.

cus_1, shop-17      one account: the product's shop-17 is linked to the customer
cus_2               a customer on its own
shop-44             an account of the product that is no customer yet
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from ledger import events
from ledger.events import TOPIC_OF
from ledger.log import Selection
from ledger.postgres import PostgresLog
from projections.facts import AccountLinked
from projections.models.links import LINKS, Link, Linked, resolve
from projections.projector.folding import fold
from projections.translation.translate import translation
from replay.accounts import relating, states
from replay.ledgers import Connection

# Skips from name to name along the index: as quick as there are few of them.
NAMES: Final = """
WITH RECURSIVE named (account) AS (
    (SELECT account
       FROM ledger.log
      WHERE verdict = 'accepted' AND account IS NOT NULL
      ORDER BY account
      LIMIT 1)
    UNION ALL
    SELECT (SELECT log.account
              FROM ledger.log
             WHERE verdict = 'accepted' AND log.account > named.account
             ORDER BY log.account
             LIMIT 1)
      FROM named
     WHERE named.account IS NOT NULL
)
SELECT account FROM named WHERE account IS NOT NULL
"""
OUR_OWN: Final = "ledger:"
_LINKS_READ: Final = translation([AccountLinked])
_LINKS_ONLY: Final = Selection(
    stripe_types=frozenset(), topics=frozenset({TOPIC_OF[events.AccountLinked]})
)


async def families(connection: Connection, log: PostgresLog, position: int) -> list[Linked]:
    """Return each account, by name, as links were known at *position*."""
    names = [row[0] for row in connection.execute(NAMES)]
    kept = {key[0]: link for key, link in states(connection, LINKS).items()}
    related = relating(await _links_then(log, kept, position))
    found = (resolve(name, related(name)) for name in names if not name.startswith(OUR_OWN))
    unique = {linked.account: linked for linked in found}
    return [unique[name] for name in sorted(unique)]


async def _links_then(
    log: PostgresLog, kept: Mapping[str, Link], position: int
) -> dict[str, Link]:
    """Return the links and claims known at *position*."""
    facts = [
        (fact.position, fact)
        async for batch in log.read(until=position, only=_LINKS_ONLY)
        for fact in _LINKS_READ.facts(batch)
    ]
    links: dict[str, Link] = {key[0]: link for key, link in fold(LINKS, facts).items()}
    for name, link in kept.items():
        claims = tuple(claim for claim in link.claims if claim.position <= position)
        known = links.get(name, LINKS.initial)
        links[name] = msgspec.structs.replace(known, claims=claims)
    return links
