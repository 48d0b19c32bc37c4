"""What somebody should know or do before reading on, each with its dates.

Payment failed: the card has insufficient funds.
    Next try 5 Nov    Read-only from 8 Nov    Canceled on 1 Dec        [Update payment]
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Final

import attrs

from projections.page.document import Document, Dunning, Invoice, Step
from projections.page.texts import cut, words

OPEN_STAGES: Final = frozenset({"retrying", "paused", "canceled"})
_MESSAGE_CHARS_MAX: Final = 240


@attrs.frozen(kw_only=True)
class Banner:
    """A message at the top.

    Attributes:
        dates: What happens when, in order.
        amount: What is owed, in minor units of *currency*.
        invoice: Which invoice it is owed on.
        portal: What the button that leads to Stripe says; None without one.
    """

    tone: str
    title: str
    text: str = ""
    reason: str | None = None
    dates: tuple[tuple[str, datetime], ...] = ()
    amount: int | None = None
    currency: str | None = None
    invoice: str | None = None
    portal: str | None = None


def banners(document: Document, *, ended: bool) -> tuple[Banner, ...]:
    """Return what stands above everything else.

    Args:
        ended: Whether there is no subscription, or only one that Stripe has ended.
    """
    found = list(_stale(document))
    if not ended:
        dunning = is_dunned(document)
        found += [_dunning(document, dunning)] if dunning else _of_status(document)
        found += _ahead(document)
    return tuple(found)


def is_dunned(document: Document) -> Dunning | None:
    """Return the timeline of a failed payment that is still open; None if there is none."""
    dunning = document.dunning
    return dunning if dunning is not None and dunning.stage in OPEN_STAGES else None


def reason_of(step: Step) -> str | None:
    """Return why a charge failed, in the bank's own words where there are any."""
    if step.message:
        return cut(step.message, _MESSAGE_CHARS_MAX)
    return words(step.reason) if step.reason else None


def _stale(document: Document) -> Iterator[Banner]:
    if document.meta.stale:
        yield Banner(
            tone="warning",
            title="These figures stand still",
            text="Something about this account could not be read, and is being looked "
            "after. What you see is the last that is known; nothing is lost.",
        )


def _dunning(document: Document, dunning: Dunning) -> Banner:
    title, text, button = _STAGES[dunning.stage]
    now = document.meta.as_of
    tries = [
        step.due_at
        for step in dunning.steps
        if step.kind == "attempt" and step.happened_at is None and step.due_at is not None
    ]
    coming = [("Next try", at) for at in sorted(tries) if at >= now]
    found: list[tuple[str, datetime]] = coming[:1]
    if dunning.pause_at is not None:
        over = dunning.pause_at <= now
        found.append(("Read-only since" if over else "Read-only from", dunning.pause_at))
    if dunning.cancel_at is not None:
        over = dunning.cancel_at <= now
        found.append(("Canceled on" if over else "Cancels on", dunning.cancel_at))
    return Banner(
        tone="danger" if dunning.stage == "canceled" else "warning",
        title=title,
        text=text,
        reason=_last_reason(dunning),
        dates=tuple(found),
        amount=dunning.amount_due,
        invoice=dunning.invoice if _shown(document, dunning.invoice) else None,
        currency=_invoice_currency(document, dunning.invoice),
        portal=button,
    )


def _last_reason(dunning: Dunning) -> str | None:
    told = [
        reason_of(step)
        for step in dunning.steps
        if step.happened_at is not None and step.outcome == "failed"
    ]
    return next((reason for reason in reversed(told) if reason), None)


def _shown(document: Document, name: str) -> Invoice | None:
    return next((each for each in document.invoices if each.id == name), None)


def _invoice_currency(document: Document, name: str) -> str | None:
    found = _shown(document, name)
    return found.currency if found and found.currency else document.currency


def _of_status(document: Document) -> list[Banner]:
    make = _STATUSES.get(document.status)
    return [] if make is None else [make(document)]


def _past_due(document: Document) -> Banner:
    owed = _owed(document)
    return Banner(
        tone="warning",
        title="A payment failed",
        text="We will try again. A new payment method settles it at once.",
        amount=owed.amount_remaining if owed else None,
        invoice=owed.id if owed else None,
        currency=owed.currency if owed else None,
        portal="Update payment method",
    )


def _unpaid(document: Document) -> Banner:
    owed = _owed(document)
    return Banner(
        tone="danger",
        title="Payment is overdue",
        text="All tries failed. Access is read-only until the open invoice is paid.",
        amount=owed.amount_remaining if owed else None,
        invoice=owed.id if owed else None,
        currency=owed.currency if owed else None,
        portal="Pay now",
    )


def _incomplete(_document: Document) -> Banner:
    return Banner(
        tone="warning",
        title="The first payment is still to come",
        text="The subscription begins as soon as it succeeds.",
        portal="Complete payment",
    )


def _paused(document: Document) -> Banner:
    return Banner(
        tone="warning",
        title="This subscription is paused",
        text=_PAUSES.get(
            document.access.reason or "", "Access is read-only; your data is kept."
        ),
        portal="Resume or update",
    )


def _owed(document: Document) -> Invoice | None:
    return next(
        (each for each in document.invoices if each.status == "open" and each.total), None
    )


def _ahead(document: Document) -> Iterator[Banner]:
    subscription = document.subscription
    if subscription is None:
        return
    if subscription.status == "trialing" and subscription.trial_end is not None:
        yield Banner(
            tone="info",
            title="You are on a trial",
            text="Nothing is charged before it ends.",
            dates=(("Trial ends", subscription.trial_end),),
        )
    if subscription.pause is not None and subscription.pause.kind == "collection":
        yield Banner(
            tone="info",
            title="Invoices are on hold",
            text="Access is as before; nothing is collected meanwhile.",
        )


_STAGES: Final = {
    "retrying": (
        "Your last payment failed",
        "Nothing changes yet. A new payment method settles it at once.",
        "Update payment method",
    ),
    "paused": (
        "Paused for a missing payment",
        "Access is read-only. Your data is kept, and a payment brings everything back.",
        "Pay and resume",
    ),
    "canceled": (
        "Canceled for a missing payment",
        "Your data is kept. A payment brings the subscription back.",
        "Pay and resume",
    ),
}
_STATUSES: Final[dict[str, Callable[[Document], Banner]]] = {
    "past_due": _past_due,
    "unpaid": _unpaid,
    "incomplete": _incomplete,
    "paused": _paused,
}
_PAUSES: Final = {
    "payment_failed": "A payment failed; access is read-only until it succeeds.",
    "pause_requested": "You asked for it. Access is read-only; your data is kept.",
    "trial_ended_without_payment_method": "The trial ended without a payment method. "
    "Add one, and it goes on where it was.",
}
