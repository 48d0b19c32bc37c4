"""What happens to an invoice that is not paid: one timeline for each.

    d0 ✕────d3 ✕────d5 ✕────d7 ✕ paused ────────────── d30 canceled
             1 Apr 01:00:00 + 7 * 86,400 s = 8 Apr 01:00:00

Day 0 is the first failure we are told of, and the policy in force then governs to the
end. Dates are derived when somebody asks, so no downtime can skip one; a payment in the
very second of a step prevents it. What Stripe says stands above what the policy expects.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

import attrs

from ledger.policy import Policy
from projections.dunning.attempts import FIRST_INVOICE, Attempt, attempts
from projections.dunning.outcomes import FOR_NONPAYMENT, End, Outcome, Owed, outcome
from projections.dunning.tries import Paying
from projections.history import Current
from projections.models.traces import PAID, UNCOLLECTIBLE, VOID
from projections.objects import Invoice, Subscription
from projections.status import access

DAY: Final = timedelta(seconds=86_400)
SENT: Final = "send_invoice"
_BEGINNING: Final = frozenset({"incomplete", "incomplete_expired"})
_STOPPED: Final = frozenset({"unpaid", "paused"})
_UNDER_WAY: Final = frozenset({"processing", "pending"})


class Stage(enum.StrEnum):
    """How far a timeline is."""

    RETRYING = "retrying"
    PAUSED = "paused"
    CANCELED = "canceled"
    RECOVERED = "recovered"
    CLOSED = "closed"


@attrs.frozen(kw_only=True)
class Timeline:
    """An invoice from its first failure on, at one moment.

    Attributes:
        attempts: What failed, in order; none where it is due and nobody has paid.
        assumed: Whether day 0 is no more than the day it was finalized, or tried first.
        policy: The one in force on day 0.
        stopped_at: When Stripe itself took access, if that was sooner than the policy.
        outcome: How it ended; None while it goes on.
        open: Whether a payment would still change something.
    """

    invoice: str
    shown: Invoice
    attempts: tuple[Attempt, ...]
    first_failed_at: datetime
    assumed: bool
    policy: Policy
    stage: Stage
    stopped_at: datetime | None
    outcome: Outcome | None
    now: datetime

    @property
    def subscription(self) -> str | None:
        """The subscription it is for, if any."""
        return self.shown.subscription

    @property
    def pause_at(self) -> datetime:
        """When the policy pauses."""
        return self.first_failed_at + self.policy.pause_day * DAY

    @property
    def cancel_at(self) -> datetime:
        """When the policy cancels."""
        return self.first_failed_at + self.policy.cancel_day * DAY

    @property
    def open(self) -> bool:
        """Whether it goes on; canceled by the policy alone, it can be undone."""
        return self.outcome is None

    @property
    def paused_at(self) -> datetime | None:
        """When access was taken; None if it has not come to that."""
        return self._reached(self.pause_at, self.stopped_at)

    @property
    def canceled_at(self) -> datetime | None:
        """When it was canceled; None if it has not come to that."""
        ended = self.outcome
        if ended is not None and ended.end is End.CANCELED:
            return min(ended.at, self.cancel_at)
        return self._reached(self.cancel_at, None)

    def _reached(self, due: datetime, sooner: datetime | None) -> datetime | None:
        at = due if sooner is None else min(due, sooner)
        if at > self.now or (self.outcome is not None and self.outcome.at <= at):
            return None
        return at


@attrs.frozen(kw_only=True)
class Unpaid:
    """What timelines are made of: an account's objects, as they are now."""

    invoices: Mapping[str, Current[Invoice]]
    subscriptions: Mapping[str, Current[Subscription]]
    paying: Mapping[str, Paying]
    policy: Callable[[datetime], Policy]


def timelines(unpaid: Unpaid, now: datetime) -> tuple[Timeline, ...]:
    """Return the timeline of each invoice that ever failed, the oldest first."""
    found = [
        timeline
        for name in sorted(unpaid.invoices)
        if (timeline := _timeline(name, unpaid, now)) is not None
    ]
    return tuple(sorted(found, key=_began))


def foremost(found: Sequence[Timeline], subscription: str) -> Timeline | None:
    """Return the most severe open timeline of *subscription*, else its last one."""
    own = [each for each in found if each.subscription == subscription]
    going = [each for each in own if each.open]
    if going:
        return min(going, key=lambda each: (-_SEVERITY[each.stage], *_began(each)))
    return max(own, key=_began, default=None)


def standing(found: Sequence[Timeline], subscription: str) -> access.Stage | None:
    """Return what dunning allows *subscription* by the most severe that goes on."""
    going = [each for each in found if each.open and each.subscription == subscription]
    worst = foremost(going, subscription)
    if worst is None:
        return None
    level, badge = _ALLOWS[worst.stage]
    since = max(filter(None, (worst.first_failed_at, worst.paused_at, worst.canceled_at)))
    changes = [
        access.Change(at=at, level=change)
        for each in going
        for at, change in (
            (each.pause_at, access.Level.READ_ONLY),
            (each.cancel_at, access.Level.NONE),
        )
        if at > each.now and _STRICT[change] > _STRICT[level]
    ]
    return access.Stage(
        level=level,
        reason="payment_failed",
        since=since,
        badge=badge,
        next_change=min(changes, key=lambda change: change.at, default=None),
    )


