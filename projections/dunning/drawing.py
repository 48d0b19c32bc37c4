"""A timeline as a drawing (SVG) that says it all without colour, script or style sheet.

    full access      read-only  ‖                                     canceled ■
    ✕────✕───✕───✕───────────────▼ today - - - - - - - - - - - - - - -■
    day 0    3   5   7                                               30

The band says what the account may do, the line beneath what was tried: a cross failed, a
ring is to come, a tick was paid. Title and description tell it to who cannot see it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from html import escape
from typing import Final

import attrs

from projections.amounts import amount
from projections.dunning.looks import look, night
from projections.dunning.steps import Step, steps
from projections.dunning.timelines import Timeline
from projections.dunning.words import label, sentence, words
from projections.page.texts import cut

WIDTH: Final = 760
_EDGE, _LEFT, _RIGHT, _END = 16, 36, 646, 744
_HEAD, _BODY, _FOOT = 34, 126, 24
_BAND, _BAND_HEIGHT, _LINE, _DAY, _WORD = 26, 28, 78, 100, 115
_CHAR, _LABEL_ROOM = 7, 36
_A_DAY: Final = timedelta(days=1)
_A_TICK: Final = timedelta(microseconds=1)
_CROSS: Final = "M-4-4 4 4M4-4-4 4"
_TICK: Final = "M-4.5 0-1 3.5 4.5-4"
_BARS: Final = "M-2.5-4V4M2.5-4V4"
_SQUARE: Final = "M-3-3H3V3H-3z"
_DASH: Final = "M-4 0H4"
# They take something away; all else is tried, or ends it well.
_BARRED: Final = frozenset({"pause", "cancel"})
# What follows a step: the class of the stretch, its words, and the sign before them.
_FOLLOWS: Final = {
    "pause": ("held", "read-only", _BARS),
    "cancel": ("ended", "canceled", _SQUARE),
    "recovery": ("full", "paid", _TICK),
}


@attrs.frozen(kw_only=True)
class Lane:
    """One timeline as it is drawn.

    Attributes:
        heading: Stands above it, if anything does; *foot* beneath.
        told: Says it all, to who cannot see it.
        open: Whether it still goes on, so that today has a place on it.
    """

    heading: str = ""
    foot: str = ""
    told: str
    start: datetime
    open: bool
    steps: tuple[Step, ...]

    @property
    def height(self) -> int:
        """How much room it takes."""
        return _BODY + (_HEAD if self.heading else 0) + (_FOOT if self.foot else 0)


@attrs.frozen
class _Scale:
    """Where on the line a moment is."""

    start: datetime
    end: datetime

    def x(self, at: datetime) -> int:
        inside = min(max(at, self.start), self.end)
        length = max(self.end - self.start, timedelta(seconds=1)) // _A_TICK
        # As whole numbers: some thousand years times the width are too long to be a time.
        return _LEFT + (inside - self.start) // _A_TICK * (_RIGHT - _LEFT) // length


def lane(told: Timeline) -> Lane:
    """Return *told* as it is drawn where nothing else stands beside it."""
    owed = amount(told.shown.amount_due, told.shown.currency)
    failed = f"first failed {told.first_failed_at:%Y-%m-%d %H:%M} UTC"
    reasons = [words(each.reason) for each in told.attempts if each.reason]
    return Lane(
        heading=f"{told.shown.number or told.invoice} · {owed} · {failed}",
        foot=" · ".join(reasons),
        told=sentence(told),
        start=told.first_failed_at,
        open=told.open,
        steps=steps(told),
    )


def drawing(lanes: Sequence[Lane], now: datetime, *, alone: bool = True) -> str:
    """Return *lanes* one beneath the other, the first on top.

    Args:
        alone: Whether it brings its own ground and colours of the night; on a page, whose
            style sheet knows its classes, it does not.
    """
    title = "Payments that failed" if lanes else "No payment has failed"
    told = " ".join(each.told for each in lanes) or "Nothing is overdue."
    height = sum(each.height for each in lanes) or 60
    drawn, top = [], 0
    for each in lanes:
        drawn.append(f'<g transform="translate(0 {top})">{"".join(_lane(each, now))}</g>')
        top += each.height
    if not lanes:
        drawn.append(_text(_EDGE, 36, title))
    # On a page its edge is the card's.
    edge = 0 if alone else _EDGE
    box = f"{edge} 0 {WIDTH - 2 * edge} {height}"
    ground = f'<rect {look("d-ground")} width="{WIDTH}" height="{height}" rx="10"/>'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box}" '
        f'width="{WIDTH - 2 * edge}" height="{height}" '
        'role="img" aria-labelledby="d-title d-desc" '
        f'font-family="system-ui, sans-serif" font-size="13">'
        f'<title id="d-title">{escape(title)}</title>'
        f'<desc id="d-desc">{escape(cut(told, 4000))}</desc>'
        + (f"<style>{night()}</style>{ground}" if alone else "")
        + "".join(drawn)
        + "</svg>"
    )


def _lane(told: Lane, now: datetime) -> Iterator[str]:
    moments = [_at(each) for each in told.steps]
    scale = _Scale(told.start, max([told.start, *moments]))
    if told.heading:
        yield _text(_EDGE, 26, cut(told.heading, 100), weight=600)
    yield f'<g transform="translate(0 {_HEAD if told.heading else 0})">'
    yield from _stretches(told, scale)
    yield from _line(told, scale, now)
    yield from _marks(told, scale)
    if told.foot:
        yield _text(_EDGE, _WORD + 24, cut(told.foot, 104), kind="d-quiet")
    yield "</g>"


def _stretches(told: Lane, scale: _Scale) -> Iterator[str]:
    """Yield the band: full access, read-only, and what it ends with."""
    kind, said, sign = "full", "full access", ""
    since = _EDGE
    for step in sorted(told.steps, key=_at):
        if step.kind not in _FOLLOWS:
            continue
        x = scale.x(_at(step))
        yield from _stretch((since, x), kind, said, sign)
        kind, said, sign = _FOLLOWS[step.kind]
        if step.kind == "recovery" and step.outcome not in {None, "paid"}:
            kind, said, sign = "closed", "closed", _DASH
        since = x
    yield from _stretch((since, _END), kind, said, sign)


def _stretch(span: tuple[int, int], kind: str, said: str, sign: str) -> Iterator[str]:
    start, end = span[0] + 1, span[1] - 1
    if end <= start:
        return
    yield (
        f'<rect {look(f"d-{kind}")} x="{start}" y="{_BAND}" '
        f'width="{end - start}" height="{_BAND_HEIGHT}" rx="5"/>'
    )
    middle, text_x = _BAND + _BAND_HEIGHT // 2, start + 10
    room = (end - start) - 14
    if sign and room > 0:
        yield _mark(f"d-{_SIGNED[kind]}", start + 12, middle, sign)
        text_x, room = start + 22, room - 12
    said = cut(said, max(4, room // _CHAR))
    if room >= len(said) * _CHAR:
        yield _text(text_x, middle + 4, said, kind=f"d-{kind}-ink", weight=600)


def _line(told: Lane, scale: _Scale, now: datetime) -> Iterator[str]:
    """Yield the line of days: drawn through up to today, dotted from there."""
    today = scale.x(now) if told.open else _RIGHT
    yield (
        f'<path {look("d-line")} stroke-width="2" stroke-dasharray="1 6" '
        f'stroke-linecap="round" d="M{today} {_LINE}H{_RIGHT}"/>'
        f'<path {look("d-past")} stroke-width="2" d="M{_LEFT} {_LINE}H{today}"/>'
    )
    if told.open and scale.start <= now < scale.end:
        day = (now - told.start) // _A_DAY
        at = "end" if today > _RIGHT - 2 * _LEFT else "start"
        beside = today + (-9 if at == "end" else 9)
        yield f'<path {look("d-today")} d="M{today - 5} 11h10l-5 10z"/>'
        yield _text(beside, 20, f"today, day {day}", anchor=at, weight=600)


def _marks(told: Lane, scale: _Scale) -> Iterator[str]:
    # Rings cover the bars of what falls on the same day.
    yield from (_bar(each, scale) for each in told.steps if each.kind in _BARRED)
    labelled, coming = -_LABEL_ROOM, 0
    for step in told.steps:
        at = _at(step)
        x = scale.x(at)
        if step.kind not in _BARRED:
            yield from _ring(step, x)
        if x - labelled < _LABEL_ROOM:
            continue
        labelled = x
        day = max(timedelta(), at - told.start) // _A_DAY
        yield _text(x, _DAY, f"day {day}", anchor="middle", weight=600, size=12)
        said = _said(step, coming)
        coming += step.happened_at is None
        yield _text(x, _WORD, cut(said, 16), kind="d-quiet", anchor="middle", size=12)


def _said(step: Step, coming: int) -> str:
    """Return a word or two for beneath the line; *coming* others are to come before."""
    if step.kind != "attempt":
        return label(step)
    if step.happened_at is None:
        return "later" if coming else "next"
    return words(step.outcome)


def _bar(step: Step, scale: _Scale) -> str:
    return _mark(f"d-{step.kind}", scale.x(_at(step)), _LINE, "M0-20V0")


def _ring(step: Step, x: int) -> Iterator[str]:
    """Yield a ring, with a sign of what came of it once it has happened."""
    if step.happened_at is None:
        kind, sign = "coming", ""
    elif step.outcome in {"paid", "succeeded"}:
        kind, sign = "paid", _TICK
    else:
        kind, sign = ("failed", _CROSS) if step.kind == "attempt" else ("coming", _DASH)
    yield f'<circle {look(f"d-{kind}")} stroke-width="2" cx="{x}" cy="{_LINE}" r="9"/>'
    if sign:
        yield _mark(f"d-{kind}", x, _LINE, sign)


def _mark(kind: str, x: int, y: int, shape: str) -> str:
    return (
        f'<path {look(kind)} stroke-width="2" stroke-linecap="round" '
        f'stroke-linejoin="round" transform="translate({x} {y})" d="{shape}"/>'
    )


def _text(
    x: int,
    y: int,
    said: str,
    *,
    kind: str = "d-text",
    anchor: str = "start",
    weight: int = 400,
    size: int = 13,
) -> str:
    return (
        f'<text {look(kind)} x="{x}" y="{y}" text-anchor="{anchor}" '
        f'font-weight="{weight}" font-size="{size}">{escape(said)}</text>'
    )


def _at(step: Step) -> datetime:
    return step.happened_at or step.due_at


_SIGNED: Final = {"held": "pause", "ended": "cancel", "full": "paid", "closed": "coming"}
