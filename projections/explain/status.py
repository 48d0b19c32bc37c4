"""Why an account has its status, its badge and its access: the chain that leads there.

Status past_due                 of the best subscription
  sub_1 past_due                  since 1 Nov, #41,008
Badge Past due
Access full                     the stricter of status and dunning
  status past_due: full
  dunning retrying: full
Next change read_only           8 Nov 01:00, 1 Nov 01:00 + 7 x 86,400 s
"""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from projections.account import Account
from projections.answer import Billing, Listed
from projections.dunning import timelines as dunning
from projections.explain.dunning import boundary
from projections.explain.tree import Node, Operation, Unit
from projections.status import access
from projections.story.phrases import reason


def status(_account: Account, told: Billing) -> Node:
    """Return why the status of *told* is what it is, and what follows from it."""
    primary = told.primary
    if primary is None:
        return Node(label="Status", value=told.status, detail="there is no subscription")
    return Node(
        label="Status",
        value=told.status,
        operation=Operation.SAME,
        children=(_primary(told, primary), *_following(told, primary)),
    )


def _primary(told: Billing, primary: Listed) -> Node:
    others = len(told.subscriptions) - 1
    return Node(
        label="Primary subscription",
        value=primary.subscription.status,
        detail=(
            f"{primary.id}, the only one"
            if not others
            else f"{primary.id}, of the best status, then the newest, of {others + 1}"
        ),
        operation=Operation.BEST,
        children=tuple(map(_listed, told.subscriptions)),
    )


def _listed(listed: Listed) -> Node:
    """Return a subscription with the event since which its status is so."""
    shown = listed.subscription
    since = None
    for mark in reversed(listed.current.marks):
        if mark.status != shown.status:
            break
        since = mark
    return Node(
        label=listed.id,
        value=shown.status,
        detail="Stripe's status",
        at=listed.since if since is None else since.at,
        evidence=(listed.current.position,) if since is None else (since.position,),
    )


def _following(told: Billing, primary: Listed) -> Iterator[Node]:
    stage = dunning.standing(told.dunning, primary.id)
    if told.badge is not None:
        overrides = stage is not None and stage.badge is not None
        yield Node(
            label="Badge",
            value=told.badge.text,
            detail="of the dunning stage, in place of the status's"
            if overrides
            else "of the status",
            operand=False,
        )
    yield _access(told, primary, stage)
    change = told.access.next_change
    if change is not None:
        yield Node(
            label="Next change",
            value=str(change.level),
            detail="unless something happens before",
            operand=False,
            at=change.at,
            children=tuple(_why_then(told, primary, change)),
        )


def _access(told: Billing, primary: Listed, stage: access.Stage | None) -> Node:
    of_status = access.access(primary.current, told.now)
    allowed = [_allows(f"status {told.status}", of_status.level, of_status)]
    if stage is not None:
        found = _allows("dunning", stage.level, stage)
        foremost = told.foremost
        if foremost is not None:
            first = foremost.attempts[:1]
            found = attrs.evolve(
                found,
                label=f"dunning of {foremost.invoice}: {foremost.stage}",
                evidence=first[0].evidence if first else (),
            )
        allowed.append(found)
    return Node(
        label="Access",
        value=str(told.access.level),
        detail=None if told.access.reason is None else reason(told.access.reason),
        operation=Operation.STRICTEST,
        children=tuple(allowed),
        operand=False,
        at=told.access.since,
    )


def _allows(label: str, level: access.Level, says: access.Access | access.Stage) -> Node:
    return Node(
        label=label,
        value=str(level),
        detail=None if says.reason is None else reason(says.reason),
        at=says.since,
    )


def _why_then(told: Billing, primary: Listed, change: access.Change) -> Iterator[Node]:
    """Yield the arithmetic of the date where a policy sets it, else whose date it is."""
    for each in told.dunning:
        if not each.open or each.subscription != primary.id:
            continue
        for label, days, at in (
            (f"{each.invoice} pauses", each.policy.pause_day, each.pause_at),
            (f"{each.invoice} cancels", each.policy.cancel_day, each.cancel_at),
        ):
            if at == change.at:
                yield boundary(each, label, days)
                return
    yield Node(
        label="the subscription is set to end",
        value=change.at,
        unit=Unit.TIME,
        evidence=(primary.current.position,),
    )
