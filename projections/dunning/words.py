"""The words for what happens to an unpaid invoice: of a step, and of a whole timeline.

in_1Q2x, USD 92.00: paused; first failed 1 Nov 2026 01:00 UTC; attempt 1 failed …
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from projections.amounts import amount
from projections.dunning.steps import Step, steps
from projections.dunning.timelines import Timeline

_OUTCOMES: Final = {"failed": "failed", "action_required": "to be confirmed"}
_COMING: Final = {"attempt": "next try", "pause": "pauses", "cancel": "cancels"}


def sentence(told: Timeline) -> str:
    """Return *told* in words."""
    failed = f"first failed {_when(told.first_failed_at)}"
    owed = amount(told.shown.amount_due, told.shown.currency)
    parts = [f"{told.invoice}, {owed}: {told.stage}", failed]
    return "; ".join([*parts, *(step_sentence(each) for each in steps(told))]) + "."


def step_sentence(step: Step) -> str:
    """Return *step* in words, with its date and what the bank said."""
    at = step.happened_at or step.due_at
    why = f", {words(step.reason)}" if step.reason else ""
    return f"{label(step)} {_when(at)}{why}"


def label(step: Step) -> str:
    """Return what *step* is, or will be."""
    if step.happened_at is None:
        return _COMING.get(step.kind, words(step.kind))
    if step.kind == "attempt":
        return f"attempt {step.n} {_OUTCOMES.get(step.outcome or '', 'failed')}"
    return words(step.outcome or step.kind)


def words(code: str | None) -> str:
    """Return Stripe's word as people write it."""
    return (code or "").replace("_", " ")


def _when(at: datetime) -> str:
    return f"{at.day} {at:%b %Y %H:%M} UTC"
