"""The steps that follow a failed payment, drawn to scale along a line of days.

day 0 ✕───✕──✕──✕ read-only ░░░░░░░▼ today░░░░░░░░░░░░░■ canceled

Colours are the stylesheet's, so the drawing follows light and dark as the page does.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

import attrs
from markupsafe import Markup

from projections.page.document import Dunning, Step

WIDTH: Final = 720
HEIGHT: Final = 108
LEFT: Final = 28
SPAN: Final = WIDTH - 2 * LEFT
LINE_Y: Final = 58
DAY: Final = timedelta(days=1)
_LABEL_ROOM: Final = 30
_TODAY_ROOM: Final = 40
_SVG: Final = Markup(
    '<svg viewBox="0 0 {width} {height}" role="img" aria-labelledby="drawn">'
    '<title id="drawn">{title}</title>{parts}</svg>'
)
_BAND: Final = Markup('<rect class="d-band" x="{x}" y="{y}" width="{width}" height="12"/>')
_LINE: Final = Markup('<path class="{kind}" d="M{x1} {y}H{x2}"/>')
_MARK: Final = Markup(
    '<path class="d-mark {kind}" transform="translate({x} {y})" d="{d}"/>'
)
_TEXT: Final = Markup(
    '<text class="{kind}" x="{x}" y="{y}" text-anchor="{at}">{text}</text>'
)
_CROSS: Final = "M-5-5 5 5M5-5-5 5"
_RING: Final = "M-5 0a5 5 0 1 0 10 0a5 5 0 1 0-10 0"
_SQUARE: Final = "M-6-6H6V6H-6z"
_TICK: Final = "M-6 0-2 5 6-5"
_PIN: Final = "M-5-9H5L0-1z"
_SHAPES: Final = {"attempt": _CROSS, "pause": _SQUARE, "cancel": _SQUARE, "recovery": _TICK}


@attrs.frozen
class _Scale:
    """Where on the line a moment is."""

    start: datetime
    end: datetime

    def x(self, at: datetime) -> int:
        inside = min(max(at, self.start), self.end)
        return LEFT + (inside - self.start) * SPAN // (self.end - self.start)


def drawing(dunning: Dunning, now: datetime) -> Markup | None:
    """Return *dunning* as SVG; None where there is no length of time to draw."""
    moments = [at for step in dunning.steps if (at := _at(step)) is not None]
    start = dunning.first_failed_at or min(moments, default=None)
    if start is None:
        return None
    end = max([*moments, dunning.cancel_at or start, start])
    if end <= start:
        return None
    scale = _Scale(start, end)
    return _SVG.format(
        width=WIDTH,
        height=HEIGHT,
        title="Tries, pause and cancellation along a line of days; the table says the same",
        parts=Markup().join(_parts(dunning, scale, now)),
    )


def _parts(dunning: Dunning, scale: _Scale, now: datetime) -> Iterator[Markup]:
    if dunning.pause_at is not None and dunning.pause_at < scale.end:
        x = scale.x(dunning.pause_at)
        yield _BAND.format(x=x, y=LINE_Y - 6, width=scale.x(scale.end) - x)
    yield _LINE.format(kind="d-line", x1=LEFT, x2=LEFT + SPAN, y=LINE_Y)
    if now > scale.start:
        yield _LINE.format(kind="d-past", x1=LEFT, x2=scale.x(now), y=LINE_Y)
    last = -_LABEL_ROOM
    for step in sorted(dunning.steps, key=_order):
        at = _at(step)
        if at is None:
            continue
        x = scale.x(at)
        yield _mark(step, x)
        if x - last >= _LABEL_ROOM:
            day = max(timedelta(), at - scale.start) // DAY
            yield _TEXT.format(kind="d-text", x=x, y=LINE_Y + 26, at="middle", text=day)
            last = x
    yield from _words(dunning, scale)
    if scale.start <= now < scale.end:
        yield from _today(scale.x(now))


def _mark(step: Step, x: int) -> Markup:
    happened = step.happened_at is not None
    shape = _SHAPES.get(step.kind, _RING)
    if step.kind == "attempt" and not happened:
        shape = _RING
    if step.kind == "attempt" and step.outcome == "succeeded":
        shape = _TICK
    failed = happened and step.outcome == "failed"
    kind = "d-failed" if failed else "d-done" if happened else "d-waits"
    return _MARK.format(kind=f"{kind} d-{step.kind[:12]}", x=x, y=LINE_Y, d=shape)


def _words(dunning: Dunning, scale: _Scale) -> Iterator[Markup]:
    """Yield what the numbers are, and the names of the two dates that matter."""
    y = LINE_Y + 44
    yield _TEXT.format(kind="d-text", x=LEFT, y=y, at="start", text="days since")
    if dunning.pause_at is not None and dunning.pause_at < scale.end:
        x = scale.x(dunning.pause_at)
        yield _TEXT.format(kind="d-word", x=x, y=y, at="start", text="read-only")
    if dunning.cancel_at is not None:
        x = scale.x(dunning.cancel_at)
        yield _TEXT.format(kind="d-word", x=x + 8, y=y, at="end", text="canceled")


def _today(x: int) -> Iterator[Markup]:
    yield _MARK.format(kind="d-today", x=x, y=LINE_Y - 8, d=_PIN)
    place = (
        "start" if x < LEFT + _TODAY_ROOM else "end" if x > LEFT + SPAN - 40 else "middle"
    )
    yield _TEXT.format(kind="d-word", x=x, y=LINE_Y - 24, at=place, text="today")


def _at(step: Step) -> datetime | None:
    return step.happened_at or step.due_at


def _order(step: Step) -> tuple[bool, datetime | None]:
    at = _at(step)
    return at is None, at
