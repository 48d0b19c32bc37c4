"""What the read API answers about an account, as types: field by field, always all."""

from __future__ import annotations

from typing import Any, TypedDict

from projections.openapi.parts import Evidence, FindingShown, Meta, Minor, Span, Time
from projections.openapi.period_answers import PeriodTotalShown, TimelineShown
from projections.seating.figures import Source
from projections.status.access import Level, Tone
from projections.status.scheduled import Kind


class BadgeShown(TypedDict):
    """What the product shows of a status."""

    text: str
    tone: Tone


class ChangeShown(TypedDict):
    """The access that follows at a known date."""

    at: Time
    level: Level


class AccessShown(TypedDict):
    """What the account may do, why, since when."""

    level: Level
    reason: str | None
    since: Time | None
    next_change: ChangeShown | None


class Entitled(TypedDict):
    """The little that a product asks on every request."""

    account: str
    linked_account: str | None
    status: str
    badge: BadgeShown | None
    access: AccessShown


class AccessAnswer(Entitled):
    """What an account may do."""

    meta: Meta


class PeriodShown(Span):
    """A service period, and whether we count it because Stripe's is unknown or over."""

    estimate: bool


class PauseShown(TypedDict):
    """What is paused: invoices only, or by Stripe the subscription itself."""

    kind: str
    type: str | None
    behavior: str | None


class NextChargeShown(TypedDict):
    """When what will be charged."""

    at: Time
    amount: Minor


class PlannedItem(TypedDict):
    """What will be sold."""

    price: str | None
    name: str | None
    quantity: int | None


class ScheduledShown(TypedDict):
    """What is to change of the subscription."""

    at: Time
    kind: Kind
    items: list[PlannedItem]
    prorated: bool | None


class ItemShown(TypedDict):
    """What is sold."""

    id: str
    price: str | None
    quantity: int | None


class SubscriptionShown(TypedDict):
    """The primary subscription."""

    id: str
    status: str
    plan: str | None
    interval: str | None
    current_period: PeriodShown | None
    cancel_at_period_end: bool
    cancel_at: Time | None
    canceled_at: Time | None
    ended_at: Time | None
    trial_end: Time | None
    pause: PauseShown | None
    next_charge: NextChargeShown | None
    scheduled_changes: list[ScheduledShown]
    items: list[ItemShown]


class ListedShown(TypedDict):
    """One of the subscriptions."""

    id: str
    status: str
    primary: bool


class SeatFiguresShown(TypedDict):
    """Seats, as the product counts them and as Stripe bills them; null is not known."""

    included: int | None
    active: int | None
    billed: int | None
    extra: int | None
    freed_next_cycle: int | None
    wanted: int | None
    stripe_quantity: int | None
    drift: int | None
    source: Source
    terms: str | None


class InvoiceShown(TypedDict):
    """An invoice, what became of it, and where Stripe shows it."""

    id: str
    number: str | None
    date: Time
    due_date: Time | None
    subscription: str | None
    total: Minor | None
    amount_due: Minor | None
    amount_paid: Minor | None
    amount_remaining: Minor | None
    credited: Minor | None
    refunded: Minor
    currency: str | None
    status: str | None
    hosted_url: str | None
    pdf_url: str | None
    receipt_url: str | None


class WayToPayShown(TypedDict):
    """A way to pay; never its number."""

    id: str
    type: str | None
    brand: str | None
    bank_name: str | None
    country: str | None
    last4: str | None
    exp_month: int | None
    exp_year: int | None
    mandate_status: str | None
    default: bool


class ContactShown(TypedDict):
    """Where bills are sent."""

    email: str | None


class TaxIdShown(TypedDict):
    """A tax id of the customer."""

    id: str
    type: str | None
    value: str | None
    country: str | None
    verification: str | None


class NoticeShown(TypedDict):
    """Something that is due to be told; its key is what whoever sends it remembers."""

    kind: str
    due_at: Time
    key: str
    detail: dict[str, Any]


class BillingAnswer(Entitled):
    """Everything known of an account."""

    currency: str | None
    subscription: SubscriptionShown | None
    subscriptions: list[ListedShown]
    seats: SeatFiguresShown | None
    period_total: PeriodTotalShown | None
    dunning: TimelineShown | None
    invoices: list[InvoiceShown]
    payment_methods: list[WayToPayShown]
    billing_contact: ContactShown | None
    tax_ids: list[TaxIdShown]
    tax_exempt: str | None
    notices: list[NoticeShown]
    findings: list[FindingShown]
    meta: Meta


class SeatShown(TypedDict):
    """Who holds a seat, since when, assigned by whom."""

    user: str
    since: Time
    by: str | None
    evidence: Evidence
