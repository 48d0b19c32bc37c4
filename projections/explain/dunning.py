"""Why a failed payment has come to its stage: day 0, the policy, each boundary.

Stage paused                     the last one reached
  retrying   day 0                 the first failure
  paused     8 Apr 01:00           1 Apr 01:00 + 7 x 86,400 s
  canceled   1 May 01:00           to come
Policy       the default
Attempt 1    insufficient_funds    #41,010
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import attrs

from projections.account import Account
from projections.amounts import amount
from projections.answer import Billing
from projections.dunning.outcomes import End
from projections.dunning.timelines import SENT, Stage, Timeline
from projections.explain.tree import Node, Operation, Unit


def dunning(account: Account, told: Billing) -> Node:
    """Return why the foremost timeline of *told* is at its stage."""
    timeline = told.foremost
    if timeline is None:
        return Node(label="Stage", detail="no payment of the subscription has failed")
    return stage(account, timeline)


def stage(account: Account, told: Timeline, *, among: str | None = None) -> Node:
    """Return why *told* is at its stage.

    Args:
        among: The currency of the explanation, where that is not its own.
    """
    due, currency = told.shown.amount_due, told.shown.currency
    owed = Node(label="Amount due", value=due, unit=Unit.MONEY, operand=False)
    if among not in {None, currency}:
        owed = attrs.evolve(owed, value=amount(due, currency), unit=Unit.WORD)
    elif currency is not None:
        owed = attrs.evolve(owed, detail=currency.upper())
    return Node(
        label=f"Stage of {told.invoice}",
        value=str(told.stage),
        operation=Operation.LAST,
        children=(
            *_stages(told),
            *_to_come(told),
            *([] if told.shown.amount_due is None else [owed]),
            _policy(account, told),
            *_attempts(told),
        ),
    )


def boundary(told: Timeline, label: str, days: int) -> Node:
    """Return *days* after day 0 as arithmetic."""
    at = {
        told.policy.pause_day: told.pause_at,
        told.policy.cancel_day: told.cancel_at,
    }[days]
    return Node(
        label=label,
        value=at,
        unit=Unit.TIME,
        operation=Operation.DAYS_AFTER,
        children=(
            Node(label="day 0", value=told.first_failed_at, unit=Unit.TIME),
            Node(label="days of 86,400 s", value=days, unit=Unit.DAYS),
        ),
    )


def _stages(told: Timeline) -> Iterator[Node]:
    """Yield the stages that it has been through, each with why it began."""
    yield Node(
        label="from day 0",
        value=str(Stage.RETRYING),
        children=(attrs.evolve(_day_0(told), operand=False),),
        at=told.first_failed_at,
    )
    if told.paused_at is not None:
        due = boundary(told, "policy", told.policy.pause_day)
        yield _reached(Stage.PAUSED, told.paused_at, due, told.stopped_at)
    if told.canceled_at is not None:
        due = boundary(told, "policy", told.policy.cancel_day)
        ended = told.outcome
        sooner = ended.at if ended is not None and ended.end is End.CANCELED else None
        yield _reached(Stage.CANCELED, told.canceled_at, due, sooner)
    if told.outcome is not None:
        yield Node(
            label="at the end",
            value=str(told.outcome.end),
            detail=told.outcome.reason.replace("_", " "),
            at=told.outcome.at,
            evidence=(told.outcome.position,),
        )


def _reached(named: Stage, at: datetime, due: Node, by_stripe: datetime | None) -> Node:
    whens = [due]
    if by_stripe is not None:
        whens.append(Node(label="Stripe", value=by_stripe, unit=Unit.TIME))
    first = Node(
        label="reached",
        value=at,
        unit=Unit.TIME,
        operation=Operation.EARLIEST,
        children=tuple(whens),
        operand=False,
    )
    return Node(label="from then on", value=str(named), children=(first,), at=at)


def _to_come(told: Timeline) -> Iterator[Node]:
    """Yield the boundaries ahead, while a payment can still prevent them."""
    if not told.open:
        return
    for label, days, at in (
        ("pauses", told.policy.pause_day, told.pause_at),
        ("cancels", told.policy.cancel_day, told.cancel_at),
    ):
        if at > told.now:
            node = boundary(told, label, days)
            yield attrs.evolve(node, operand=False, detail="unless it is paid before")


def _day_0(told: Timeline) -> Node:
    sent = told.shown.collection_method == SENT and told.shown.due_date is not None
    failed = () if sent or told.assumed else told.attempts
    node = Node(label="day 0", value=told.first_failed_at, unit=Unit.TIME)
    if not failed:
        reason = "when it was due" if sent else "assumed: when it was finalized"
        return attrs.evolve(node, detail=reason)
    return attrs.evolve(
        node,
        detail="the first failure that was told",
        operation=Operation.EARLIEST,
        children=tuple(
            Node(
                label=f"attempt {place}",
                value=each.at,
                unit=Unit.TIME,
                evidence=each.evidence,
            )
            for place, each in enumerate(failed, start=1)
        ),
    )


def _policy(account: Account, told: Timeline) -> Node:
    policy = told.policy
    days = ", ".join(map(str, policy.retry_days))
    by = account.catalogue.policy_set(told.first_failed_at)
    whose = "the default" if by is None else "as the operator set it"
    return Node(
        label="Policy on day 0",
        value=whose,
        detail=(
            f"tries on days {days}; pauses on day {policy.pause_day}; "
            f"cancels on day {policy.cancel_day}"
        ),
        operand=False,
        at=None if by is None else by.occurred_at,
        evidence=() if by is None else (by.position,),
    )


def _attempts(told: Timeline) -> Iterator[Node]:
    for place, each in enumerate(told.attempts, start=1):
        yield Node(
            label=f"Attempt {place}",
            value=each.outcome,
            detail=(each.reason or "the reason is not told").replace("_", " ")
            + (" (a guess)" if each.guess else ""),
            operand=False,
            at=each.at,
            evidence=each.evidence,
        )
