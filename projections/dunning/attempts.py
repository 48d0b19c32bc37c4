"""The attempts to collect an invoice that failed, numbered, each with the bank's words.

    invoice.payment_failed    1 Apr 01:00:02   attempt 1      the invoice's own events
    charge.failed             1 Apr 01:00:01   insufficient_funds
                              → attempt 1, 1 Apr 01:00:02, insufficient_funds

Either may be missing and either may come first. Of what was told twice, one attempt is
made.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import attrs

from projections.dunning.tries import NEAR, Try
from projections.models.traces import ACTION_REQUIRED, FAILED, Trace
from projections.objects import Invoice

FIRST_INVOICE: Final = "subscription_create"


@attrs.frozen(kw_only=True)
class Attempt:
    """A payment that did not come.

    Attributes:
        at: When we were told of it.
        outcome: ``failed``, or ``action_required`` where its owner must confirm it.
        announced: When Stripe said that it would try again.
        told: Whether Stripe's invoice told, and not only a charge.
        guess: Whether only amount and time say that the reason belongs here.
        tried: Whether *at* is when it was tried, and not when it failed.
        count: Stripe's own number of it, where it told one; it counts automatic ones.
    """

    at: datetime
    outcome: str
    reason: str | None = None
    message: str | None = None
    announced: datetime | None = None
    told: bool = True
    guess: bool = False
    tried: bool = False
    count: int | None = None
    evidence: tuple[int, ...] = ()


def attempts(
    invoice: Invoice, traces: Sequence[Trace], tries: Sequence[Try]
) -> tuple[Attempt, ...]:
    """Return what failed, in order.

    Args:
        traces: What befell the invoice, in order.
        tries: What its payments tell, in order.
    """
    own = _merged(invoice, traces)
    left = list(tries)
    found: list[Attempt] = []
    for failure in own:
        nearest = _nearest(failure.at, left)
        if nearest is not None:
            left.remove(nearest)
        found.append(failure if nearest is None else _with_reason(failure, nearest))
    # To be asked to confirm is no failure before the invoice says so, or a charge fails.
    found += [_alone(one) for one in left if one.what == FAILED]
    return tuple(sorted(found, key=_when))


def _nearest(at: datetime, tries: Sequence[Try]) -> Try | None:
    near = [one for one in tries if abs(one.at - at) <= NEAR]
    return min(near, key=lambda one: abs(one.at - at), default=None)


def _merged(invoice: Invoice, traces: Sequence[Trace]) -> list[Attempt]:
    """Return the invoice's own failures: what it told of one attempt is one."""
    found: list[Attempt] = []
    for trace in traces:
        if trace.what not in (FAILED, ACTION_REQUIRED):
            continue
        one = Attempt(
            at=trace.at,
            outcome=trace.what,
            announced=trace.announced,
            count=trace.attempt,
            evidence=(trace.position,),
        )
        again = (
            found and found[-1].count == trace.attempt and trace.at - found[-1].at <= NEAR
        ) and (trace.at == found[-1].at or trace.what != found[-1].outcome)
        if again:
            found[-1] = _together(found[-1], one)
        else:
            found.append(one)
    # A first invoice that waits for its owner has not failed.
    if invoice.billing_reason == FIRST_INVOICE:
        found = [one for one in found if one.outcome == FAILED]
    return found


def _together(one: Attempt, other: Attempt) -> Attempt:
    asked = ACTION_REQUIRED in (one.outcome, other.outcome)
    return attrs.evolve(
        one,
        outcome=ACTION_REQUIRED if asked else FAILED,
        announced=one.announced or other.announced,
        evidence=tuple(sorted({*one.evidence, *other.evidence})),
    )


def _with_reason(failure: Attempt, one: Try) -> Attempt:
    return attrs.evolve(
        failure,
        reason=one.reason,
        message=one.message,
        guess=one.guess,
        evidence=tuple(sorted({*failure.evidence, one.position})),
    )


def _alone(one: Try) -> Attempt:
    return Attempt(
        at=one.at,
        outcome=one.what,
        reason=one.reason,
        message=one.message,
        told=False,
        guess=one.guess,
        tried=one.tried,
        evidence=(one.position,),
    )


def _when(one: Attempt) -> tuple[datetime, str]:
    return one.at, one.reason or ""
