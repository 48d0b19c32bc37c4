"""Timelines and notices as the read API writes them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from ledger.moments import rfc3339
from projections.dunning.steps import Step, deviation, steps
from projections.dunning.timelines import Timeline
from projections.notices import Notice

Json = dict[str, Any]


def timeline(told: Timeline) -> Json:
    """Return *told* with all of its steps."""
    shown, ended = told.shown, told.outcome
    return {
        "invoice": told.invoice,
        "number": shown.number,
        "subscription": told.subscription,
        "currency": shown.currency,
        "amount_due": shown.amount_due,
        "amount_remaining": shown.amount_remaining,
        "first_failed_at": rfc3339(told.first_failed_at),
        "assumed": told.assumed,
        "stage": told.stage,
        "reason": None if ended is None else ended.reason,
        "ended_at": None if ended is None else rfc3339(ended.at),
        "pause_at": rfc3339(told.pause_at),
        "cancel_at": rfc3339(told.cancel_at),
        "policy": {
            "retry_days": list(told.policy.retry_days),
            "pause_day": told.policy.pause_day,
            "cancel_day": told.policy.cancel_day,
        },
        "deviation": deviation(told),
        "steps": [_step(each) for each in steps(told)],
    }


def timelines(told: Sequence[Timeline]) -> list[Json]:
    """Return all of *told*, the latest first."""
    return [timeline(each) for each in reversed(told)]


def notice(told: Notice) -> Json:
    """Return *told*; its key is what whoever sends it remembers."""
    return {
        "kind": told.kind,
        "due_at": rfc3339(told.due_at),
        "key": told.key,
        "detail": dict(told.detail),
    }


def _step(step: Step) -> Json:
    return {
        "kind": step.kind,
        "n": step.n,
        "due_at": rfc3339(step.due_at),
        "happened_at": _time(step.happened_at),
        "outcome": step.outcome,
        "reason": step.reason,
        "message": step.message,
        "guess": step.guess,
        "evidence": list(step.evidence),
    }


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else rfc3339(moment)
