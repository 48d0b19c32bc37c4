"""A timeline as a line of a terminal, as wide as it is given.

in_1Q2x   USD 92.00   retrying   first failed 1 Nov 2026 01:00            today ▼ day 4
d0 ✕────────d3 ✕───▼────d5 ○────────d7 ‖ pauses────────────────d30 ■ cancels 1 Dec 01:00
insufficient funds · card declined · next try in 1 day
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, tzinfo
from itertools import pairwise
from typing import Final

import attrs
from rich.cells import cell_len

from projections.amounts import amount
from projections.dunning.steps import Step, deviation, steps
from projections.dunning.timelines import Stage, Timeline
from projections.dunning.words import words
from replay.report.style import Style
from replay.report.text import one_line

NARROWEST: Final = 40
_SIGNS: Final = {"attempt": "✕", "pause": "‖", "cancel": "■", "recovery": "✓"}
_COMING: Final = {"attempt": "○", "pause": "‖ pauses", "cancel": "■ cancels"}
_PAST, _HELD, _TODAY = "─", "░", "▼"


@attrs.frozen
class _Stop:
    """A place on the line: when, and what stands there."""

    at: datetime
    text: str


def picture(told: Timeline, style: Style) -> str:
    """Return *told* on a few lines of at most the style's width, 80 if it has none."""
    width = max(NARROWEST, style.width or 80) - 2
    shown = [
        *_heading(told, style.zone, width),
        *_drawn(told, style.zone, width),
        *_wrapped(_said(told), width, " · "),
    ]
    return "\n".join(f" {line}" for line in shown)


def _heading(told: Timeline, zone: tzinfo, width: int) -> list[str]:
    owed = amount(told.shown.amount_due, told.shown.currency)
    failed = f"first failed {_when(told.first_failed_at, zone)}"
    left = [one_line(told.invoice), owed, str(told.stage), failed]
    today = f"today {_TODAY} day {(told.now - told.first_failed_at).days}"
    if not told.open:
        return _wrapped(left, width, "   ")
    line = "   ".join(left)
    room = width - cell_len(line) - cell_len(today)
    if room < 1:
        return _wrapped([*left, today], width, "   ")
    return [line + " " * room + today]


def _drawn(told: Timeline, zone: tzinfo, width: int) -> list[str]:
    """Return the line; on several where its marks alone are wider than the terminal."""
    for short in (False, True):
        stops = _stops(told, zone, short=short)
        if sum(cell_len(each.text) for each in stops) + 2 * len(stops) <= width:
            return [_spread(told, stops, width)]
    return _wrapped([each.text for each in _stops(told, zone, short=True)], width, _PAST)


def _spread(told: Timeline, stops: Sequence[_Stop], width: int) -> str:
    """Return *stops* with lines between them, as long as the time between."""
    room = width - sum(cell_len(each.text) for each in stops)
    gaps = [
        max(1.0, (after.at - before.at).total_seconds())
        for before, after in pairwise(stops)
    ]
    spare = max(0, room - len(gaps))
    line = ""
    for place, stop in enumerate(stops):
        line += stop.text
        if place == len(gaps):
            break
        length = 1 + int(spare * gaps[place] / sum(gaps))
        line += _gap(told, stop.at, stops[place + 1].at, length)
    return line


def _gap(told: Timeline, start: datetime, end: datetime, length: int) -> str:
    held = told.paused_at is not None and start >= told.paused_at
    fill = (_HELD if held else _PAST) * length
    if told.open and start <= told.now < end:
        share = (told.now - start) / (end - start)
        at = min(length - 1, int(share * length))
        return fill[:at] + _TODAY + fill[at + 1 :]
    return fill


def _stops(told: Timeline, zone: tzinfo, *, short: bool) -> list[_Stop]:
    found: list[_Stop] = []
    for step in steps(told):
        at = step.happened_at or step.due_at
        day = f"d{(at - told.first_failed_at).days}"
        text = _mark(step, zone, short=short)
        if found and found[-1].at == at:
            found[-1] = _Stop(at, f"{found[-1].text} {text}")
        else:
            found.append(_Stop(at, f"{day} {text}"))
    return found


def _mark(step: Step, zone: tzinfo, *, short: bool) -> str:
    if step.happened_at is None:
        sign = _COMING[step.kind]
        if short:
            return sign.split()[0]
        return f"{sign} {_day(step.due_at, zone)}" if step.kind == "cancel" else sign
    sign = _SIGNS[step.kind]
    if short or step.kind == "attempt":
        return sign
    said = words(step.outcome)
    return f"{sign} {said.upper() if step.kind == 'pause' else said}"


def _said(told: Timeline) -> list[str]:
    """Return the bank's words, what comes next, and what is odd."""
    said = [
        words(each.reason) + (" (a guess)" if each.guess else "")
        for each in told.attempts
        if each.reason
    ]
    if told.outcome is not None:
        said.append(words(told.outcome.reason))
    elif told.stage is not Stage.CANCELED:
        days = (told.cancel_at - told.now).days
        said.append(f"{days} {'day' if days == 1 else 'days'} left")
    else:
        said.append("a payment still brings it back")
    return [one_line(each) for each in (*said, deviation(told)) if each]


def _wrapped(parts: Sequence[str], width: int, between: str) -> list[str]:
    found: list[str] = []
    for part in parts:
        joined = f"{found[-1]}{between}{part}" if found else part
        if found and cell_len(joined) <= width:
            found[-1] = joined
        else:
            found.append(part)
    return found


def _when(at: datetime, zone: tzinfo) -> str:
    local = at.astimezone(zone)
    return f"{local.day} {local:%b %Y %H:%M}"


def _day(at: datetime, zone: tzinfo) -> str:
    local = at.astimezone(zone)
    return f"{local.day} {local:%b %H:%M}"
