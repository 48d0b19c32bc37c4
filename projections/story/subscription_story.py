"""What each event changed of a subscription, as somebody from finance says it.

Subscribed to Team, monthly; Stripe bills 4 extra seats; the trial ends 1 Oct 2026
Plan changed from Team to Business; Stripe bills 2 extra seats, before 4
Cancels on 1 Dec 2026

Told from what the read models make of the events, in canonical order, so it reads the same
for every API version and for every order of arrival.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Final

import attrs

from ledger.log import Recorded
from ledger.moments import rfc3339
from ledger.order import canonical
from projections.facts import Subscription, SubscriptionObserved
from projections.models.catalogue import Catalogue
from projections.status.access import ends
from projections.status.plans import plan_name
from projections.story.phrases import INTERVALS, counted, day, typed, words
from projections.terms import Counts, terms
from projections.translation.translate import translation

STATUSES: Final[Mapping[str, str]] = {
    "trialing": "the trial began",
    "active": "active",
    "past_due": "past due: a payment failed",
    "paused": "paused",
    "unpaid": "unpaid: no more tries to collect",
    "incomplete": "the first payment is still to come",
    "incomplete_expired": "expired: the first payment never came",
    "canceled": "ended",
}
FROM_STATUS: Final[Mapping[tuple[str, str], str]] = {
    ("trialing", "active"): "the trial is over, the subscription is active",
    ("past_due", "active"): "paid up, active again",
    ("unpaid", "active"): "paid up, active again",
    ("paused", "active"): "resumed, active again",
    ("incomplete", "active"): "the first payment came, the subscription is active",
}

_TRANSLATION: Final = translation([SubscriptionObserved])


@attrs.frozen(kw_only=True)
class _Said:
    """A subscription after an event, in words."""

    shown: Subscription
    plan: str | None
    interval: str | None
    seats: int | None
    extra: bool
    ends: str | None
    trial_ends: str | None
    until: str | None

    @property
    def billed(self) -> str | None:
        """The seats that Stripe bills."""
        if self.seats is None:
            return None
        return counted(self.seats, "extra seat" if self.extra else "seat")


@attrs.frozen(kw_only=True)
class Told:
    """What an event says: its sentence, and its place among those of its second."""

    text: str
    place: int
    news: bool


def told(
    recorded: Iterable[Recorded], catalogue: Catalogue, zone: tzinfo
) -> dict[int, Told]:
    """Return what each event of a subscription says, by position."""
    facts = _TRANSLATION.facts(recorded)
    observed: defaultdict[str, list[SubscriptionObserved]] = defaultdict(list)
    for fact in facts:
        if isinstance(fact, SubscriptionObserved):
            observed[fact.object_id].append(fact)
    found: dict[int, Told] = {}
    for name in sorted(observed):
        found |= _of_one(canonical(observed[name]).events, catalogue, zone)
    return found


def _of_one(
    events: Sequence[SubscriptionObserved], catalogue: Catalogue, zone: tzinfo
) -> dict[int, Told]:
    differed = frozenset(
        item.id
        for event in events
        for item in event.subscription.items
        if item.quantity not in {None, 1}
    )
    found: dict[int, Told] = {}
    before: _Said | None = None
    for place, event in enumerate(events):
        now = _said(event, differed, catalogue, zone)
        changes = _changes(event, before, now)
        text = "; ".join(changes) or "nothing that bills has changed"
        text = f"{text[:1].upper()}{text[1:]} · {event.object_id}"
        found[event.position] = Told(text=text, place=place, news=bool(changes))
        before = now
    return found


def _said(
    event: SubscriptionObserved,
    differed: frozenset[str],
    catalogue: Catalogue,
    zone: tzinfo,
) -> _Said:
    shown, at = event.subscription, event.occurred_at
    start = shown.period_start or at
    meant = terms(
        shown.items, differed, catalogue, period_start=start, moment=max(start, at)
    )
    base = next((item for item in shown.items if item.id == meant.base), None)
    seat = next((item for item in shown.items if item.id == meant.seat), None)
    intervals = [item.interval for item in shown.items if item.interval]
    ends_at = ends(shown)
    return _Said(
        shown=shown,
        plan=typed(plan_name(shown.items, base, catalogue, at)),
        interval=INTERVALS.get(intervals[0], intervals[0]) if intervals else None,
        seats=None if seat is None else seat.quantity,
        extra=meant.counts is Counts.EXTRA,
        ends=None if ends_at is None else day(rfc3339(ends_at), zone),
        trial_ends=_day(shown.trial_end, zone),
        until=_day(shown.period_end, zone),
    )


def _day(moment: object, zone: tzinfo) -> str | None:
    return day(rfc3339(moment), zone) if isinstance(moment, datetime) else None


def _changes(event: SubscriptionObserved, before: _Said | None, now: _Said) -> list[str]:
    if event.type.endswith(".trial_will_end"):
        return [f"the trial ends {now.trial_ends or 'soon'}"]
    if before is None:
        return _began(now)
    found = [
        _status(before.shown, now.shown),
        _plan(before, now),
        _seats(before, now),
        _end(before, now),
        _trial(before, now),
        _renewal(before.shown, now),
        _collection(before.shown, now.shown),
        *_others(before.shown, now.shown),
    ]
    return [change for change in found if change]


def _began(now: _Said) -> list[str]:
    status = now.shown.status
    if status in {"canceled", "incomplete_expired"}:
        return [STATUSES[status]]
    interval = f", {now.interval}" if now.interval else ""
    found = [f"subscribed to {now.plan or 'a plan'}{interval}"]
    if now.billed:
        found.append(f"Stripe bills {now.billed}")
    if status == "trialing" and now.trial_ends:
        found.append(f"the trial ends {now.trial_ends}")
    elif status != "active":
        found.append(STATUSES.get(status, words(status) or status))
    return found + ([f"cancels on {now.ends}"] if now.ends else [])


def _status(before: Subscription, now: Subscription) -> str | None:
    if before.status == now.status:
        return None
    said = FROM_STATUS.get((before.status, now.status)) or STATUSES.get(now.status)
    reason = words(now.cancellation_reason) if now.status == "canceled" else None
    if now.status == "paused":
        reason = words(now.pause_type)
    return f"{said or words(now.status)}{f', {reason}' if reason else ''}"


def _plan(before: _Said, now: _Said) -> str | None:
    if before.plan != now.plan:
        return f"plan changed from {before.plan or 'none'} to {now.plan or 'none'}"
    if before.interval != now.interval:
        return f"now billed {now.interval}, before {before.interval}"
    prices = [
        sorted(item.price or "" for item in each.shown.items) for each in (before, now)
    ]
    return "changed to other prices of the same plan" if prices[0] != prices[1] else None


def _seats(before: _Said, now: _Said) -> str | None:
    if before.billed == now.billed:
        return None
    if before.billed is None or before.extra is not now.extra:
        return f"Stripe bills {now.billed or 'no seats'}"
    return f"Stripe bills {now.billed or 'no seats'}, before {before.seats:,}"


def _end(before: _Said, now: _Said) -> str | None:
    if before.ends == now.ends or now.shown.ended:
        return None
    return "no longer cancels" if now.ends is None else f"cancels on {now.ends}"


def _trial(before: _Said, now: _Said) -> str | None:
    if now.shown.status != "trialing" or before.trial_ends == now.trial_ends:
        return None
    return f"the trial ends {now.trial_ends or 'at no set time'}"


def _renewal(before: Subscription, now: _Said) -> str | None:
    start, end = now.shown.period_start, before.period_end
    if now.shown.ended or start is None or end is None or start < end:
        return None
    return f"a new period began, until {now.until}"


def _collection(before: Subscription, now: Subscription) -> str | None:
    if before.pause_behavior == now.pause_behavior:
        return None
    if now.pause_behavior is None:
        return "invoices are collected again"
    return f"invoices are not collected for now ({words(now.pause_behavior)})"


def _others(before: Subscription, now: Subscription) -> list[str | None]:
    method = before.default_payment_method != now.default_payment_method
    return [
        "another payment method is charged" if method else None,
        _discounts(before, now),
        "a change is scheduled" if now.schedule and not before.schedule else None,
    ]


def _discounts(before: Subscription, now: Subscription) -> str | None:
    """Say which coupons reduce it; since 2025 Stripe may name discounts by id alone."""
    were, are = (
        sorted(each.coupon or each.id for each in shown.discounts)
        for shown in (before, now)
    )
    if were == are:
        return None
    coupons = sorted(each.coupon for each in now.discounts if each.coupon)
    if len(coupons) == len(are):
        return f"discount: {', '.join(coupons) or 'none any more'}"
    return "a discount applies" if len(are) == 1 else f"{len(are)} discounts apply"
