"""Why a figure is what it is: its parts, re-added, and the events that say so.

Base plan Shop              99.00   #41,007
2 extra seats at 8.00       16.00   #41,007
Coupon LAUNCH20            -23.00   #41,007
99.00 + 16.00 - 23.00 =     92.00
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Final

import attrs

from projections.page.banners import reason_of
from projections.page.document import Document, Invoice
from projections.page.texts import words

EVENTS_MAX: Final = 20


class Figure(enum.StrEnum):
    """What can be explained."""

    STATUS = "status"
    SEATS = "seats"
    TOTAL = "total"
    DUNNING = "dunning"
    INVOICE = "invoice"


@attrs.frozen(kw_only=True)
class Part:
    """One part of a figure.

    Attributes:
        amount: In minor units; *number* is a plain one. Neither: it only tells.
        evidence: Positions of the events that say so.
    """

    label: str
    detail: str | None = None
    amount: int | None = None
    number: int | None = None
    at: datetime | None = None
    evidence: tuple[int, ...] = ()


@attrs.frozen(kw_only=True)
class Explanation:
    """A figure, taken apart.

    Attributes:
        sums_up: Whether the parts' amounts add up to *amount*; None where they need not.
    """

    title: str
    text: str
    currency: str | None = None
    amount: int | None = None
    parts: tuple[Part, ...] = ()
    sums_up: bool | None = None

    @property
    def evidence(self) -> tuple[int, ...]:
        """The positions that all parts rest on, in order, at most `EVENTS_MAX`."""
        found = {position for part in self.parts for position in part.evidence}
        return tuple(sorted(found)[:EVENTS_MAX])


def explanation(
    document: Document, figure: Figure, invoice: Invoice | None
) -> Explanation | None:
    """Return why *figure* is what *document* says; None where there is no such figure."""
    if figure is Figure.INVOICE:
        return None if invoice is None else _invoice(invoice)
    return _EXPLAINED[figure](document)


def _total(document: Document) -> Explanation | None:
    total = document.period_total
    if total is None:
        return None
    parts = tuple(
        Part(
            label=line.description or words(line.kind),
            detail=_SOURCES.get(line.source, words(line.source)),
            amount=line.amount,
            evidence=tuple(line.evidence),
        )
        for line in total.lines
    )
    return Explanation(
        title="This period's total",
        text="The sum of what is billed for the period, discounts taken off.",
        currency=total.currency,
        amount=total.total,
        parts=parts,
        sums_up=sum(line.amount for line in total.lines) == total.total,
    )


def _seats(document: Document) -> Explanation | None:
    seats = document.seats
    if seats is None:
        return None
    numbers = (
        ("Billed this period", "The most that were in use since it began.", seats.billed),
        ("Included in the plan", None, seats.included),
        ("Extra", "Billed beyond those included.", seats.extra),
        ("In use now", "As the product has told.", seats.active),
        (
            "Freed at the next cycle",
            "Billed, but not in use any more.",
            seats.freed_next_cycle,
        ),
        ("Stripe's quantity", "What Stripe counts at this moment.", seats.stripe_quantity),
    )
    return Explanation(
        title="Seats",
        text="A seat added counts at once; a seat freed counts until the next cycle.",
        parts=tuple(
            Part(label=label, detail=detail, number=number)
            for label, detail, number in numbers
            if number is not None
        ),
    )


def _status(document: Document) -> Explanation:
    return Explanation(
        title="Status",
        text="What Stripe says of the subscription, and what follows for access.",
        parts=tuple(_standing(document)),
    )


def _standing(document: Document) -> Iterator[Part]:
    access, subscription = document.access, document.subscription
    yield Part(label="Status", detail=words(document.status))
    yield Part(label="Access", detail=words(access.level), at=access.since)
    if access.reason:
        yield Part(label="Because of", detail=words(access.reason))
    if access.next_change:
        change = access.next_change
        yield Part(label="Next change", detail=words(change.level), at=change.at)
    if subscription and subscription.current_period:
        period = subscription.current_period
        yield Part(label="Period began", at=period.start)
        yield Part(label="Period ends", at=period.end)
    for each in document.subscriptions:
        if not each.primary:
            yield Part(
                label="Another subscription", detail=f"{each.id}: {words(each.status)}"
            )


def _dunning(document: Document) -> Explanation | None:
    dunning = document.dunning
    if dunning is None:
        return None
    parts = (
        Part(
            label=f"{words(step.kind)} {step.n or ''}".strip(),
            detail=": ".join(filter(None, (words(step.outcome or ""), reason_of(step))))
            or None,
            at=step.happened_at or step.due_at,
            evidence=tuple(step.evidence),
        )
        for step in dunning.steps
    )
    return Explanation(
        title="What follows the failed payment",
        text="Days count from the first failure that we were told of.",
        parts=tuple(parts),
    )


def _invoice(invoice: Invoice) -> Explanation:
    amounts = (
        ("Total", invoice.total),
        ("Due", invoice.amount_due),
        ("Paid", invoice.amount_paid),
        ("Still open", invoice.amount_remaining),
        ("Credited", invoice.credited),
        ("Refunded", invoice.refunded),
    )
    return Explanation(
        title=f"Invoice {invoice.number or invoice.id}",
        text="Amounts as Stripe finalized them; they are copied, never computed again.",
        currency=invoice.currency,
        amount=invoice.total,
        parts=(
            Part(
                label="Status", detail=words(invoice.status or "unknown"), at=invoice.date
            ),
            *(
                Part(label=label, amount=amount)
                for label, amount in amounts
                if amount is not None
            ),
        ),
    )


_EXPLAINED: Final[dict[Figure, Callable[[Document], Explanation | None]]] = {
    Figure.STATUS: _status,
    Figure.SEATS: _seats,
    Figure.TOTAL: _total,
    Figure.DUNNING: _dunning,
}
_SOURCES: Final = {
    "invoice": "On the invoice",
    "draft": "On the invoice being prepared",
    "pending": "Waits for the next invoice",
    "estimate": "Estimated until invoiced",
}
