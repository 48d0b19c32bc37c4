"""Schedules: what is planned for a subscription.

`told` says what a history makes of it; see `projections.history`.
"""

from __future__ import annotations

from typing import Final

from projections.facts import FieldUnreadable, ScheduleObserved
from projections.history import History, observed, unreadable
from projections.models.declaration import Projection, on, table
from projections.objects import Schedule


class ScheduleHistory(
    History[ScheduleObserved, Schedule], frozen=True, array_like=True, kw_only=True
):
    """What is kept of a schedule's events."""


SCHEDULES: Final = Projection(
    name="schedules",
    version=1,
    state=ScheduleHistory,
    initial=ScheduleHistory(),
    handlers=table(
        on(ScheduleObserved, observed), on(FieldUnreadable, unreadable("schedule"))
    ),
)
