"""Who may see an account's page: a link for minutes becomes a cookie for half an hour.

POST page-sessions ─ link, 5 min ─ GET /billing/{account}?link=… ─ cookie, 30 min

Nothing is stored. Both are bound to one account and one admin; taking a signing key away
ends every session it opened.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import attrs
import msgspec

from projections.page.seals import Purpose, SealError, mac, seal, unseal

LINK_HOLDS: Final = timedelta(minutes=5)
SESSION_HOLDS: Final = timedelta(minutes=30)


@attrs.frozen(kw_only=True)
class Session:
    """An admin who looks at an account.

    Attributes:
        id: Drawn at random when the link is exchanged; form tokens hang on it.
        until: From this instant on it does not hold.
    """

    account: str
    admin: str
    id: str
    until: datetime


class _Link(msgspec.Struct, frozen=True):
    a: str
    u: str
    e: int


class _Cookie(msgspec.Struct, frozen=True):
    a: str
    u: str
    s: str
    e: int


def link(account: str, admin: str, *, key: bytes, now: datetime) -> str:
    """Sign that *admin* may open the page of *account* within `LINK_HOLDS`."""
    claims = _Link(a=account, u=admin, e=int((now + LINK_HOLDS).timestamp()))
    return seal(claims, Purpose.LINK, key)


def exchange(
    given: str, account: str, *, keys: Sequence[bytes], now: datetime, drawn: str
) -> Session:
    """Open a session for who brings the link *given*.

    Args:
        drawn: Random text, the session's id.

    Raises:
        SealError: The link is not ours, has expired, or is another account's.
    """
    claims = unseal(given, _Link, Purpose.LINK, keys)
    if claims.a != account or now.timestamp() >= claims.e:
        raise SealError("expired, or another account's")
    until = datetime.fromtimestamp(int((now + SESSION_HOLDS).timestamp()), UTC)
    return Session(account=account, admin=claims.u, id=drawn, until=until)


def cookie(session: Session, *, key: bytes) -> str:
    """Write *session* as the browser keeps it."""
    claims = _Cookie(
        a=session.account, u=session.admin, s=session.id, e=int(session.until.timestamp())
    )
    return seal(claims, Purpose.COOKIE, key)


def session_of(
    given: str, account: str, *, keys: Sequence[bytes], now: datetime
) -> Session:
    """Return the session that the cookie *given* stands for.

    Raises:
        SealError: The cookie is not ours, has expired, or is another account's.
    """
    claims = unseal(given, _Cookie, Purpose.COOKIE, keys)
    if claims.a != account or now.timestamp() >= claims.e:
        raise SealError("expired, or another account's")
    until = datetime.fromtimestamp(claims.e, UTC)
    return Session(account=claims.a, admin=claims.u, id=claims.s, until=until)


def form_token(session: Session, *, key: bytes) -> str:
    """Return what a form of *session*'s own pages sends back, and no other page can."""
    made = mac(Purpose.FORM, key, f"{session.account}\0{session.id}".encode())
    return base64.urlsafe_b64encode(made).rstrip(b"=").decode("ascii")


def is_form_token(given: str, session: Session, *, keys: Sequence[bytes]) -> bool:
    """Tell whether *given* is from a form of *session*; every key is tried."""
    valid = False
    for key in keys:
        expected = form_token(session, key=key).encode()
        valid |= hmac.compare_digest(expected, given.encode("utf-8", "replace"))
    return valid
