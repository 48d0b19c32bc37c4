"""What an object shown late is sure to have been, at the dates that it keeps.

    subscription   created        it began, on trial or active, in its currency
                   period's start with the items it has, until an event says otherwise
                   ended_at       as it is, for good
    invoice        created        a draft of that subscription
                   finalized_at   open, its amounts as they are
                   paid_at, voided_at, marked uncollectible   as it is
    customer       created        somebody, of whom no more is known
    tax id         created        the same, not verified yet
    charge         created        as it is, nothing given back; a debit that failed did so
                                  days later, but Stripe keeps no date of that
    refund, dispute, credit note  created, as they are

What may have changed since is left out. Where an event tells of the same second, the
event has the last word.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

from projections.facts import Observed
from projections.models.charged import CreditNote
from projections.objects import Customer, Invoice, Subscription, TaxId, Value
from projections.payment_objects import Payment, Tie
from projections.translation.lifecycle import INFERRED, RENEWED

Dated = tuple[str, datetime | None, Value]
"""The name of a date, the date where the object has it, and what it was from then on."""

_NEVER_PAID: Final = frozenset({"incomplete", "incomplete_expired"})


def dated(fact: Observed[Any]) -> Iterator[Observed[Any]]:
    """Yield what the observation *fact* is sure of at earlier dates, oldest first."""
    tell = _TABLE.get(type(fact.value))
    if tell is None:
        return
    told = [(at, name, value) for name, at, value in tell(fact.value) if at is not None]
    for at, name, value in sorted(told, key=_when):
        if at <= fact.occurred_at:
            yield msgspec.structs.replace(
                fact,
                event_id=f"{fact.event_id}.{name}",
                type=f"{INFERRED}.{name}",
                occurred_at=at,
                value=value,
            )


def _when(told: tuple[datetime, str, Value]) -> datetime:
    return told[0]


def _subscription(shown: Subscription) -> Iterator[Dated]:
    yield (
        "created",
        shown.created,
        Subscription(
            status=_first_status(shown),
            created=shown.created,
            currency=shown.currency,
            trial_start=shown.trial_start,
            start_date=shown.start_date,
        ),
    )
    if shown.ended:
        yield "ended", shown.ended_at, shown
    yield RENEWED, shown.period_start, _as_renewed(shown)


def _as_renewed(shown: Subscription) -> Subscription:
    """Return what its period began with: the same items, before anything went wrong."""
    started = {"status": _first_status(shown)}
    if started["status"] == "trialing" and _trial_is_over(shown):
        started["status"] = "active"
    return msgspec.structs.replace(
        shown,
        **started,
        cancel_at_period_end=False,
        cancel_at=None,
        canceled_at=None,
        ended_at=None,
        pause_behavior=None,
        pause_type=None,
        paused_at=None,
    )


def _trial_is_over(shown: Subscription) -> bool:
    end, start = shown.trial_end, shown.period_start
    return end is not None and start is not None and end <= start


def _first_status(shown: Subscription) -> str:
    if shown.status in _NEVER_PAID:
        return "incomplete"
    began, created = shown.trial_start, shown.created
    on_trial = began is not None and created is not None and began <= created
    return "trialing" if on_trial else "active"


def _invoice(shown: Invoice) -> Iterator[Dated]:
    yield (
        "created",
        shown.created,
        Invoice(
            status="draft",
            created=shown.created,
            subscription=shown.subscription,
            currency=shown.currency,
            billing_reason=shown.billing_reason,
            collection_method=shown.collection_method,
        ),
    )
    yield "finalized", shown.finalized_at, _as_finalized(shown)
    came = {
        "paid": shown.paid_at,
        "void": shown.voided_at,
        "uncollectible": shown.uncollectible_at,
    }
    if shown.status in came:
        yield shown.status, came[shown.status], shown


def _as_finalized(shown: Invoice) -> Invoice:
    """Return the open invoice that it was: what is due is settled, nothing of it paid."""
    return msgspec.structs.replace(
        shown,
        status="open",
        amount_paid=0,
        amount_remaining=shown.amount_due,
        pre_payment_credit=None,
        post_payment_credit=None,
        attempted=None,
        attempt_count=None,
        next_payment_attempt=None,
        paid_at=None,
        voided_at=None,
        uncollectible_at=None,
        uncollectible_reason=None,
    )


def _customer(shown: Customer) -> Iterator[Dated]:
    yield "created", shown.created, Customer(created=shown.created)


def _tax_id(shown: TaxId) -> Iterator[Dated]:
    yield "created", shown.created, msgspec.structs.replace(shown, verification=None)


def _payment(shown: Payment) -> Iterator[Dated]:
    if shown.kind == "charge":
        yield "created", shown.created, msgspec.structs.replace(shown, refunded=None)


def _as_made(shown: CreditNote | Tie) -> Iterator[Dated]:
    yield "created", shown.created, shown


_TABLE: Final[Mapping[type[Value], Callable[[Any], Iterator[Dated]]]] = {
    Subscription: _subscription,
    Invoice: _invoice,
    Customer: _customer,
    TaxId: _tax_id,
    Payment: _payment,
    CreditNote: _as_made,
    Tie: _as_made,
}