def _timeline(name: str, unpaid: Unpaid, now: datetime) -> Timeline | None:
    invoice = unpaid.invoices[name]
    shown = invoice.value
    held = unpaid.subscriptions.get(shown.subscription or "")
    if invoice.deleted or _is_beginning(shown, held):
        return None
    paid = unpaid.paying.get(name, _NOTHING)
    ended = [trace.at for trace in invoice.traces if trace.what in (PAID, VOID)]
    failed = [
        each
        for each in attempts(shown, invoice.traces, paid.tries)
        if not ended or each.at <= min(ended)
    ]
    began, assumed = _day_zero(shown, failed, paid, held)
    if (
        began is None
        or began > now
        or (shown.collection_method == SENT and _in_time(ended, began))
    ):
        return None
    policy = unpaid.policy(began)
    cancel_at = began + policy.cancel_day * DAY
    owed = Owed(invoice=invoice, subscription=held, began=began, cancel_at=cancel_at)
    came = outcome(attrs.evolve(owed, invoices=unpaid.invoices))
    if came is not None and came.at > now:
        came = None
    stopped_at = _stopped_at(held, began) if came is None else None
    told = Timeline(
        invoice=name,
        shown=shown,
        attempts=tuple(failed),
        first_failed_at=began,
        assumed=assumed,
        policy=policy,
        stage=Stage.RETRYING,
        stopped_at=stopped_at,
        outcome=came,
        now=now,
    )
    return attrs.evolve(told, stage=_stage(told))


def _stage(told: Timeline) -> Stage:
    if told.outcome is not None:
        return Stage(told.outcome.end)
    if told.canceled_at is not None:
        return Stage.CANCELED
    return Stage.RETRYING if told.paused_at is None else Stage.PAUSED


def _is_beginning(invoice: Invoice, held: Current[Subscription] | None) -> bool:
    """Tell whether it is a first invoice, whose subscription has not begun."""
    return (
        invoice.billing_reason == FIRST_INVOICE
        and invoice.collection_method != SENT
        and held is not None
        and held.value.status in _BEGINNING
    )


def _in_time(ended: Sequence[datetime], due: datetime) -> bool:
    return bool(ended) and min(ended) <= due


def _day_zero(
    invoice: Invoice,
    failed: Sequence[Attempt],
    paid: Paying,
    held: Current[Subscription] | None,
) -> tuple[datetime | None, bool]:
    """Return when it failed first, and whether that is only assumed."""
    if invoice.collection_method == SENT and invoice.due_date is not None:
        is_sent = invoice.status not in (None, "draft") and not _is_free(invoice)
        return (invoice.due_date if is_sent else None), False
    if failed:
        return failed[0].at, failed[0].tried
    under_way = any(each.value.status in _UNDER_WAY for each in paid.charges.values())
    if (
        invoice.collection_method != SENT
        and invoice.attempt_count
        and not under_way
        and _is_owed(invoice, held)
    ):
        return invoice.finalized_at, True
    return None, False


def _is_free(invoice: Invoice) -> bool:
    """Tell whether there was nothing to pay from the beginning, whatever its status."""
    return invoice.amount_due == 0 and not invoice.pre_payment_credit


def _is_owed(invoice: Invoice, held: Current[Subscription] | None) -> bool:
    """Tell whether what was tried did not come, though nobody tells of a failure."""
    if invoice.status == UNCOLLECTIBLE:
        return True
    owing = held is not None and (
        held.value.status in ("past_due", "unpaid")
        or held.value.cancellation_reason == FOR_NONPAYMENT
    )
    return invoice.status == "open" and (owing or invoice.next_payment_attempt is not None)


def _stopped_at(held: Current[Subscription] | None, began: datetime) -> datetime | None:
    """Return since when Stripe itself allows less, for what was not paid."""
    if held is None or held.value.status not in _STOPPED:
        return None
    pause = held.value.pause_type
    if held.value.status == "paused" and pause not in (
        "first_payment_failure",
        "final_payment_failure",
    ):
        return None
    return max(held.since, began)


def _began(each: Timeline) -> tuple[datetime, str]:
    return each.first_failed_at, each.invoice


_NOTHING: Final = Paying()
_SEVERITY: Final = dict.fromkeys(Stage, 0) | {
    Stage.RETRYING: 1,
    Stage.PAUSED: 2,
    Stage.CANCELED: 3,
}
_ALLOWS: Final = {
    Stage.RETRYING: (access.Level.FULL, None),
    Stage.PAUSED: (
        access.Level.READ_ONLY,
        access.Badge("Paused", access.Tone.WARNING),
    ),
    Stage.CANCELED: (access.Level.NONE, access.Badge("Canceled", access.Tone.NEUTRAL)),
}
_STRICT: Final = {level: place for place, level in enumerate(access.Level)}
