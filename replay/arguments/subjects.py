"""What a person names on the command line, and what in the log it stands for.

cus_JT01        a Stripe customer, with the product's account linked to it
shop-17         the product's own account, with the customer it is linked to
sub_ in_ ch_ …  an object of Stripe
evt_ cmd: body: an event's id
#48213  48213   a position, or as tables have it: #48,213
"""

from __future__ import annotations

import enum
import re
from typing import Final

import msgspec

from projections.models.links import LINKS, Linked, resolve
from projections.projector.packing import packed
from replay.ledgers import Connection

_POSITION: Final = re.compile(r"#?([0-9]{1,18}|[0-9]{1,3}(?:,[0-9]{3}){1,5})")
_EVENT: Final = ("evt_", "cmd:", "body:")
_OBJECT: Final = re.compile(r"(?!cus_)[a-z]{2,8}_[A-Za-z0-9_]{4,}")

HAVE_LINKS: Final = "SELECT to_regclass('read_models.links') IS NOT NULL"
KNOWN_LINKS: Final = """
SELECT account, state
  FROM read_models.links
 WHERE account = %(name)s
    OR refers = %(name)s
    OR refers IN (SELECT refers FROM read_models.links WHERE account = %(name)s)
"""
HAVE_OBJECTS: Final = "SELECT to_regclass('read_models.invoices') IS NOT NULL"
OWNERS: Final = """
SELECT account FROM read_models.subscriptions WHERE object = %(object)s
UNION
SELECT account FROM read_models.invoices WHERE object = %(object)s
"""
# Every event about one of these names its customer.
_OWNED: Final = ("sub_", "in_")
EVENT_AT: Final = (
    "SELECT min(position), max(position) FROM ledger.log WHERE originator_id = %s"
)
IS_ACCOUNT: Final = """
SELECT FROM ledger.log WHERE account = ANY(%s) AND verdict = 'accepted' LIMIT 1
"""
_LINK: Final = msgspec.msgpack.Decoder(LINKS.state)


class Kind(enum.StrEnum):
    """What a subject looks like; only the log knows whether it is one."""

    POSITION = "position"
    EVENT = "event"
    OBJECT = "object"
    ACCOUNT = "account"


def kind_of(subject: str) -> Kind:
    """Tell what *subject* looks like."""
    if _POSITION.fullmatch(subject):
        return Kind.POSITION
    if subject.startswith(_EVENT):
        return Kind.EVENT
    return Kind.OBJECT if _OBJECT.fullmatch(subject) else Kind.ACCOUNT


def position_of(subject: str) -> int | None:
    """Return the position that *subject* writes; None if it is something else."""
    match = _POSITION.fullmatch(subject)
    return None if match is None else int(match[1].replace(",", ""))


def linked(connection: Connection, account: str) -> Linked:
    """Return who *account* belongs to, as far as the read models know."""
    row = connection.execute(HAVE_LINKS).fetchone()
    if row is None or not row[0]:
        return resolve(account, {})
    rows = connection.execute(KNOWN_LINKS, {"name": account}).fetchall()
    return resolve(account, {name: _LINK.decode(state) for name, state in rows})


def streams(connection: Connection, subject: str) -> list[str]:
    """Return every name under which the log may speak of *subject*."""
    if kind_of(subject) is not Kind.ACCOUNT:
        return [subject]
    return sorted({subject, *linked(connection, subject).streams})


def owners(connection: Connection, subject: str) -> list[str] | None:
    """Return whose events all those about *subject* are among; None where nobody knows."""
    if kind_of(subject) is Kind.ACCOUNT:
        return streams(connection, subject)
    if not subject.startswith(_OWNED):
        return None
    row = connection.execute(HAVE_OBJECTS).fetchone()
    if row is None or not row[0]:
        return None
    rows = connection.execute(OWNERS, {"object": packed(subject)}).fetchall()
    return sorted({account for (account,) in rows if account}) or None


def span_of(connection: Connection, subject: str) -> tuple[int, int] | None:
    """Return in which positions (after, until] an event's id stands; None if it is none."""
    position = position_of(subject)
    if position is not None:
        return position - 1, position
    if kind_of(subject) is not Kind.EVENT:
        return None
    row = connection.execute(EVENT_AT, (subject,)).fetchone()
    first, last = row or (None, None)
    return (0, 0) if first is None else (first - 1, last)


def is_account(connection: Connection, names: list[str]) -> bool:
    """Tell whether the log holds an event of any account of these *names*."""
    return connection.execute(IS_ACCOUNT, (names,)).fetchone() is not None
