"""Notices that are due to the billing contact: what a mail process works off.

    payment_failed   each failure, with the bank's reason
    paused           access was taken            canceled   the account was canceled
    receipt          each charge that was paid
    card_expiring    30 and 7 days before the card that is charged expires
    trial_ending     3 days before

Nobody keeps which were sent here: each has a key that no rebuild and no late event gives
to another, so that whoever sends them says each once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import MAXYEAR, UTC, datetime, timedelta
from typing import Any, Final

import attrs

from projections.dunning.attempts import Attempt
from projections.dunning.timelines import DAY, Timeline
from projections.dunning.tries import DEBITS, Paying
from projections.history import Current
from projections.objects import Invoice, Subscription
from projections.payment_objects import Payment, PaymentMethod
from projections.status import access
from projections.status.standings import Listed
from projections.status.ways_to_pay import WayToPay

CARD_DAYS: Final = (30, 7)
TRIAL_DAYS: Final = 3
# What is older is no news to anybody.
SHOWN: Final = timedelta(days=45)
_DECEMBER: Final = 12


@attrs.frozen(kw_only=True)
class Notice:
    """Something to be told once.

    Attributes:
        key: The same for the same notice, whatever was learnt since.
        detail: What it is about, values that JSON knows.
    """

    kind: str
    due_at: datetime
    key: str
    detail: Mapping[str, Any]


@attrs.frozen(kw_only=True)
class Noticed:
    """What notices are made of."""

    subscriptions: Sequence[Listed]
    timelines: Sequence[Timeline]
    invoices: Mapping[str, Current[Invoice]]
    paying: Mapping[str, Paying]
    ways_to_pay: Sequence[WayToPay]


def notices(noticed: Noticed, now: datetime) -> tuple[Notice, ...]:
    """Return what is due at *now*, newest first; nothing older than `SHOWN`."""
    found = [
        *_of_timelines(noticed.timelines),
        *_of_ends(noticed),
        *_receipts(noticed),
        *_cards(noticed),
        *_trials(noticed.subscriptions),
    ]
    due = [each for each in found if now - SHOWN < each.due_at <= now]
    return tuple(sorted(due, key=lambda each: (each.due_at, each.key), reverse=True))


def expires_at(method: PaymentMethod) -> datetime | None:
    """Return the first instant at which a card is no longer good: after its month."""
    year, month = method.exp_year, method.exp_month
    if year is None or month is None or year >= MAXYEAR:
        return None
    years, index = divmod(month, _DECEMBER)
    return datetime(year + years, index + 1, 1, tzinfo=UTC)


def _of_timelines(timelines: Sequence[Timeline]) -> Iterator[Notice]:
    for told in timelines:
        what = {"invoice": told.invoice, "subscription": told.subscription}
        owed = {"amount_due": told.shown.amount_due, "currency": told.shown.currency}
        names = _names(told.attempts)
        for place, (attempt, name) in enumerate(zip(told.attempts, names, strict=True)):
            yield Notice(
                kind="payment_failed",
                due_at=attempt.at,
                key=f"payment_failed:{told.invoice}:{name}",
                detail={
                    **what,
                    **owed,
                    "n": place + 1,
                    "outcome": attempt.outcome,
                    "reason": attempt.reason,
                    "message": attempt.message,
                },
            )
        if told.paused_at is not None:
            key = f"paused:{told.invoice}"
            yield Notice(kind="paused", due_at=told.paused_at, key=key, detail=what)
        if told.canceled_at is not None:
            yield _canceled(told.subscription, told.invoice, told.canceled_at)


def _names(attempts: Sequence[Attempt]) -> list[str]:
    """Return what each is called: by Stripe's number, so that a late one moves no other.

    What was tried by hand has the number of the attempt before it.
    """
    found: list[str] = []
    for place, attempt in enumerate(attempts, start=1):
        number = str(attempt.count or place)
        again = sum(name.partition(".")[0] == number for name in found)
        found.append(f"{number}.{again}" if again else number)
    return found


def _of_ends(noticed: Noticed) -> Iterator[Notice]:
    """Yield what ended for another reason than a timeline that says so itself."""
    told = {each.subscription for each in noticed.timelines if each.canceled_at is not None}
    for each in noticed.subscriptions:
        ended_at = each.subscription.ended_at
        if ended_at is not None and each.id not in told:
            yield _canceled(each.id, None, ended_at)


def _canceled(subscription: str | None, invoice: str | None, at: datetime) -> Notice:
    named = ":".join(name for name in (subscription, invoice) if name)
    detail = {"subscription": subscription, "invoice": invoice}
    return Notice(kind="canceled", due_at=at, key=f"canceled:{named}", detail=detail)


def _receipts(noticed: Noticed) -> Iterator[Notice]:
    for invoice, paid in sorted(noticed.paying.items()):
        for name, charge in sorted(paid.charges.items()):
            if charge.value.status == "succeeded":
                at = _came_at(charge, noticed.invoices.get(invoice))
                yield attrs.evolve(_receipt(invoice, name, charge), due_at=at)


def _came_at(charge: Current[Payment], invoice: Current[Invoice] | None) -> datetime:
    """Return when the money came: of a debit, days after the one date that it keeps."""
    shown = charge.value
    if (
        shown.method_type in DEBITS
        and charge.since == shown.created
        and invoice is not None
    ):
        return max(charge.since, invoice.value.paid_at or charge.since)
    return charge.since


def _receipt(invoice: str, name: str, charge: Current[Payment]) -> Notice:
    shown = charge.value
    return Notice(
        kind="receipt",
        due_at=charge.since,
        key=f"receipt:{name}",
        detail={
            "invoice": invoice,
            "charge": name,
            "amount": shown.amount,
            "currency": shown.currency,
            "url": shown.receipt_url,
        },
    )


def _cards(noticed: Noticed) -> Iterator[Notice]:
    """Yield the warnings of the card that is charged, while anything is charged to it."""
    if not any(access.is_live(each.subscription.status) for each in noticed.subscriptions):
        return
    for way in noticed.ways_to_pay:
        ends = expires_at(way.method)
        if not way.default or ends is None:
            continue
        month = f"{way.method.exp_year:04d}-{way.method.exp_month:02d}"
        for days in CARD_DAYS:
            yield Notice(
                kind="card_expiring",
                due_at=ends - days * DAY,
                key=f"card_expiring:{way.id}:{month}:{days}",
                detail={
                    "payment_method": way.id,
                    "brand": way.method.brand,
                    "last4": way.method.last4,
                    "expires": month,
                    "days": days,
                },
            )


def _trials(subscriptions: Sequence[Listed]) -> Iterator[Notice]:
    for each in subscriptions:
        shown: Subscription = each.subscription
        if shown.status == "trialing" and shown.trial_end is not None:
            yield Notice(
                kind="trial_ending",
                due_at=shown.trial_end - TRIAL_DAYS * DAY,
                key=f"trial_ending:{each.id}:{shown.trial_end:%Y%m%dT%H%M%S}",
                detail={
                    "subscription": each.id,
                    "trial_end": f"{shown.trial_end:%Y-%m-%dT%H:%M:%SZ}",
                },
            )
