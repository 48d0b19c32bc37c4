"""What is kept here beside what Stripe has, field by field.

sub_1   si_1.quantity   3     5        quantity
sub_2   status          active  past_due  status
in_1                          open     missing
SAVE20  percent_off     20    25       amount
cus_1   balance         0     -500     amount
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import attrs

from ledger.events import CATALOGUE, StripeObject
from ledger.log import Recorded
from projections.discount_ends import Listed
from projections.facts import (
    CustomerObserved,
    InvoiceObserved,
    SubscriptionObserved,
    WareShown,
)
from projections.objects import Customer, Discount, Invoice, Subscription
from projections.translation.translate import translation
from projections.wares import Coupon

Fields = Mapping[str, object]
"""What is compared of an object, by name; what is not known is left out."""


class Difference(enum.StrEnum):
    """How something here is not as Stripe has it."""

    MISSING = "missing"
    EXTRA = "extra"
    AMOUNT = "amount"
    STATUS = "status"
    CURRENCY = "currency"
    QUANTITY = "quantity"
    IN_FLIGHT = "in_flight"


@attrs.frozen(kw_only=True)
class Holding:
    """An object as it is kept, or as Stripe has it, as far as it is compared.

    Attributes:
        kind: Stripe's word for what it is.
        live: Whether Stripe must have it as well.
        listed: What was on it when Stripe last showed it, if it ever did.
    """

    kind: str
    id: str
    account: str | None
    fields: Fields
    live: bool = True
    listed: Listed | None = None

    @property
    def key(self) -> tuple[str, str]:
        """What it is told apart by."""
        return self.kind, self.id


@attrs.frozen(kw_only=True)
class Differing:
    """One field that differs, or a whole object.

    Attributes:
        field: Empty for a whole object.
    """

    what: Difference
    kind: str
    id: str
    account: str | None
    field: str = ""
    ours: object = None
    stripes: object = None

    @property
    def key(self) -> tuple[str, str]:
        """The object that differs."""
        return self.kind, self.id


_CLASSES: Final[Mapping[str, Difference]] = {
    "status": Difference.STATUS,
    "cancel_at_period_end": Difference.STATUS,
    "cancel_at": Difference.STATUS,
    "pause_behavior": Difference.STATUS,
    "trial_end": Difference.STATUS,
    "collection_method": Difference.STATUS,
    "next_payment_attempt": Difference.STATUS,
    "due_date": Difference.STATUS,
    "period_start": Difference.STATUS,
    "period_end": Difference.STATUS,
    "currency": Difference.CURRENCY,
    "currencies": Difference.CURRENCY,
    "quantity": Difference.QUANTITY,
    "items": Difference.QUANTITY,
}
_READ: Final = translation(
    [SubscriptionObserved, InvoiceObserved, CustomerObserved, WareShown]
)
_AT: Final = datetime(2000, 1, 1, tzinfo=UTC)


def of_subscription(name: str, account: str, value: Subscription) -> Holding:
    """Return what is compared of a subscription."""
    items = {item.id: item for item in value.items}
    fields: dict[str, object] = {
        each: getattr(value, each)
        for each in (
            "status",
            "currency",
            "cancel_at_period_end",
            "cancel_at",
            "pause_behavior",
            "period_start",
            "period_end",
            "trial_end",
            "collection_method",
        )
    }
    fields["items"] = " ".join(sorted(items))
    fields["discounts"] = _named(value.discounts)
    for each, item in items.items():
        fields[f"{each}.quantity"] = item.quantity
        fields[f"{each}.price"] = item.price
        fields[f"{each}.discounts"] = _named(item.discounts)
    return Holding(
        kind="subscription", id=name, account=account, fields=fields, live=not value.ended
    )


def of_customer(name: str, value: Customer) -> Holding:
    """Return what is compared of a customer: that it is there, and what changes totals."""
    fields = {
        "currency": value.currency,
        "balance": value.balance or 0,
        "discounts": _named(value.discounts),
    }
    return Holding(kind="customer", id=name, account=name, fields=fields)


def of_invoice(name: str, account: str, value: Invoice) -> Holding:
    """Return what is compared of an invoice; only open ones are."""
    names = (
        "status",
        "currency",
        "total",
        "amount_due",
        "amount_paid",
        "amount_remaining",
        "due_date",
        "next_payment_attempt",
    )
    return Holding(
        kind="invoice",
        id=name,
        account=account,
        fields={each: getattr(value, each) for each in names},
        live=value.status == "open",
    )


def of_coupon(name: str, value: Coupon, *, own: bool = True) -> Holding:
    """Return what is compared of a coupon.

    Args:
        own: Whether it is known by itself, and not only as a part of a discount: those
            outlive their coupon.
    """
    off = dict(value.amounts_off)
    fields: dict[str, object] = {
        "percent_off": value.percent_off,
        "duration": value.duration,
        "duration_in_months": value.duration_in_months,
        "currencies": next(iter(off), None),
        "amount_off": next(iter(off.values()), None),
    }
    if value.products is not None:
        fields["products"] = " ".join(sorted(value.products))
    return Holding(kind="coupon", id=name, account=None, fields=fields, live=own)


def of_stripe(shown: StripeObject) -> Holding | None:
    """Return what is compared of an object that Stripe shows; None where it is gone."""
    told = _READ.facts([Recorded(position=0, recorded_at=_AT, event=shown)])
    for fact in reversed(told):
        if isinstance(fact, SubscriptionObserved) and not fact.deletes:
            return of_subscription(fact.object_id, fact.account, fact.value)
        if isinstance(fact, InvoiceObserved) and not fact.deletes:
            return of_invoice(fact.object_id, fact.account, fact.value)
        if isinstance(fact, CustomerObserved) and not fact.deletes:
            return of_customer(fact.object_id, fact.value)
        if isinstance(fact, WareShown) and fact.own and isinstance(fact.ware, Coupon):
            return of_coupon(fact.id, fact.ware)
    return None


def compared(ours: Holding | None, stripes: Holding | None) -> Iterator[Differing]:
    """Yield where the ledger's object is not Stripe's; either may not have it."""
    if ours is None and stripes is not None:
        yield _whole(Difference.MISSING, stripes)
    elif ours is not None and stripes is None and ours.live:
        yield _whole(Difference.EXTRA, ours)
    elif ours is not None and stripes is not None:
        yield from _fields(ours, stripes)


def _fields(ours: Holding, stripes: Holding) -> Iterator[Differing]:
    for name in sorted(ours.fields.keys() & stripes.fields.keys()):
        here, there = ours.fields[name], stripes.fields[name]
        if here != there:
            last = name.rpartition(".")[2]
            yield Differing(
                what=_CLASSES.get(last, Difference.AMOUNT),
                kind=ours.kind,
                id=ours.id,
                account=ours.account or stripes.account,
                field=name,
                ours=here,
                stripes=there,
            )


def _named(discounts: Iterable[Discount]) -> str:
    return " ".join(sorted(each.id for each in discounts))


def _whole(what: Difference, held: Holding) -> Differing:
    return Differing(
        what=what,
        kind=held.kind,
        id=held.id,
        account=held.account,
        ours=held.fields.get("status") if what is Difference.EXTRA else None,
        stripes=held.fields.get("status") if what is Difference.MISSING else None,
    )


def accounts_of(found: list[Differing]) -> tuple[str, ...]:
    """Return the accounts whose objects differ, each once; the catalogue's is nobody's."""
    named = {each.account for each in found if each.account not in (None, CATALOGUE)}
    return tuple(sorted(name for name in named if name))


def json_value(value: Any) -> Any:  # noqa: ANN401 - any field
    """Return *value* as JSON and a table show it."""
    return value.isoformat() if isinstance(value, datetime) else value
