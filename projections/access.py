"""What a status means to the product: its badge, and what the account may do.

status                          badge        access
active, trialing                Active …     full
past_due                        Past due     full
paused, unpaid                  Paused …     read_only
canceled, incomplete, none …    Canceled …   none
"""

from __future__ import annotations

import enum
from datetime import datetime
from typing import Final

import attrs

from projections.facts import Subscription

NO_STATUS: Final = "none"


class Level(enum.StrEnum):
    """What the account may do in the product."""

    FULL = "full"
    READ_ONLY = "read_only"
    NONE = "none"


class Tone(enum.StrEnum):
    """How a badge is to be taken."""

    SUCCESS = "success"
    INFO = "info"
    WARNING = "warning"
    DANGER = "danger"
    NEUTRAL = "neutral"


@attrs.frozen
class Badge:
    """What the product shows of a status."""

    text: str
    tone: Tone


@attrs.frozen(kw_only=True)
class Change:
    """The access that follows at a known date, unless something happens before."""

    at: datetime
    level: Level


@attrs.frozen(kw_only=True)
class Access:
    """What the account may do, why, and since when.

    Attributes:
        reason: None while nothing stands against full access.
        since: When the status began; None without a subscription.
    """

    level: Level
    reason: str | None = None
    since: datetime | None = None
    next_change: Change | None = None


@attrs.frozen
class _Meaning:
    badge: Badge
    level: Level
    reason: str | None = None


# Best first: the primary subscription is the first of these.
_MEANINGS: Final[dict[str, _Meaning]] = {
    "active": _Meaning(Badge("Active", Tone.SUCCESS), Level.FULL),
    "trialing": _Meaning(Badge("Trial", Tone.INFO), Level.FULL),
    "past_due": _Meaning(Badge("Past due", Tone.WARNING), Level.FULL, "payment_failed"),
    "paused": _Meaning(Badge("Paused", Tone.WARNING), Level.READ_ONLY, "paused"),
    "unpaid": _Meaning(Badge("Unpaid", Tone.DANGER), Level.READ_ONLY, "unpaid"),
    "incomplete": _Meaning(
        Badge("Incomplete", Tone.WARNING), Level.NONE, "first_payment_missing"
    ),
    "canceled": _Meaning(Badge("Canceled", Tone.NEUTRAL), Level.NONE, "canceled"),
    "incomplete_expired": _Meaning(Badge("Expired", Tone.NEUTRAL), Level.NONE, "expired"),
}
_RANKS: Final = {status: rank for rank, status in enumerate(_MEANINGS)}
_LIVE: Final = frozenset({"active", "trialing", "past_due", "paused", "unpaid"})


def rank(status: str) -> int:
    """Return how good *status* is, 0 the best; one that is not known comes last."""
    return _RANKS.get(status, len(_RANKS))


def is_known(status: str) -> bool:
    """Tell whether *status* is one of Stripe's eight."""
    return status in _MEANINGS


def is_live(status: str) -> bool:
    """Tell whether a subscription of *status* may still bill."""
    return status in _LIVE


def badge(subscription: Subscription, now: datetime) -> Badge:
    """Return the badge of *subscription*, with the day it ends on where that is set."""
    ends_at = _ends_at(subscription, now)
    if ends_at is not None and subscription.status in ("active", "trialing"):
        day = f"{ends_at.day} {ends_at:%b %Y}"
        return Badge(f"Cancels on {day}", Tone.WARNING)
    meaning = _MEANINGS.get(subscription.status)
    if meaning is None:
        return Badge(subscription.status.replace("_", " ").capitalize(), Tone.NEUTRAL)
    return meaning.badge


def access(
    subscription: Subscription | None, since: datetime | None, now: datetime
) -> Access:
    """Return what an account with *subscription* as its primary one may do.

    A status that is not known keeps the data readable: neither more nor less is certain.
    """
    if subscription is None:
        return Access(level=Level.NONE, reason="no_subscription")
    meaning = _MEANINGS.get(subscription.status)
    if meaning is None:
        return Access(level=Level.READ_ONLY, reason="unknown_status", since=since)
    ends_at = _ends_at(subscription, now)
    follows = ends_at is not None and meaning.level is not Level.NONE
    return Access(
        level=meaning.level,
        reason=meaning.reason,
        since=since,
        next_change=Change(at=ends_at, level=Level.NONE) if ends_at and follows else None,
    )


def _ends_at(subscription: Subscription, now: datetime) -> datetime | None:
    at = subscription.cancel_at
    if at is None and subscription.cancel_at_period_end:
        at = subscription.period_end
    return at if at is not None and at > now else None
