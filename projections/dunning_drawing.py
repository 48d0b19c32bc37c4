"""A timeline as a drawing (SVG) that says it all without colour, script or style sheet.

A cross is a failed attempt, a ring one to come, bars a pause, a square a cancellation, a
tick a payment; each has its words beneath. Title and description tell the same to who
cannot see it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from html import escape
from typing import Final

from projections.amounts import amount
from projections.dunning import Timeline
from projections.dunning_steps import Step, steps

WIDTH: Final = 760
LANE: Final = 132
_LEFT, _RIGHT = 40, 720
_STYLE: Final = (
    "text{font:13px system-ui,sans-serif;fill:#1b1f24}"
    ".line,.mark{stroke:#1b1f24;stroke-width:2;fill:none}"
    ".solid{fill:#1b1f24;stroke:#1b1f24}.coming{stroke-dasharray:4 4}"
    "@media (prefers-color-scheme:dark){text{fill:#e6e9ed}"
    ".line,.mark{stroke:#e6e9ed}.solid{fill:#e6e9ed;stroke:#e6e9ed}}"
)
_WORDS: Final = {
    "failed": "failed",
    "action_required": "to be confirmed",
    "paused": "paused",
    "canceled": "canceled",
    "paid": "paid",
}
_COMING: Final = {"attempt": "next try", "pause": "pauses", "cancel": "cancels"}


def drawing(timelines: Sequence[Timeline], now: datetime) -> str:
    """Return *timelines* one beneath the other, the first on top."""
    title = "Payments that failed" if timelines else "No payment has failed"
    told = " ".join(sentence(each) for each in timelines) or "Nothing is overdue."
    height = max(1, len(timelines)) * LANE
    lanes = "".join(
        line
        for place, each in enumerate(timelines)
        for line in _lane(each, now, place * LANE)
    )
    empty = "" if timelines else _text(_LEFT, 40, title)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        f'width="{WIDTH}" height="{height}" role="img" aria-labelledby="title desc">'
        f'<title id="title">{escape(title)}</title><desc id="desc">{escape(told)}</desc>'
        f"<style>{_STYLE}</style>{lanes}{empty}</svg>"
    )


def sentence(told: Timeline) -> str:
    """Return *told* in words."""
    failed = f"first failed {_when(told.first_failed_at)}"
    parts = [f"{told.invoice}, {_owed(told)}: {told.stage}", failed]
    for step in steps(told):
        at = step.happened_at or step.due_at
        why = f", {words(step.reason)}" if step.reason else ""
        parts.append(f"{label(step)} {_when(at)}{why}")
    return "; ".join(parts) + "."


def label(step: Step) -> str:
    """Return what *step* is, or will be."""
    if step.happened_at is None:
        return _COMING[step.kind]
    if step.kind == "attempt":
        return f"attempt {step.n} {_WORDS.get(step.outcome or '', 'failed')}"
    return words(_WORDS.get(step.outcome or "", step.outcome))


def words(code: str | None) -> str:
    """Return Stripe's word as people write it."""
    return (code or "").replace("_", " ")


def _lane(told: Timeline, now: datetime, top: int) -> Iterator[str]:
    found = steps(told)
    ends = [each.happened_at or each.due_at for each in found] or [told.cancel_at]
    first = min(told.first_failed_at, *ends)
    span = max((max(ends) - first).total_seconds(), 1.0)

    def x(at: datetime) -> int:
        share = (at - first).total_seconds() / span
        return round(_LEFT + min(max(share, 0.0), 1.0) * (_RIGHT - _LEFT))

    middle = top + 56
    heading = f"{told.invoice}  {_owed(told)}  {told.stage}"
    yield _text(_LEFT, top + 20, heading)
    passed = x(now)
    yield f'<path class="line" d="M{_LEFT} {middle}H{passed}"/>'
    yield f'<path class="line coming" d="M{passed} {middle}H{_RIGHT}"/>'
    if told.open and passed < _RIGHT:
        yield f'<path class="solid" d="M{passed - 5} {middle - 24}h10l-5 9z"/>'
        yield _text(passed + 8, middle - 16, "today")
    for place, step in enumerate(found):
        at = x(step.happened_at or step.due_at)
        yield _mark(step, at, middle)
        # Names take turns on two lines, so that neighbours do not cover each other.
        yield _text(at, middle + 28 + 18 * (place % 2), _short(step, told), "middle")


def _mark(step: Step, x: int, y: int) -> str:
    if step.kind == "attempt" and step.happened_at is None:
        return f'<circle class="mark" cx="{x}" cy="{y}" r="6"/>'
    shapes = {
        "attempt": f'<path class="mark" d="M{x - 6} {y - 6}l12 12m0-12l-12 12"/>',
        "pause": f'<path class="mark" d="M{x - 3} {y - 8}v16m6-16v16"/>',
        "cancel": f'<rect class="solid" x="{x - 6}" y="{y - 6}" width="12" height="12"/>',
        "recovery": f'<path class="mark" d="M{x - 7} {y}l5 6l9-12"/>',
    }
    return shapes[step.kind]


def _short(step: Step, told: Timeline) -> str:
    at = step.happened_at or step.due_at
    day = (at - told.first_failed_at).days
    return f"d{day} {'failed' if step.kind == 'attempt' and step.outcome else label(step)}"


def _text(x: int, y: int, said: str, anchor: str = "start") -> str:
    anchor = "end" if anchor == "middle" and x > _RIGHT - _LEFT else anchor
    anchor = "start" if anchor == "middle" and x < 2 * _LEFT else anchor
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}">{escape(said)}</text>'


def _owed(told: Timeline) -> str:
    return amount(told.shown.amount_due, told.shown.currency)


def _when(at: datetime) -> str:
    return f"{at.day} {at:%b %Y %H:%M} UTC"
