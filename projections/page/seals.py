"""Signed text that a browser carries for us: links, cookies and form tokens.

    eyJhIjoi….q83v…
       │       └ HMAC-SHA256 under a key made for this purpose alone
       └ what is claimed, as JSON in base64url

The keys are those of bearer tokens: the first signs, all verify. Each purpose has a key of
its own derived from them, so a link is no cookie and neither is a token.
"""

from __future__ import annotations

import base64
import binascii
import enum
import hmac
from collections.abc import Sequence
from typing import Final, TypeVar

import msgspec

from ledger.errors import LedgerError

C = TypeVar("C", bound=msgspec.Struct)

SEALED_CHARS_MAX: Final = 2048
_CONTEXT: Final = b"billing-ledger page\0"


class Purpose(enum.StrEnum):
    """What something is signed for; of no use for another."""

    LINK = "link"
    COOKIE = "cookie"
    FORM = "form"


class SealError(LedgerError):
    """What the browser brought was not signed by us for this; open the page anew."""


def seal(claims: msgspec.Struct, purpose: Purpose, key: bytes) -> str:
    """Sign *claims* for *purpose*."""
    signed = _base64(msgspec.json.encode(claims))
    return f"{signed}.{_base64(mac(purpose, key, signed.encode()))}"


def unseal(sealed: str, shape: type[C], purpose: Purpose, keys: Sequence[bytes]) -> C:
    """Return what `seal` signed; every key is tried, none is told apart by time.

    Raises:
        SealError: It is malformed, or signed by none of *keys* for *purpose*.
    """
    signed, dot, given = sealed.rpartition(".")
    if not (dot and sealed.isascii() and len(sealed) <= SEALED_CHARS_MAX):
        raise SealError("malformed")
    valid = False
    for key in keys:
        expected = _base64(mac(purpose, key, signed.encode()))
        valid |= hmac.compare_digest(expected, given)
    if not valid:
        raise SealError("signed by no key in use")
    padding = "=" * (-len(signed) % 4)
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(signed + padding), type=shape)
    except (binascii.Error, msgspec.MsgspecError) as error:
        raise SealError("of another version of this program") from error


def mac(purpose: Purpose, key: bytes, message: bytes) -> bytes:
    """Return the code that only who holds *key* can make of *message*."""
    own = hmac.digest(key, _CONTEXT + purpose.encode(), "sha256")
    return hmac.digest(own, message, "sha256")


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")
