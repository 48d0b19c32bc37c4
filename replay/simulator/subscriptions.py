"""A subscription as it stands, and what may be done to it."""

from __future__ import annotations

from enum import StrEnum

import attrs

from replay.simulator.plans import Plan, Price
from replay.simulator.renewals import months_after


class Status(StrEnum):
    """Stripe's words for a subscription, as far as the simulator uses them."""

    INCOMPLETE = "incomplete"
    ACTIVE = "active"
    PAST_DUE = "past_due"
    UNPAID = "unpaid"
    CANCELED = "canceled"


@attrs.define(kw_only=True)
class Item:
    """One price of a subscription."""

    item_id: str
    price: Price
    quantity: int


@attrs.define(kw_only=True)
class Subscription:
    """A subscription; instants in whole seconds since 1970, the period [start, end).

    Attributes:
        anchor: The instant whose day of the month every renewal keeps.
        renewals: Periods begun after the first one.
        paused: Collection is paused; Stripe leaves the status as it is.
        canceled_at: When the end was asked for, which may be before it comes.
    """

    subscription_id: str
    customer_id: str
    plan: Plan
    items: tuple[Item, ...]
    anchor: int
    status: Status
    method_id: str
    latest_invoice: str | None = None
    renewals: int = 0
    cancel_at_period_end: bool = False
    canceled_at: int | None = None
    ended_at: int | None = None
    cancel_reason: str | None = None
    cancel_feedback: str | None = None
    paused: bool = False
    resumes_at: int | None = None

    @property
    def seats(self) -> Item:
        """The item whose quantity counts seats."""
        return self.items[-1]

    @property
    def period_start(self) -> int:
        """Start of the current service period."""
        return months_after(self.anchor, self.renewals)

    @property
    def period_end(self) -> int:
        """End of the current service period, exclusive."""
        return months_after(self.anchor, self.renewals + 1)

    @property
    def previous_start(self) -> int:
        """Start of the service period before the current one."""
        return months_after(self.anchor, self.renewals - 1)

    @property
    def cancel_at(self) -> int | None:
        """When a scheduled end will come; null once it has."""
        return self.period_end if self.cancel_at_period_end else None

    @property
    def ended(self) -> bool:
        """Whether nothing can happen to it any more."""
        return self.status is Status.CANCELED

    @property
    def healthy(self) -> bool:
        """Active, not paused and with no end in sight."""
        return (
            self.status is Status.ACTIVE
            and not self.paused
            and not self.cancel_at_period_end
        )

    def end(self, at: int, reason: str) -> None:
        """End it; a schedule is cleared, the time of the request stays."""
        self.status = Status.CANCELED
        self.cancel_at_period_end = False
        self.canceled_at = self.canceled_at or at
        self.ended_at = at
        self.cancel_reason = reason
