"""Bearer tokens: signed, scoped, expiring, and void once their key is gone.

    bl_eyJrIjoi….q83v…
       │        └ HMAC-SHA256 over all that stands before the dot
       └ key id, scopes, account, issue and expiry, as JSON in base64url

Nothing is stored: whoever holds the key can check a token. Taking a key out of the list
revokes every token it signed.
"""

from __future__ import annotations

import base64
import binascii
import enum
import hashlib
import hmac
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Final

import attrs
import msgspec

from ledger.errors import LedgerError

PREFIX: Final = "bl_"
TOKEN_CHARS_MAX: Final = 1024
KEY_BYTES_MIN: Final = 16


class Scope(enum.StrEnum):
    """What a token may do."""

    READ = "read"
    AUDIT = "audit"
    SEATS_WRITE = "seats:write"
    PAGE = "page"
    PORTAL = "portal"


class TokenError(LedgerError):
    """The bearer token does not hold; mint a new one with ``bl token``."""


@attrs.frozen(kw_only=True)
class Grant:
    """What a valid token allows.

    Attributes:
        account: The only account it may touch; None is every account.
        expires_at: From this instant on it does not hold; None is never.
    """

    scopes: frozenset[str]
    account: str | None = None
    expires_at: datetime | None = None


class _Claims(msgspec.Struct, frozen=True, omit_defaults=True):
    """The signed part; names are short because every request carries them."""

    k: str
    s: list[Scope]
    i: int
    a: str | None = None
    e: int | None = None


_CLAIMS: Final = msgspec.json.Decoder(_Claims)


def key_id(key: bytes) -> str:
    """Name *key* without giving it away."""
    return hashlib.sha256(b"billing-ledger token key\0" + key).hexdigest()[:12]


def mint(
    *,
    key: bytes,
    scopes: Collection[str],
    account: str | None,
    expires_at: datetime | None,
    now: datetime,
) -> str:
    """Sign a token for *scopes*; *expires_at* counts in whole seconds, rounded up.

    Raises:
        TokenError: A scope is unknown or none is given, the key is too short, or the
            token would have expired already.
    """
    if len(key) < KEY_BYTES_MIN:
        raise TokenError(f"a token key has at least {KEY_BYTES_MIN} bytes")
    if expires_at is not None and expires_at <= now:
        raise TokenError("the token would have expired already")
    claims = _Claims(
        k=key_id(key),
        s=_known(scopes),
        i=int(now.timestamp()),
        a=account,
        e=None if expires_at is None else -int(-expires_at.timestamp() // 1),
    )
    signed = PREFIX + _base64(msgspec.json.encode(claims))
    return f"{signed}.{_base64(_mac(key, signed))}"


def verify(token: str, *, keys: Sequence[bytes], now: datetime) -> Grant:
    """Return what *token* allows; every key is tried, none is told apart by time.

    Raises:
        TokenError: Malformed, signed by none of *keys*, or expired.
    """
    signed, dot, mac = token.rpartition(".")
    if not (dot and token.isascii() and len(token) <= TOKEN_CHARS_MAX):
        raise TokenError("the token is malformed")
    given = mac.encode()
    valid = False
    for key in keys:
        expected = _base64(_mac(key, signed)).encode()
        valid |= hmac.compare_digest(expected, given)
    if not (valid and signed.startswith(PREFIX)):
        raise TokenError("the token is signed by no key in use")
    claims = _read(signed.removeprefix(PREFIX))
    expires_at = None if claims.e is None else datetime.fromtimestamp(claims.e, UTC)
    if expires_at is not None and now >= expires_at:
        raise TokenError("the token has expired")
    return Grant(scopes=frozenset(claims.s), account=claims.a, expires_at=expires_at)


def _known(scopes: Collection[str]) -> list[Scope]:
    unknown = sorted(set(scopes) - set(Scope))
    if unknown or not scopes:
        named = ", ".join(unknown) or "none"
        raise TokenError(f"scopes are among {', '.join(Scope)}; given: {named}")
    return [scope for scope in Scope if scope in scopes]


def _read(payload: str) -> _Claims:
    padding = "=" * (-len(payload) % 4)
    try:
        return _CLAIMS.decode(base64.urlsafe_b64decode(payload + padding))
    except (binascii.Error, msgspec.MsgspecError) as error:
        raise TokenError("the token is of another version of this program") from error


def _mac(key: bytes, signed: str) -> bytes:
    return hmac.digest(key, signed.encode(), "sha256")


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")
