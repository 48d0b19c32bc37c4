"""All accounts as the read models keep them, with the catalogue that they buy from."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final

import attrs
import msgspec
from psycopg import sql

from ledger.clock import utc_now
from projections.answer import Account, Billing, answer
from projections.assembly import OWN, assembled
from projections.models.catalogue import CATALOGUE, Catalogue
from projections.models.declaration import Projection
from projections.models.links import LINKS, Link, is_customer, resolve
from replay.ledgers import Connection

EXISTS: Final = "SELECT to_regclass('read_models.' || %s) IS NOT NULL"
KEPT: Final = sql.SQL("SELECT account, object, state FROM {view}")

States = dict[tuple[str, str], Any]


def accounts(connection: Connection) -> Iterator[Account]:
    """Yield each account as it is kept, with the whole catalogue around it."""
    catalogue = catalogue_of(connection)
    kept = {each.name: states(connection, each) for each in OWN}
    links = {key[0]: link for key, link in states(connection, LINKS).items()}
    related = relating(links)
    streams: defaultdict[str, set[str]] = defaultdict(set)
    per_stream: defaultdict[str, dict[str, States]] = defaultdict(dict)
    for name, rows in kept.items():
        for key, state in rows.items():
            per_stream[key[0]].setdefault(name, {})[key] = state
    for stream in {*per_stream, *links}:
        who = resolve(stream, related(stream))
        streams[who.account] |= who.streams
    for account in sorted(streams):
        own = {
            name: {
                key: state
                for stream in streams[account]
                for key, state in per_stream[stream].get(name, {}).items()
            }
            for name in kept
        }
        found = assembled(resolve(account, related(account)), own)
        yield attrs.evolve(found, catalogue=catalogue)


def catalogue_of(connection: Connection) -> Catalogue:
    """Return all that is kept of prices, products, terms and policies."""
    return Catalogue(
        entries={key[1]: entry for key, entry in states(connection, CATALOGUE).items()}
    )


def answers(connection: Connection, now: datetime) -> Iterator[Billing]:
    """Yield what each account is at *now*."""
    for account in accounts(connection):
        yield answer(account, now)


def by_status(connection: Connection) -> dict[str, int]:
    """Count the customers of each status, most first."""
    counted = Counter(
        billing.status
        for billing in answers(connection, utc_now())
        if is_customer(billing.linked.account)
    )
    return dict(counted.most_common())


def relating(links: Mapping[str, Link]) -> Callable[[str], Mapping[str, Link]]:
    """Return what finds the links that decide whom an account belongs to."""
    claims: defaultdict[str | None, dict[str, Link]] = defaultdict(dict)
    for account, link in links.items():
        claims[link.customer][account] = link

    def related(account: str) -> Mapping[str, Link]:
        own = links.get(account)
        customer = account if own is None or own.customer is None else own.customer
        return claims.get(customer, {}) | ({} if own is None else {account: own})

    return related


def states(connection: Connection, projection: Projection[Any]) -> States:
    """Return all rows that are kept of *projection*; none before there is a read model."""
    row = connection.execute(EXISTS, (projection.name,)).fetchone()
    if row is None or not row[0]:
        return {}
    decode = msgspec.msgpack.Decoder(projection.state).decode
    query = KEPT.format(view=sql.Identifier("read_models", projection.name))
    return {
        (account, bytes(name).decode("utf-8", "surrogatepass")): decode(state)
        for account, name, state in connection.execute(query, binary=True)
    }
