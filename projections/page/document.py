"""The billing document: what ``GET /v1/accounts/{account}/billing`` answers, typed.

The page is made of nothing else about figures, so it cannot say what the API does not.
Amounts are minor units of the enclosing currency; periods are half-open, [start, end).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec


class Badge(msgspec.Struct, frozen=True, kw_only=True):
    """A status as the product shows it."""

    text: str
    tone: str = "neutral"


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """The access that follows."""

    at: datetime
    level: str


class Access(msgspec.Struct, frozen=True, kw_only=True):
    """What the account may do, why, and since when."""

    level: str
    reason: str | None = None
    since: datetime | None = None
    next_change: Change | None = None


class Period(msgspec.Struct, frozen=True, kw_only=True):
    """A service period."""

    start: datetime
    end: datetime


class Charge(msgspec.Struct, frozen=True, kw_only=True):
    """What is charged next, as far as is known."""

    at: datetime
    amount: int | None = None


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """One price of what a subscription is to be."""

    price: str | None = None
    name: str | None = None
    quantity: int | None = None


class Scheduled(msgspec.Struct, frozen=True, kw_only=True):
    """A change that comes by itself."""

    at: datetime
    kind: str
    items: list[Wanted] = []
    prorated: bool | None = None


class Pause(msgspec.Struct, frozen=True, kw_only=True):
    """What is paused: ``collection`` or the ``subscription``."""

    kind: str
    type: str | None = None
    behavior: str | None = None


class Subscription(msgspec.Struct, frozen=True, kw_only=True):
    """The subscription that speaks for the account."""

    id: str
    status: str
    plan: str | None = None
    interval: str | None = None
    current_period: Period | None = None
    cancel_at_period_end: bool | None = False
    cancel_at: datetime | None = None
    ended_at: datetime | None = None
    trial_end: datetime | None = None
    pause: Pause | None = None
    next_charge: Charge | None = None
    scheduled_changes: list[Scheduled] = []


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """One subscription of several."""

    id: str
    status: str
    primary: bool = False


class Seats(msgspec.Struct, frozen=True, kw_only=True):
    """How many seats there are; null where the product has not told all its users."""

    included: int | None = None
    active: int | None = None
    billed: int | None = None
    extra: int | None = None
    freed_next_cycle: int | None = None
    wanted: int | None = None
    stripe_quantity: int | None = None
    drift: int | None = None
    source: str | None = None
    terms: str | None = None


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a total; a discount is negative."""

    kind: str
    amount: int
    description: str | None = None
    quantity: int | None = None
    unit_amount_decimal: str | None = None
    source: str = "invoice"
    evidence: list[int] = []


class PeriodTotal(msgspec.Struct, frozen=True, kw_only=True):
    """What the period costs: base + seats + other - discount + tax = Σ lines."""

    period: Period
    currency: str | None
    base: int = 0
    seats: int = 0
    other: int = 0
    discount: int = 0
    tax: int = 0
    tax_included: int = 0
    total: int = 0
    credited: int | None = 0
    estimate: bool = False
    lines: list[Line] = []


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One dated entry of a dunning timeline."""

    kind: str
    n: int | None = None
    due_at: datetime | None = None
    happened_at: datetime | None = None
    outcome: str | None = None
    reason: str | None = None
    message: str | None = None
    evidence: list[int] = []


class Dunning(msgspec.Struct, frozen=True, kw_only=True):
    """What follows a failed payment."""

    invoice: str
    stage: str
    amount_due: int | None = None
    first_failed_at: datetime | None = None
    reason: str | None = None
    pause_at: datetime | None = None
    cancel_at: datetime | None = None
    steps: list[Step] = []


class Invoice(msgspec.Struct, frozen=True, kw_only=True):
    """The head of an invoice."""

    id: str
    number: str | None = None
    date: datetime
    due_date: datetime | None = None
    subscription: str | None = None
    total: int | None = None
    amount_due: int | None = None
    amount_paid: int | None = None
    amount_remaining: int | None = None
    credited: int | None = None
    refunded: int | None = None
    currency: str | None = None
    status: str | None = None
    hosted_url: str | None = None
    pdf_url: str | None = None
    receipt_url: str | None = None


class PaymentMethod(msgspec.Struct, frozen=True, kw_only=True):
    """A way to pay; never a card's number."""

    id: str
    type: str
    brand: str | None = None
    bank_name: str | None = None
    country: str | None = None
    last4: str | None = None
    exp_month: int | None = None
    exp_year: int | None = None
    mandate_status: str | None = None
    default: bool = False


class Contact(msgspec.Struct, frozen=True, kw_only=True):
    """Where invoices and receipts go."""

    email: str | None = None


class TaxId(msgspec.Struct, frozen=True, kw_only=True):
    """A tax id of the account."""

    id: str
    type: str
    value: str | None = None
    country: str | None = None
    verification: str | None = None


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """What the billing contact is told, and when."""

    kind: str
    due_at: datetime | None = None
    detail: dict[str, Any] = {}


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """Something that somebody should know of the account."""

    code: str
    severity: str
    message: str
    evidence: list[int] = []


class Meta(msgspec.Struct, frozen=True, kw_only=True):
    """Of when the document is, and how far it can be trusted to be the latest.

    Attributes:
        lag_ms: For how long the first event that is missing has waited.
        stale: The account's figures stand still until somebody looks after them.
    """

    position: int = 0
    as_of: datetime
    known_at: datetime | None = None
    lag_ms: int = 0
    reconciled_at: datetime | None = None
    wrongful_pauses: list[Any] = []
    stale: bool = False


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """Everything about an account at one moment."""

    account: str
    linked_account: str | None = None
    currency: str | None = None
    status: str = "none"
    badge: Badge | None = None
    access: Access = Access(level="none")
    subscription: Subscription | None = None
    subscriptions: list[Listed] = []
    seats: Seats | None = None
    period_total: PeriodTotal | None = None
    dunning: Dunning | None = None
    invoices: list[Invoice] = []
    payment_methods: list[PaymentMethod] = []
    billing_contact: Contact | None = None
    tax_ids: list[TaxId] = []
    tax_exempt: str | None = None
    notices: list[Notice] = []
    findings: list[Finding] = []
    meta: Meta
