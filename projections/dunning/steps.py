"""A timeline step by step: what failed, what is still to be tried, and what follows.

attempt 1   due 1 Apr 01:00   happened 1 Apr 01:00   failed   insufficient_funds
attempt 2   due 4 Apr 01:00
pause       due 8 Apr 01:00
cancel      due 1 May 01:00
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

import attrs

from projections.dunning.outcomes import End
from projections.dunning.timelines import DAY, SENT, Timeline

_HALF_A_DAY: Final = timedelta(hours=12)


@attrs.frozen(kw_only=True)
class Step:
    """One step; *happened_at* is None for what is still to come.

    Attributes:
        kind: ``attempt``, ``pause``, ``cancel`` or ``recovery``.
        n: Which attempt, the first being 1.
        outcome: What came of it; None for what is still to come.
        guess: Whether only amount and time say that the reason belongs here.
    """

    kind: str
    due_at: datetime
    n: int | None = None
    happened_at: datetime | None = None
    outcome: str | None = None
    reason: str | None = None
    message: str | None = None
    guess: bool = False
    evidence: tuple[int, ...] = ()


def steps(told: Timeline) -> tuple[Step, ...]:
    """Return the steps of *told*, what has happened first, by date."""
    found = [*_failed(told), *_expected(told), *_consequences(told)]
    return tuple(sorted(found, key=_place))


def deviation(told: Timeline) -> str | None:
    """Return where Stripe does other than the policy expects; None if it does not."""
    ended = told.outcome
    if ended is not None and ended.end is End.CANCELED and ended.at < told.cancel_at:
        return f"Stripe ended the subscription before day {told.policy.cancel_day}"
    if told.stopped_at is not None and told.stopped_at < told.pause_at:
        return f"Stripe stopped the subscription before day {told.policy.pause_day}"
    if told.shown.collection_method == SENT or told.assumed:
        return None
    days = told.policy.retry_days
    for place, attempt in enumerate(told.attempts):
        expected = days[place] * DAY if place < len(days) else None
        after = attempt.at - told.first_failed_at
        if expected is None or abs(after - expected) > _HALF_A_DAY:
            listed = ", ".join(map(str, days))
            return f"Stripe tried on day {after / DAY:.0f}; expected are days {listed}"
    return None


def _failed(told: Timeline) -> Iterator[Step]:
    for place, attempt in enumerate(told.attempts):
        yield Step(
            kind="attempt",
            n=place + 1,
            due_at=_due(told, place),
            happened_at=attempt.at,
            outcome=attempt.outcome,
            reason=attempt.reason,
            message=attempt.message,
            guess=attempt.guess,
            evidence=attempt.evidence,
        )


def _due(told: Timeline, place: int) -> datetime:
    """Return when the attempt was to be: as Stripe announced, else by the policy."""
    days = told.policy.retry_days
    if place and told.attempts[place - 1].announced is not None:
        return told.attempts[place - 1].announced or told.now
    if place < len(days) and told.shown.collection_method != SENT:
        return told.first_failed_at + days[place] * DAY
    return told.attempts[place].at


def _expected(told: Timeline) -> Iterator[Step]:
    """Yield the attempts that are still to come, while anything is."""
    if not told.open or told.shown.collection_method == SENT:
        return
    done = len(told.attempts)
    announced = told.shown.next_payment_attempt
    last = max((each.at for each in told.attempts), default=told.first_failed_at)
    if announced is not None and announced <= last:
        announced = None
    counted = bool(told.shown.attempt_count)
    if announced is None and (counted or any(each.told for each in told.attempts)):
        return
    planned = [told.first_failed_at + day * DAY for day in told.policy.retry_days[done:]]
    if announced is not None:
        planned = [announced, *(at for at in planned[1:] if at > announced)]
    for place, at in enumerate(planned):
        if at > last:
            yield Step(kind="attempt", n=done + place + 1, due_at=at)


def _consequences(told: Timeline) -> Iterator[Step]:
    ended = told.outcome
    paused_at, canceled_at = told.paused_at, told.canceled_at
    if told.open or paused_at is not None:
        outcome = None if paused_at is None else "paused"
        yield Step(
            kind="pause", due_at=told.pause_at, happened_at=paused_at, outcome=outcome
        )
    is_canceled = ended is not None and ended.end is End.CANCELED
    if told.open or canceled_at is not None:
        yield Step(
            kind="cancel",
            due_at=told.cancel_at,
            happened_at=ended.at if ended is not None and is_canceled else canceled_at,
            outcome=None if canceled_at is None else "canceled",
            evidence=(ended.position,) if ended is not None and is_canceled else (),
        )
    if ended is not None and not is_canceled:
        yield Step(
            kind="recovery",
            due_at=ended.at,
            happened_at=ended.at,
            outcome=ended.reason,
            evidence=(ended.position,),
        )


def _place(step: Step) -> tuple[datetime, int, int]:
    at = step.happened_at or step.due_at
    return at, _ORDER[step.kind], step.n or 0


_ORDER: Final = {"attempt": 0, "pause": 1, "cancel": 2, "recovery": 3}
