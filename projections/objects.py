"""Stripe's objects of an account, each in one shape whatever API version showed it.

    Subscription, its Items and Discounts    Customer, TaxId
    Invoice                                  Schedule, Phase

They are kept in read models, by place of the field, so fields are only added at the end;
any other change is a new version of the projections that keep them. Amounts are minor
units; what Stripe left out or gave as null is None.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final, Self

import msgspec

from projections.lines import Line, Taken, Taxed

ENDED: Final = frozenset({"canceled", "incomplete_expired"})


class Value(msgspec.Struct, frozen=True, array_like=True, kw_only=True, gc=False):
    """What all of them answer, besides their fields; none holds what holds it."""

    @property
    def standing(self) -> str | None:
        """What it is said to be since a certain time, such as a status."""
        return None

    @property
    def ended(self) -> bool:
        """Whether it can never be anything else again."""
        return False

    def gone(self, at: datetime) -> Self:  # noqa: ARG002 -- only some are another then
        """Return what it is once Stripe was found *at* to have it no more."""
        return self


class Item(msgspec.Struct, frozen=True, array_like=True, kw_only=True):
    """One item of a subscription; *quantity* is None where usage is metered."""

    id: str
    price: str | None
    product: str | None
    quantity: int | None
    interval: str | None
    interval_count: int | None
    period_start: datetime | None
    period_end: datetime | None
    discounts: tuple[Discount, ...] = ()


class Discount(msgspec.Struct, frozen=True, array_like=True, kw_only=True):
    """A coupon at work on something; [start, end), without an end for as long as it lasts.

    Attributes:
        id: Only this is known where Stripe shows the discount as a reference.
    """

    id: str
    coupon: str | None = None
    promotion_code: str | None = None
    start: datetime | None = None
    end: datetime | None = None


class Subscription(Value, frozen=True, array_like=True, kw_only=True):
    """A subscription.

    Attributes:
        quantity: The subscription's own, which Stripe shows only beside a single item.
        period_start: Of the subscription where it has one, else of the item that renews
            next; the period is [start, end).
        pause_behavior: What ``pause_collection`` does with invoices meanwhile.
        pause_type: The kind of Stripe's own pause.
        schedule: The schedule that manages it.
        pending_until: Until when a change waits for its payment.
        discounts: In the order in which they are taken off.
    """

    status: str
    created: datetime | None = None
    currency: str | None = None
    items: tuple[Item, ...] = ()
    quantity: int | None = None
    period_start: datetime | None = None
    period_end: datetime | None = None
    cancel_at_period_end: bool = False
    cancel_at: datetime | None = None
    canceled_at: datetime | None = None
    ended_at: datetime | None = None
    trial_end: datetime | None = None
    collection_method: str | None = None
    default_payment_method: str | None = None
    latest_invoice: str | None = None
    pause_behavior: str | None = None
    pause_type: str | None = None
    trial_start: datetime | None = None
    start_date: datetime | None = None
    billing_cycle_anchor: datetime | None = None
    pause_resumes_at: datetime | None = None
    paused_at: datetime | None = None
    cancellation_reason: str | None = None
    schedule: str | None = None
    pending_until: datetime | None = None
    discounts: tuple[Discount, ...] = ()

    @property
    def standing(self) -> str | None:
        """Its status."""
        return self.status

    @property
    def ended(self) -> bool:
        """Whether it has ended: Stripe never revives a subscription."""
        return self.status in ENDED

    def gone(self, at: datetime) -> Self:
        """Return it canceled, at the latest *at*: of what is gone nothing goes on."""
        if self.ended:
            return self
        return msgspec.structs.replace(
            self,
            status="canceled",
            cancel_at_period_end=False,
            cancel_at=None,
            canceled_at=self.canceled_at or at,
            ended_at=self.ended_at or at,
        )


class Customer(Value, frozen=True, array_like=True, kw_only=True):
    """A customer; its names have no card number in them.

    Attributes:
        balance: Negative is a credit.
        default_payment_method: For invoices, where set.
        default_source: The older kind of default, a card, bank account or source.
        account_id: The product's own account id, as ``metadata.account_id`` claims.
    """

    created: datetime | None = None
    email: str | None = None
    name: str | None = None
    description: str | None = None
    currency: str | None = None
    country: str | None = None
    tax_exempt: str | None = None
    balance: int | None = None
    delinquent: bool | None = None
    default_payment_method: str | None = None
    default_source: str | None = None
    account_id: str | None = None
    discounts: tuple[Discount, ...] = ()


class TaxId(Value, frozen=True, array_like=True, kw_only=True):
    """A customer's tax id, such as an ``eu_vat``.

    Attributes:
        verification: ``pending``, ``verified``, ``unverified`` or ``unavailable``.
    """

    type: str
    value: str | None = None
    country: str | None = None
    verification: str | None = None
    created: datetime | None = None

    @property
    def standing(self) -> str | None:
        """What its verification came to."""
        return self.verification


class Invoice(Value, frozen=True, array_like=True, kw_only=True):
    """An invoice.

    Attributes:
        status: ``draft``, ``open``, ``paid``, ``uncollectible`` or ``void``.
        period_start: Of what was used before it, which is not what it pays for.
        pre_payment_credit: Taken off what is due by credit notes; *post_payment_credit*
            was given back after it was paid.
        lines: None where Stripe does not show them; not all of them if there are *more*.
        taken: What discounts take off beyond what the lines say of themselves.
        named: Discounts that are shown whole beside what they take off, deleted ones too.
        taxes: Of all lines together.
    """

    status: str | None
    created: datetime | None = None
    number: str | None = None
    subscription: str | None = None
    currency: str | None = None
    total: int | None = None
    subtotal: int | None = None
    tax: int | None = None
    amount_due: int | None = None
    amount_paid: int | None = None
    amount_remaining: int | None = None
    starting_balance: int | None = None
    pre_payment_credit: int | None = None
    post_payment_credit: int | None = None
    due_date: datetime | None = None
    period_start: datetime | None = None
    period_end: datetime | None = None
    billing_reason: str | None = None
    collection_method: str | None = None
    attempted: bool | None = None
    attempt_count: int | None = None
    next_payment_attempt: datetime | None = None
    finalized_at: datetime | None = None
    paid_at: datetime | None = None
    voided_at: datetime | None = None
    uncollectible_at: datetime | None = None
    uncollectible_reason: str | None = None
    hosted_url: str | None = None
    pdf_url: str | None = None
    lines: tuple[Line, ...] | None = None
    more: bool = False
    taken: tuple[Taken, ...] = ()
    taxes: tuple[Taxed, ...] = ()
    discounts: tuple[Discount, ...] = ()
    named: tuple[Discount, ...] = ()

    @property
    def standing(self) -> str | None:
        """Its status."""
        return self.status


class PhaseItem(msgspec.Struct, frozen=True, array_like=True, kw_only=True):
    """One price of a phase, and how many of it."""

    price: str | None
    quantity: int | None


class Phase(msgspec.Struct, frozen=True, array_like=True, kw_only=True):
    """What a subscription is to be in [start, end)."""

    start: datetime | None
    end: datetime | None
    items: tuple[PhaseItem, ...] = ()
    proration_behavior: str | None = None
    trial_end: datetime | None = None


class Schedule(Value, frozen=True, array_like=True, kw_only=True):
    """The planned changes of a subscription.

    Attributes:
        subscription: The one it manages, or managed until it let go of it.
        end_behavior: What follows the last phase: ``release`` goes on, ``cancel`` ends.
    """

    status: str
    subscription: str | None = None
    created: datetime | None = None
    phases: tuple[Phase, ...] = ()
    end_behavior: str | None = None
    released_at: datetime | None = None
    canceled_at: datetime | None = None
    completed_at: datetime | None = None

    @property
    def standing(self) -> str | None:
        """Its status."""
        return self.status
