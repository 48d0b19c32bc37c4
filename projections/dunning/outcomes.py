"""How an invoice that was not paid came to its end, if it has.

    paid                          recovered
    void, credited, written off   closed, with that reason
    the subscription ended        canceled, or closed if it ended for another reason
    the subscription is active    closed: superseded, though nothing was paid

The first of them counts. A payment in the second in which Stripe ended the subscription
comes too late.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import pairwise
from typing import Final

import attrs

from projections.history import Current
from projections.marks import Mark
from projections.models.traces import PAID, UNCOLLECTIBLE, VOID
from projections.objects import Invoice, Subscription

FOR_NONPAYMENT: Final = "payment_failed"
FORGIVEN: Final = "user_forgiven"
WRITTEN_OFF: Final = "written_off"
_OWING: Final = frozenset({"past_due", "unpaid"})
# Of the others, none makes invoices that are sent.
_BILLED: Final = frozenset({"active", "trialing", "past_due"})
_GOING: Final = frozenset({"active", "trialing"})


class End(enum.StrEnum):
    """What became of it."""

    RECOVERED = "recovered"
    CANCELED = "canceled"
    CLOSED = "closed"


@attrs.frozen(kw_only=True)
class Outcome:
    """How it ended, when, why, and the event that told."""

    end: End
    at: datetime
    reason: str
    position: int


@attrs.frozen(kw_only=True)
class Owed:
    """What is looked at: an invoice since it failed, and its subscription.

    Attributes:
        began: Day 0.
        cancel_at: When the policy cancels.
        invoices: Of its account.
    """

    invoice: Current[Invoice]
    subscription: Current[Subscription] | None
    began: datetime
    cancel_at: datetime
    invoices: Mapping[str, Current[Invoice]] = attrs.Factory(dict)


def outcome(owed: Owed) -> Outcome | None:
    """Return how it ended; None while it goes on."""
    found = [
        each
        for each in (_ended(owed), _paid(owed), _void(owed), _written_off(owed))
        if each is not None
    ]
    if not found:
        return _superseded(owed)
    return min(found, key=_when)


def _paid(owed: Owed) -> Outcome | None:
    for trace in owed.invoice.traces:
        if trace.what == PAID:
            credited = _is_credited(owed.invoice.value)
            return Outcome(
                end=End.CLOSED if credited else End.RECOVERED,
                at=trace.at,
                reason="credited" if credited else PAID,
                position=trace.position,
            )
    return None


def _is_credited(invoice: Invoice) -> bool:
    """Tell whether nothing was paid, since credit notes left nothing to pay."""
    return bool(invoice.pre_payment_credit) and not invoice.amount_paid


def _void(owed: Owed) -> Outcome | None:
    return _traced(owed, VOID, VOID)


def _written_off(owed: Owed) -> Outcome | None:
    """Return that it was given up; it runs on where the subscription still owes."""
    found = _traced(owed, UNCOLLECTIBLE, WRITTEN_OFF)
    held = owed.subscription
    if found is None or held is None:
        return found
    if owed.invoice.value.uncollectible_reason == FORGIVEN:
        return found
    before = [mark for mark in held.marks if mark.at <= found.at][-1:]
    owing = any(mark.status in _OWING for mark in before)
    if not before or before[0].inferred:
        # What no event told, its later invoices do, else what it is, or what it ended for.
        went_on = min(_active_again(owed), default=None)
        if went_on is not None:
            return attrs.evolve(found, at=max(found.at, went_on[0]))
        ended_for = held.value.cancellation_reason
        owing = (
            owing
            or held.value.status in _OWING
            or ended_for == FOR_NONPAYMENT
            or (held.ended and _left_drafts(owed))
        )
    if not owing:
        return found
    after = [mark for mark in held.marks if mark.at > found.at]
    freed = next((mark for mark in after if _goes(mark)), None)
    if freed is None:
        return None
    return attrs.evolve(found, at=freed.at, position=freed.position)


def _left_drafts(owed: Owed) -> bool:
    """Tell whether it made nothing but drafts after that, as one does that is unpaid."""
    since = owed.invoice.value.created
    later = {
        shown.status
        for shown in (each.value for each in owed.invoices.values())
        if shown.subscription == owed.invoice.value.subscription
        and shown.created is not None
        and since is not None
        and shown.created > since
    }
    return later == {"draft"}


def _active_again(owed: Owed) -> Iterator[tuple[datetime, int]]:
    """Yield when a later invoice that was the newest then was paid, which makes it active.

    One that is unpaid only makes drafts, and one that ended makes nothing: either went on
    if another invoice was sent after that.
    """
    held, own = owed.subscription, owed.invoice.value.subscription
    made = [each.value for each in owed.invoices.values() if each.value.subscription == own]
    for paid_at, created, position in _later_paid(owed):
        after = [each for each in made if each.created and each.created > created]
        newest = not any(each.created <= paid_at for each in after if each.created)
        sent = any(each.finalized_at and each.finalized_at > paid_at for each in after)
        if newest and (sent or held is None or held.value.status in _BILLED):
            yield paid_at, position


def _traced(owed: Owed, what: str, reason: str) -> Outcome | None:
    for trace in owed.invoice.traces:
        if trace.what == what:
            return Outcome(
                end=End.CLOSED, at=trace.at, reason=reason, position=trace.position
            )
    return None


def _ended(owed: Owed) -> Outcome | None:
    held = owed.subscription
    if held is None or not held.ended:
        return None
    at = max(held.value.ended_at or held.since, owed.began)
    unpaid = held.value.cancellation_reason == FOR_NONPAYMENT or at >= owed.cancel_at
    return Outcome(
        end=End.CANCELED if unpaid else End.CLOSED,
        at=at,
        reason=FOR_NONPAYMENT if unpaid else "subscription_ended",
        position=held.position,
    )


def _superseded(owed: Owed) -> Outcome | None:
    for at, position in sorted((*_revivals(owed), *_moved_on(owed))):
        if at > owed.began:
            return Outcome(end=End.CLOSED, at=at, reason="superseded", position=position)
    return None


def _revivals(owed: Owed) -> Iterator[tuple[datetime, int]]:
    """Yield when the subscription was active again after it was not."""
    marks = () if owed.subscription is None else owed.subscription.marks
    for before, after in pairwise(marks):
        if _goes(after) and before.status not in _GOING:
            yield after.at, after.position


def _moved_on(owed: Owed) -> Iterator[tuple[datetime, int]]:
    """Yield when later invoices were paid of a subscription that is active all the same.

    One that is active no more has been, where the newest was paid and others followed.
    Where events told of its status, these have the word.
    """
    held = owed.subscription
    if held is None:
        return
    going = held.value.status in _GOING
    paid = (
        [(each[0], each[2]) for each in _later_paid(owed)] if going else _active_again(owed)
    )
    for paid_at, position in paid:
        told = [mark for mark in held.marks if mark.at <= paid_at]
        if not told or told[-1].inferred:
            yield paid_at, position


def _later_paid(owed: Owed) -> Iterator[tuple[datetime, datetime, int]]:
    """Yield when later invoices of its subscription were paid, made, and told of."""
    since = owed.invoice.value.created
    for each in owed.invoices.values():
        shown = each.value
        paid_at, created = shown.paid_at, shown.created
        if (
            shown.subscription == owed.invoice.value.subscription
            and paid_at is not None
            and created is not None
            and since is not None
            and created > since
        ):
            yield paid_at, created, each.position


def _goes(mark: Mark) -> bool:
    """Tell whether it is sure that the subscription was active then."""
    return mark.status in _GOING and not mark.inferred


def _when(one: Outcome) -> tuple[datetime, bool]:
    """Order by time; of one second, the subscription's end comes first."""
    return one.at, one.end is End.RECOVERED
