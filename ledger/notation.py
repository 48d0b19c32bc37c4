"""How a setting is spelled, and the value it becomes.

Every parser takes the text as written and raises ValueError with the rest of a sentence
that begins with the setting's name; it never repeats the text, which may be a secret.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable
from datetime import datetime
from typing import Final, Generic, TypeVar
from zoneinfo import ZoneInfo

import attrs

T = TypeVar("T")

TOKEN_KEY_CHARS_MIN: Final = 16
SECONDS_MAX: Final = 600
_ORIGIN: Final = re.compile(
    r"(?:https://[A-Za-z0-9.\-]+|https?://(?:localhost|127\.0\.0\.1|\[::1\]))(?::[0-9]{1,5})?"
)


class Secret(Generic[T]):
    """A value that neither repr, str nor a traceback shows."""

    __slots__ = ("_value",)

    def __init__(self, value: T) -> None:
        self._value = value

    def reveal(self) -> T:
        """Return the value, to use and not to keep or print."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(***)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._value == other._value

    def __hash__(self) -> int:
        return hash(self._value)


class Mode(enum.StrEnum):
    """Which of Stripe's two worlds this ledger keeps."""

    LIVE = "live"
    TEST = "test"


@attrs.frozen(kw_only=True)
class WebhookSecret:
    """What one endpoint signs with.

    Attributes:
        valid_to: From this instant on it signs nothing; None is for good.
        account: The connected Stripe account whose events it signs; None is our own.
        livemode: The mode it is meant for; None is not said.
    """

    secret: Secret[str]
    valid_to: datetime | None = None
    account: str | None = None
    livemode: bool | None = None


def text(raw: str) -> str:
    """Take any text but an empty one."""
    if not raw.strip():
        raise ValueError("is empty; leave it out or give a value")
    return raw.strip()


def secret(raw: str) -> Secret[str]:
    """Take any text but an empty one, and hide it."""
    return Secret(text(raw))


def texts(raw: str) -> tuple[str, ...]:
    """Take texts between commas."""
    return tuple(text(item) for item in raw.split(","))


def number(low: int, high: int) -> Callable[[str], int]:
    """Take a whole number in [low, high]."""

    def parse(raw: str) -> int:
        if not (raw.isascii() and raw.isdigit() and low <= int(raw) <= high):
            raise ValueError(f"is not a whole number from {low} to {high}")
        return int(raw)

    return parse


def seconds(raw: str) -> float:
    """Take a number of seconds in (0, SECONDS_MAX]."""
    try:
        seconds = float(raw)
    except ValueError:
        seconds = 0
    if not 0 < seconds <= SECONDS_MAX:
        raise ValueError(f"is not a number of seconds above 0, at most {SECONDS_MAX}")
    return seconds


def starting(*prefixes: str) -> Callable[[str], str]:
    """Take text that starts with one of *prefixes*; a slash at its end is dropped."""

    def parse(raw: str) -> str:
        if not raw.startswith(prefixes):
            raise ValueError(f"does not start with {' or '.join(prefixes)}")
        return raw.rstrip("/")

    return parse


def origin(raw: str) -> str:
    """Take what says whose an address is, and nothing of where on it."""
    found = raw.strip().rstrip("/")
    if not _ORIGIN.fullmatch(found):
        raise ValueError(
            "holds no origin such as https://shop.example, without a path; http:// only "
            "for localhost and 127.0.0.1"
        )
    return found


def secret_starting(*prefixes: str) -> Callable[[str], Secret[str]]:
    """Take text that starts with one of *prefixes*, and hide it."""
    check = starting(*prefixes)
    return lambda raw: Secret(check(raw))


def webhook_secret(raw: str) -> Secret[str]:
    """Take one signing secret of Stripe."""
    secret = raw.strip()
    if not secret or not secret.isascii() or not secret.isprintable():
        raise ValueError("holds an empty secret, or one that is no plain text")
    if not secret.removeprefix("whsec_") or not secret.startswith("whsec_"):
        raise ValueError("holds a secret that does not start with whsec_ or ends there")
    return Secret(secret)


def webhook_secrets(raw: str) -> tuple[WebhookSecret, ...]:
    """Take signing secrets between commas, each good until it is taken out."""
    return tuple(WebhookSecret(secret=webhook_secret(item)) for item in raw.split(","))


def token_keys(raw: str) -> tuple[Secret[bytes], ...]:
    """Take keys between commas."""
    keys = tuple(item.strip().encode() for item in raw.split(","))
    if any(len(key) < TOKEN_KEY_CHARS_MIN for key in keys):
        raise ValueError(f"holds a key of fewer than {TOKEN_KEY_CHARS_MIN} characters")
    return tuple(Secret(key) for key in keys)


def mode(raw: str) -> Mode:
    """Take ``live`` or ``test``."""
    if raw not in set(Mode):
        raise ValueError("is neither live nor test")
    return Mode(raw)


def zone(raw: str) -> ZoneInfo:
    """Take the name of a time zone."""
    try:
        return ZoneInfo(raw)
    except (OSError, ValueError, KeyError):
        raise ValueError("is no time zone such as Europe/Berlin") from None
