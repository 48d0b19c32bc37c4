"""Objects as Stripe's API showed them, read by the same readers as its events.

    subscription         as customer.subscription.observed, and what its dates are sure of
    subscription, gone   as customer.subscription.gone: what it was last stays
    customer, gone       as customer.gone, likewise
    coupon, gone         as coupon.deleted
    price                as price.observed

An observation is dated when it was asked for and says nothing of what came before. What
it is sure of, since an object keeps those dates for good, is told at these dates, as
`projections.translation.dated` has it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

import attrs
import msgspec

from ledger.events import StripeEvent, StripeObject
from ledger.log import Recorded
from projections.facts import (
    CustomerObserved,
    Fact,
    InvoiceObserved,
    Observed,
    SubscriptionObserved,
)
from projections.objects import Customer, Invoice, Subscription, Value
from projections.translation.dated import dated
from projections.translation.lifecycle import GONE, OBSERVED

Translate = Callable[[Recorded], Sequence[Fact]]

# The prefix of the types of Stripe's events about each kind of object.
PREFIXES: Final[Mapping[str, str]] = {
    "subscription": "customer.subscription",
    "customer": "customer",
    "tax_id": "customer.tax_id",
    "payment_method": "payment_method",
    "source": "customer.source",
    "card": "customer.source",
    "bank_account": "customer.source",
    "mandate": "mandate",
    "invoice": "invoice",
    "invoiceitem": "invoiceitem",
    "subscription_schedule": "subscription_schedule",
    "price": "price",
    "plan": "plan",
    "product": "product",
    "coupon": "coupon",
    "promotion_code": "promotion_code",
    "tax_rate": "tax_rate",
    "charge": "charge",
    "payment_intent": "payment_intent",
    "invoice_payment": "invoice_payment",
    "credit_note": "credit_note",
    "refund": "refund",
    "dispute": "charge.dispute",
}


# What tells that one is gone, and what it was if nothing else is known of it.
_ENDS: Final[Mapping[str, tuple[type[Observed[Any]], Value]]] = {
    "subscription": (SubscriptionObserved, Subscription(status="incomplete_expired")),
    "customer": (CustomerObserved, Customer()),
    "invoice": (InvoiceObserved, Invoice(status=None)),
}


class _Gone(msgspec.Struct):
    deleted: bool = False


_GONE: Final = msgspec.json.Decoder(_Gone)


def observing(readers: Mapping[str, Translate]) -> Translate:
    """Return what reads the objects that *readers*, by type of event, know events of."""
    by_kind = {
        kind: readers[f"{prefix}.{OBSERVED}"]
        for kind, prefix in PREFIXES.items()
        if f"{prefix}.{OBSERVED}" in readers
    }

    def translate(recorded: Recorded) -> Sequence[Fact]:
        event = recorded.event
        if not isinstance(event, StripeObject) or event.kind not in by_kind:
            return ()
        is_gone = _is_gone(event.body)
        if is_gone and event.kind in _ENDS:
            return _ended(recorded, event)
        told = by_kind[event.kind](
            attrs.evolve(recorded, event=_as_event(event, is_gone=is_gone))
        )
        return [one for fact in told for one in _with_dates(fact)]

    return translate


def observations(types: Iterable[str]) -> frozenset[str]:
    """Return what stands for the observed objects that events of *types* are about."""
    prefixes = {name.rpartition(".")[0] for name in types}
    known = prefixes & set(PREFIXES.values())
    return frozenset(f"{prefix}.{OBSERVED}" for prefix in known)


def _ended(recorded: Recorded, event: StripeObject) -> Sequence[Fact]:
    if event.account is None:
        return ()
    tells, nothing = _ENDS[event.kind]
    return (
        tells(
            account=event.account,
            object_id=event.object_id,
            event_id=f"{event.id}.{event.version}",
            type=f"{PREFIXES[event.kind]}.{GONE}",
            occurred_at=event.occurred_at,
            position=recorded.position,
            value=nothing,
        ),
    )


def _as_event(event: StripeObject, *, is_gone: bool) -> StripeEvent:
    """Return what an event would be that shows the object as it is."""
    change = "deleted" if is_gone else OBSERVED
    return StripeEvent(
        event_id=f"{event.id}.{event.version}",
        body=b'{"data":{"object":' + event.body + b"}}",
        source=event.source,
        account=event.account,
        occurred_at=event.occurred_at,
        stripe_type=f"{PREFIXES[event.kind]}.{change}",
        api_version=event.api_version,
        livemode=event.livemode,
        stripe_account=event.stripe_account,
        object_id=event.object_id,
    )


def _is_gone(body: bytes) -> bool:
    if b'"deleted"' not in body:
        return False
    try:
        return _GONE.decode(body).deleted
    except msgspec.MsgspecError:
        return False


def _with_dates(fact: Fact) -> Iterable[Fact]:
    if isinstance(fact, Observed) and not fact.deletes:
        inferred: Iterable[Any] = dated(fact)
        yield from inferred
    yield fact
