"""Pauses that were wrong: the payment had come in time, and was learnt of too late.

    day 7    8 Apr 01:00   paused
    paid     7 Apr 20:00   learnt 9 Apr 08:00   →   wrong from 8 Apr 01:00 to 9 Apr 08:00

What was known when is not what happened, so this stands beside the figures, never in them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import attrs

from ledger.moments import rfc3339
from projections.dunning.timelines import Timeline

# Somebody who asks for one account waits for as many looks into the log.
SUSPECTS_MAX: Final = 5


@attrs.frozen(kw_only=True)
class WrongfulPause:
    """A pause in [*paused_at*, *learnt_at*) of what had ended at *ended_at*."""

    invoice: str
    ended_at: datetime
    paused_at: datetime
    learnt_at: datetime

    @property
    def body(self) -> dict[str, Any]:
        """The pause as the read API writes it."""
        return {
            "invoice": self.invoice,
            "paid_at": rfc3339(self.ended_at),
            "paused_at": rfc3339(self.paused_at),
            "learnt_at": rfc3339(self.learnt_at),
        }


def suspects(timelines: Sequence[Timeline], now: datetime) -> list[Timeline]:
    """Return those that ended before their pause, which may have been learnt after it."""
    found = [
        each
        for each in timelines
        if each.outcome is not None
        and each.outcome.at <= each.pause_at < now
        and each.canceled_at is None
    ]
    return found[-SUSPECTS_MAX:]


def positions(timelines: Iterable[Timeline]) -> frozenset[int]:
    """Return the events of which it matters when they were recorded."""
    found = set()
    for each in timelines:
        if each.outcome is not None:
            found.add(each.outcome.position)
        found.update(_first_told(each))
    return frozenset(found)


def wrongful(
    timelines: Iterable[Timeline], recorded: Mapping[int, datetime]
) -> tuple[WrongfulPause, ...]:
    """Return the pauses that should not have been.

    Args:
        timelines: As `suspects` found them.
        recorded: When each of `positions` was recorded.
    """
    found = []
    for each in timelines:
        if each.outcome is None:
            continue
        learnt_at = recorded[each.outcome.position]
        failed = [recorded[position] for position in _first_told(each)]
        # Before the failure itself was known, nobody was paused.
        paused_at = max([each.pause_at, *failed])
        if paused_at < learnt_at:
            found.append(
                WrongfulPause(
                    invoice=each.invoice,
                    ended_at=each.outcome.at,
                    paused_at=paused_at,
                    learnt_at=learnt_at,
                )
            )
    return tuple(found)


def _first_told(told: Timeline) -> tuple[int, ...]:
    return (min(told.attempts[0].evidence),) if told.attempts else ()
