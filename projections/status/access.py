"""What a status means to the product: its badge, and what the account may do.

status                          badge        access
active, trialing                Active …     full
past_due                        Past due     full
paused, unpaid                  Paused …     read_only
canceled, incomplete, none …    Canceled …   none

A pause of collection is no status: invoices wait, access is as before. A stage of
dunning can only take away: the stricter of status and stage holds.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from datetime import datetime
from typing import Final, TypeAlias

import attrs

from projections.facts import Subscription
from projections.marks import Mark
from projections.models.subscriptions import Current

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
        since: Since when it is this level for this reason, as far as is known; None
            without a subscription.
    """

    level: Level
    reason: str | None = None
    since: datetime | None = None
    next_change: Change | None = None


@attrs.frozen(kw_only=True)
class Stage:
    """What dunning has come to, where it allows less than the status does.

    Attributes:
        badge: Shown in place of the status's.
    """

    level: Level
    reason: str
    since: datetime
    badge: Badge | None = None
    next_change: Change | None = None


_Allowed: TypeAlias = tuple[Level, str | None]


@attrs.frozen
class Turn:
    """At *at* the subscription came to *status*, though no event may have told."""

    at: datetime
    status: str


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
# Stripe's kinds of its own pause, and what the product tells of them.
_PAUSES: Final = {
    "pause_requested": "pause_requested",
    "first_payment_failure": "payment_failed",
    "final_payment_failure": "payment_failed",
    "trial_end_without_payment_method": "trial_ended_without_payment_method",
    "system": "paused_by_stripe",
}
_STRICTNESS: Final = {level: place for place, level in enumerate(Level)}
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


def badge(subscription: Subscription, stage: Stage | None = None) -> Badge:
    """Return the badge of *subscription*, with the day it ends on where that is set."""
    if stage is not None and stage.badge is not None:
        return stage.badge
    ends_at = ends(subscription)
    if ends_at is not None and subscription.status in ("active", "trialing"):
        day = f"{ends_at.day} {ends_at:%b %Y}"
        return Badge(f"Cancels on {day}", Tone.WARNING)
    meaning = _MEANINGS.get(subscription.status)
    if meaning is None:
        return Badge(subscription.status.replace("_", " ").capitalize(), Tone.NEUTRAL)
    return meaning.badge


def access(
    current: Current | None,
    now: datetime,
    stage: Stage | None = None,
    turns: Sequence[Turn] = (),
) -> Access:
    """Return what an account with *current* as its primary subscription may do.

    A status that is not known keeps the data readable: neither more nor less is certain.

    Args:
        turns: When it came to its statuses by what its invoices tell, oldest first.
    """
    if current is None:
        return Access(level=Level.NONE, reason="no_subscription")
    level, reason = _allows(current.value.status, current.value.pause_type)
    of_status = Access(
        level=level,
        reason=reason,
        since=_since(current, level, reason, turns),
        next_change=_at_the_end(current.value, level, now),
    )
    return of_status if stage is None else _stricter(of_status, stage)


def ends(subscription: Subscription) -> datetime | None:
    """Return when *subscription* is set to end; None where it goes on or has ended."""
    if not is_live(subscription.status):
        return None
    if subscription.cancel_at is None and subscription.cancel_at_period_end:
        return subscription.period_end
    return subscription.cancel_at


def _allows(status: str, pause: str | None) -> _Allowed:
    meaning = _MEANINGS.get(status)
    if meaning is None:
        return Level.READ_ONLY, "unknown_status"
    if status == "paused" and pause is not None:
        return meaning.level, _PAUSES.get(pause, meaning.reason)
    return meaning.level, meaning.reason


def _since(
    current: Current, level: Level, reason: str | None, turns: Sequence[Turn]
) -> datetime:
    """Return since when the status allowed just this, which several statuses may do."""
    shown = current.value
    if shown.status == "canceled" and shown.ended_at is not None:
        return shown.ended_at
    since = current.since
    marks = current.marks
    for place in range(len(marks) - 1, -1, -1):
        mark = marks[place]
        if _allows(mark.status, mark.pause_type) != (level, reason):
            break
        since = mark.at
        unheard = mark.inferred or (place > 0 and marks[place - 1].inferred)
        turned = _turned(marks, place, turns, (level, reason)) if unheard else None
        if turned is not None:
            return turned
    return since


def _turned(
    marks: Sequence[Mark], place: int, turns: Sequence[Turn], allowed: _Allowed
) -> datetime | None:
    """Return when what *marks* say at *place* came about, if invoices tell."""
    after = marks[place - 1].at if place else None
    before = marks[place + 1].at if place + 1 < len(marks) else None
    found = [
        turn.at
        for turn in turns
        if (after is None or after < turn.at)
        and (before is None or turn.at < before)
        and _allows(turn.status, None) == allowed
    ]
    return found[-1] if found else None


def _at_the_end(shown: Subscription, level: Level, now: datetime) -> Change | None:
    at = ends(shown)
    if at is None or at <= now or level is Level.NONE:
        return None
    return Change(at=at, level=Level.NONE)


def _stricter(of_status: Access, stage: Stage) -> Access:
    changes = [
        change
        for change in (of_status.next_change, stage.next_change)
        if change is not None and _STRICTNESS[change.level] > _STRICTNESS[stage.level]
    ]
    first = min(changes, key=_at, default=None)
    if _STRICTNESS[of_status.level] >= _STRICTNESS[stage.level]:
        return attrs.evolve(of_status, next_change=first)
    return Access(
        level=stage.level, reason=stage.reason, since=stage.since, next_change=first
    )


def _at(change: Change) -> datetime:
    return change.at
