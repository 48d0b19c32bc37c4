"""One account at two moments: the fields that differ, and the waterfall of its total."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from projections.amounts import amount
from projections.api.event_view import event_line
from projections.api.questions import Question
from projections.rendering import billing, without_evidence
from projections.story.authors import author
from projections.story.sentences import sentence
from replay.ledgers import Connection, state
from replay.past.causes import Standing, SumError, standing
from replay.past.film import Film
from replay.past.log_then import then
from replay.past.unfolding import parts, unfolding
from replay.past.waterfall import Step, currencies, steps
from replay.report.report import Column, Record, Report
from replay.report.stamping import stamp_of


def _short(row: Record, key: str) -> object:
    """Return a value as a table has room for it."""
    value = row[key]
    return "there" if isinstance(value, dict) else value


FIELDS: Final = (
    Column("field", "field"),
    Column("before", "before", words=lambda row: _short(row, "before")),
    Column("after", "after", words=lambda row: _short(row, "after")),
)
PASSED: Final = "a date passed"


def account_diff(
    conninfo: str,
    connection: Connection,
    subject: str,
    asked: tuple[Question, Question],
) -> tuple[Report, bool]:
    """Return the report on *subject* at both moments, and whether anything differs.

    Raises:
        NotFoundError: Nothing is known of it at the later moment.
        UsageError: One of them has not come.
    """
    head, _ = state(connection)
    start = then(connection, head, asked[0])
    found = unfolding(conninfo, subject, asked[1])
    film = Film(unfolding=found, by_position=asked[1].as_of is None)
    frames = film.frames(start.now, start.head.position)
    first, last = frames[0].billing, frames[-1].billing
    if standing(last) != standing(found.view.answer()):
        raise SumError("the last step does not lead to what is asked about")
    was, is_now = (without_evidence(billing(each)) for each in (first, last))
    fields = list(_fields(was, is_now))
    fell = steps(frames)
    before, after = standing(first), standing(last)
    report = Report(
        columns=FIELDS,
        records=fields,
        records_name="differences",
        facts={
            "ok": not fields,
            "findings": [],
            "account": found.linked.account,
            "totals": [
                {
                    "currency": each,
                    "before": _total(before, each),
                    "after": _total(after, each),
                    "change": _total(after, each) - _total(before, each),
                }
                for each in currencies(before, after)
            ],
            "waterfall": [_step(each) for each in fell],
        },
        card=(
            ("", found.linked.account),
            ("before", start.now),
            ("after", found.view.now),
            *_waterfall(before, after, fell),
        ),
        stamp=stamp_of(connection, _sums(before, after)),
    )
    return report, bool(fields)


def _sums(before: Standing, after: Standing) -> dict[str, int]:
    """Return what a copy of the report can be checked by."""
    return {
        f"{currency} {when}": _total(told, currency)
        for currency in currencies(before, after)
        for when, told in (("before", before), ("after", after))
    }


def _waterfall(
    before: Standing, after: Standing, fell: Sequence[Step]
) -> list[tuple[str, object]]:
    """Return the lines of a card: the total before, each step, the total after."""
    if not fell:
        return [("total", f"{_said(after)}, unchanged")]
    lines: list[tuple[str, object]] = [("total before", _said(before))]
    for each in fell:
        sign = "+" if each.amount > 0 else ""
        changed = f"{sign}{amount(each.amount, each.currency).split(' ', 1)[1]}"
        lines.append((f"{each.at:%Y-%m-%d %H:%M}", f"{changed}  {_why(each)}"))
    lines.append(("total after", _said(after)))
    for currency in currencies(before, after):
        parts = [step.amount for step in fell if step.currency == currency]
        told = sum(parts)
        lines.append(("added up", f"{amount(told, currency)} in {len(parts)} steps ✓"))
    return lines


def _why(step: Step) -> str:
    if step.event is None:
        return PASSED
    return f"#{step.event.position:,}  {sentence(step.event.event)}"


def _said(told: Standing) -> str:
    if told.currency is None:
        return "nothing: there is no subscription"
    return amount(told.total, told.currency)


def _total(told: Standing, currency: str) -> int:
    return told.total if told.currency == currency else 0


def _step(step: Step) -> dict[str, Any]:
    common = {
        "at": step.at,
        "currency": step.currency,
        "change": step.amount,
        "total": step.total,
    }
    if step.event is None:
        return common | {"cause": "date", "position": None, "event": None, "what": PASSED}
    line = event_line(step.event)
    return common | {
        "cause": line.get("type") or line["topic"],
        "position": step.event.position,
        "event": line["id"],
        "by": author(step.event.event),
        "what": sentence(step.event.event),
    }


def _fields(before: object, after: object, path: str = "") -> Iterator[Record]:
    """Yield each field that differs; an object that is on one side alone is one field."""
    ours, theirs = parts(before), parts(after)
    if ours is None or theirs is None:
        if before != after:
            yield {"field": path, "before": before, "after": after}
        return
    for name in [*theirs, *(name for name in ours if name not in theirs)]:
        yield from _fields(ours.get(name), theirs.get(name), f"{path}{name}".lstrip("."))
