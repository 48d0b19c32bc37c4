"""Seat changes as parts of an explanation: how many more each made, and by whom.

+1  u_88                #36,120   14 Oct 09:12   by u_3
+2  at one moment
  +1  u_91
  +1  u_92
-1  u_12                #37,900   20 Oct 10:00   by u_3
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import groupby
from operator import attrgetter

from projections.account import Account
from projections.explain.tree import Node, Operation, Unit
from projections.seating.history import Seat, Step, held
from projections.story.phrases import in_order


def holders(account: Account, moment: datetime, most: int) -> Iterator[Node]:
    """Yield who got the last seats of those held at *moment*, the first of them first."""
    then = held(account.registers, moment)
    if then.active != len(then.seats) or most <= 0:
        return
    latest = sorted(then.seats, key=_since)[-most:]
    yield from map(_holder, latest)


def by_instant(told: Iterable[Step]) -> Iterator[Node]:
    """Yield what each instant changed: what is told of it is taken together."""
    for at, instant in groupby(told, key=attrgetter("at")):
        moved = [node for each in instant for node in _step(each)]
        if len(moved) == 1:
            yield moved[0]
        elif moved:
            yield Node(
                label="at one moment",
                value=sum(node.value for node in moved if isinstance(node.value, int)),
                unit=Unit.SEAT_CHANGE,
                operation=Operation.SUM,
                children=tuple(moved),
                at=at,
            )


def _step(step: Step) -> Iterator[Node]:
    if not step.delta:
        return
    named = [*((user, 1) for user in step.joined), *((user, -1) for user in step.left)]
    whole = step.user or (
        "all users named" if step.change == "set" else "all users counted"
    )
    explained = named and sum(each for _, each in named) == step.delta
    yield Node(
        label=whole,
        value=step.delta,
        unit=Unit.SEAT_CHANGE,
        operation=Operation.SUM if explained else None,
        children=tuple(
            Node(label=user, value=each, unit=Unit.SEAT_CHANGE) for user, each in named
        )
        if explained
        else (),
        at=step.at,
        by=step.by,
        evidence=(step.position,),
    )


def _holder(seat: Seat) -> Node:
    return Node(
        label=seat.user,
        value=1,
        unit=Unit.SEAT_CHANGE,
        operand=False,
        at=seat.since,
        by=seat.by,
        evidence=(seat.position,),
    )


def _since(seat: Seat) -> tuple[datetime, int, list[tuple[int, str]]]:
    return seat.since, seat.position, in_order(seat.user)
