"""Show what becomes of invoices that were not paid, day by day.

    bl dunning cus_JT01                     each timeline, drawn
    bl dunning cus_JT01 --svg timeline.svg  the same as a drawing to pass on
    bl dunning cus_JT01 --as-of 2026-11-08  as it was then
    bl dunning --upcoming --days 14         what comes, over all accounts
    bl dunning --upcoming --as-of 2026-11-01

A cross is a failed attempt, a ring one that is to come. Day 0 is the first failure that
was told; the policy in force then says when the account is paused and canceled. A pause
that a payment learnt late shows to be wrong is marked.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Final

from cyclopts import Parameter
from cyclopts.validators import Number

from projections.dunning.drawing import drawing, lane
from projections.dunning.rendering import timelines as rendered
from projections.dunning.steps import steps
from projections.dunning.timelines import Timeline, timelines
from projections.dunning.wrongful import WrongfulPause
from replay.arguments.options import Asking, UsageError
from replay.asking import Asked, need, question, views
from replay.everyone_asked import UNPAID, asked_of_all, clocks, moment_asked
from replay.ledgers import connected, database
from replay.past.log_then import Then
from replay.report.drafts import opened
from replay.report.money_columns import money
from replay.report.output import write
from replay.report.report import Column, Record, Report
from replay.report.stamp import Stamp
from replay.report.stamping import stamp_of
from replay.report.style import Style
from replay.report.words import say
from replay.shown.dunning_picture import picture

UPCOMING: Final = (
    Column("due_at", "when", fixed=True),
    Column("what", "what"),
    Column("account", "account"),
    Column("invoice", "invoice", spare=1),
    money("amount_due", "due"),
    Column("currency", ""),
)
NEXT: Final = {"attempt": "next try", "pause": "pauses", "cancel": "cancels"}
WIDTH: Final = 80


def run(
    subject: str | None = None,
    /,
    *,
    svg: Path | None = None,
    upcoming: Annotated[bool, Parameter(negative="")] = False,
    days: Annotated[int, Parameter(validator=Number(gte=1, lte=3660))] = 30,
    options: Asking | None = None,
) -> int:
    """Show timelines.

    Args:
        subject: cus_…, or the product's own id.
        svg: Write them as a drawing to this file too.
        upcoming: What comes over all accounts, instead of one account.
        days: How far to look ahead, with --upcoming.
    """
    options = options or Asking()
    if (subject is None) is not upcoming:
        raise UsageError("give an account, or --upcoming for all of them")
    if upcoming and svg:
        raise UsageError("--svg draws one account; --upcoming is a table of all")
    with database() as conninfo, connected(conninfo) as connection:
        stamp = stamp_of(connection)
        if subject is None:
            moment = moment_asked(connection, options, UNPAID.of)
            write(_upcoming(conninfo, moment, days, options, stamp), options)
            return 0
        asked = need(conninfo, subject, question(options))
        told = asked.view.answer()
        wrong = asyncio.run(_wrongful(conninfo, asked)) if told.dunning else ()
        write(_report(asked, wrong, options, stamp), options)
    if svg is not None:
        lanes = [lane(each) for each in reversed(told.dunning)]
        with opened(svg) as file:
            file.write(drawing(lanes, asked.view.now))
        say(f"bl: drawn in {svg}")
    return 0


async def _wrongful(conninfo: str, asked: Asked) -> tuple[WrongfulPause, ...]:
    async with views(conninfo) as found:
        view = await found.with_wrongful(asked.view, asked.view.answer())
        return view.wrongful


def _report(
    asked: Asked,
    wrong: tuple[WrongfulPause, ...],
    options: Asking,
    stamp: Callable[[int], Stamp],
) -> Report:
    told = asked.view.answer().dunning[::-1]
    columns = shutil.get_terminal_size().columns if options.is_terminal else WIDTH
    style = Style(zone=options.tz, width=columns)
    drawn = "\n\n".join(picture(each, style) for each in told)
    return Report(
        records_name="timelines",
        facts={
            "account": asked.view.linked.account,
            "timelines": rendered(told[::-1]),
            "wrongful_pauses": [each.body for each in wrong],
            "meta": asked.meta,
        },
        card=(
            ("", f"dunning of {asked.view.linked.account}"),
            *asked.clocks,
            *(("wrong pause", _wrong(each)) for each in wrong),
            *[("payments", "none has failed")] * (not told),
        ),
        text=drawn,
        stamp=stamp,
    )


def _wrong(pause: WrongfulPause) -> str:
    return (
        f"{pause.invoice} was paused {pause.paused_at:%Y-%m-%d %H:%M}, though ended by "
        f"{pause.ended_at:%Y-%m-%d %H:%M}; learnt {pause.learnt_at:%Y-%m-%d %H:%M} UTC"
    )


def _upcoming(
    conninfo: str,
    moment: Then,
    days: int,
    options: Asking,
    stamp: Callable[[int], Stamp],
) -> Report:
    now = moment.now
    until = now + timedelta(days=days)
    found: list[dict[str, Any]] = []
    total = 0
    told_of = asked_of_all(conninfo, moment, options, UNPAID, "upcoming")
    for account, unpaid in told_of:
        total += 1
        for told in timelines(unpaid, now):
            coming = _coming(account, told)
            found += (each for each in coming if now <= each["due_at"] <= until)
    found.sort(key=lambda each: (each["due_at"], each["account"], each["invoice"]))
    return Report(
        columns=UPCOMING,
        records=found,
        records_name="upcoming",
        facts={"as_of": now, "days": days, "accounts": total},
        card=(
            ("", f"what comes in {days} days"),
            *clocks(moment, options),
            ("steps", len(found)),
        ),
        stamp=stamp,
    )


def _coming(account: str, told: Timeline) -> Iterator[dict[str, Any]]:
    if not told.open:
        return
    for step in steps(told):
        if step.happened_at is None:
            record: Record = {
                "due_at": step.due_at,
                "what": NEXT[step.kind],
                "account": account,
                "invoice": told.invoice,
                "amount_due": told.shown.amount_due,
                "currency": told.shown.currency,
            }
            yield dict(record)
