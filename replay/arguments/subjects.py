"""What a person names on the command line, and what in the log it stands for.

cus_JT01        a Stripe customer, with the product's account linked to it
shop-17         the product's own account, with the customer it is linked to
sub_ in_ ch_ …  an object of Stripe
evt_ cmd: body: an event's id
#48213  48213   a position
"""

from __future__ import annotations

import enum
import re
from typing import Final

import msgspec

from projections.models.links import LINKS, Linked, resolve
from replay.ledgers import Connection

_POSITION: Final = re.compile(r"#?([0-9]{1,18})")
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
    return None if match is None else int(match[1])


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


def is_account(connection: Connection, names: list[str]) -> bool:
    """Tell whether the log holds an event of any account of these *names*."""
    return connection.execute(IS_ACCOUNT, (names,)).fetchone() is not None
