"""A subscription as it stands, and what may be done to it."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import attrs

from replay.simulator.coupons import Discount
from replay.simulator.plans import Plan, SeatQuantity
from replay.simulator.prices import Price
from replay.simulator.renewals import months_after
from replay.simulator.taxes import TaxRate


class Status(StrEnum):
    """Stripe's words for a subscription; the best first, as a primary is chosen."""

    ACTIVE = "active"
    TRIALING = "trialing"
    PAST_DUE = "past_due"
    PAUSED = "paused"
    UNPAID = "unpaid"
    INCOMPLETE = "incomplete"
    CANCELED = "canceled"
    INCOMPLETE_EXPIRED = "incomplete_expired"


class Pause(StrEnum):
    """Why Stripe paused a subscription, as endive says it."""

    REQUESTED = "pause_requested"
    FIRST_FAILURE = "first_payment_failure"
    FINAL_FAILURE = "final_payment_failure"
    TRIAL_END = "trial_end_without_payment_method"
    SYSTEM = "system"


class Collection(StrEnum):
    """What `pause_collection` does to the invoices made meanwhile."""

    KEEP_AS_DRAFT = "keep_as_draft"
    MARK_UNCOLLECTIBLE = "mark_uncollectible"
    VOID = "void"


class TrialEnd(StrEnum):
    """What a trial without a payment method ends in."""

    CREATE_INVOICE = "create_invoice"
    PAUSE = "pause"
    CANCEL = "cancel"


_OVER: Final = frozenset({Status.CANCELED, Status.INCOMPLETE_EXPIRED})


@attrs.define(kw_only=True)
class Item:
    """One price of a subscription."""

    item_id: str
    price: Price
    quantity: int
    created: int
    discounts: list[Discount] = attrs.field(factory=list)


@attrs.define(kw_only=True, eq=False)
class Subscription:
    """A subscription; instants in whole seconds since 1970, the period [start, end).

    Attributes:
        anchor: The instant whose day of the month every renewal keeps.
        renewals: Periods begun after the one at the anchor; -1 in a trial before it.
        collection: What happens to invoices while their collection is paused.
        paused_for: Why the status is paused.
        canceled_at: When the end was asked for, which may be before it comes.
        discounts: Those on all of it; those of an item stand there.
        rates: The taxes on its invoices.
        mail_days: Days until its invoices are due; None where Stripe charges.
        covered: The most of the seat item that was charged for in the period.
        included_seats: By the terms in force when the period began.
    """

    subscription_id: str
    customer_id: str
    plan: Plan
    items: tuple[Item, ...]
    created: int
    anchor: int
    status: Status
    method_id: str | None
    latest_invoice: str | None = None
    renewals: int = 0
    cancel_at_period_end: bool = False
    canceled_at: int | None = None
    ended_at: int | None = None
    cancel_reason: str | None = None
    cancel_feedback: str | None = None
    collection: Collection | None = None
    resumes_at: int | None = None
    trial_end: int | None = None
    trial_ends_in: TrialEnd = TrialEnd.CREATE_INVOICE
    paused_for: Pause | None = None
    paused_at: int | None = None
    schedule_id: str | None = None
    discounts: list[Discount] = attrs.field(factory=list)
    rates: tuple[TaxRate, ...] = ()
    mail_days: int | None = None
    covered: int = 0
    included_seats: int | None = attrs.field(
        default=attrs.Factory(lambda new: new.plan.included_seats, takes_self=True)
    )

    @property
    def seats(self) -> Item:
        """The item whose quantity counts seats."""
        return self.items[-1]

    @property
    def period_start(self) -> int:
        """Start of the current service period."""
        return self._boundary(self.renewals)

    @property
    def period_end(self) -> int:
        """End of the current service period, exclusive."""
        return self._boundary(self.renewals + 1)

    @property
    def previous_start(self) -> int:
        """Start of the service period before the current one."""
        return self._boundary(self.renewals - 1)

    @property
    def cancel_at(self) -> int | None:
        """When a scheduled end will come; null once it has."""
        return self.period_end if self.cancel_at_period_end else None

    @property
    def ended(self) -> bool:
        """Whether nothing can happen to it any more."""
        return self.status in _OVER

    @property
    def healthy(self) -> bool:
        """Active, collecting, and with no end and no other change in sight."""
        return (
            self.status is Status.ACTIVE
            and self.collection is None
            and not self.cancel_at_period_end
            and self.schedule_id is None
        )

    @property
    def collects(self) -> bool:
        """Whether Stripe charges the invoices of its renewals by itself."""
        return self.collection is None and self.status is not Status.UNPAID

    def quantity(self, users: int) -> int:
        """Return what the seat item's quantity is for so many active users."""
        if not self.plan.counts_seats:
            return 1
        if self.plan.seat_quantity is SeatQuantity.ALL:
            return users
        return max(0, users - (self.included_seats or 0))

    def begin_period(self) -> None:
        """Go on to the next period; the terms of this moment hold in it."""
        self.renewals += 1
        self.included_seats = self.plan.included_seats

    def restart(self, at: int) -> None:
        """Begin a period now, and keep this day from now on."""
        self.anchor = at
        self.renewals = -1
        self.begin_period()

    def end(self, at: int, reason: str) -> None:
        """End it; a schedule is cleared, the time of the request stays."""
        self.status = Status.CANCELED
        self.cancel_at_period_end = False
        self.canceled_at = self.canceled_at or at
        self.ended_at = at
        self.cancel_reason = reason
        self.schedule_id = None

    def _boundary(self, renewals: int) -> int:
        """Return when the period after so many renewals begins; a trial's at creation."""
        if renewals < 0:
            return self.created
        return months_after(self.anchor, renewals * self.plan.months)
