"""Show what differs between two moments, and why the total does.

    bl diff cus_JT01 2026-10-01 2026-11-01       what was true then, and then
    bl diff cus_JT01 '#36000' '#48213'           what was known then, and then
    bl diff --all 2026-10-01 2026-11-01
    bl diff --all 2026-10-01 2026-11-01 -O csv -o october.csv

For one account: every field that differs, as bl show -O json has it, and a waterfall of the
total: each event between, and each date that passed, with what it changed. For all: the
accounts whose status, access, plan, seats, dunning stage or total differ, with the causes
(new, returned, status, plan, seats, coupon, other, tax, currency, ended), and the sums by
currency. What an account costs is the total of the period that its subscription is in; 0
once that has ended. All of it is added up again before it is printed. --known-at asks two
times of an earlier state of knowledge. Exit 1 if anything differs, 0 if not.
"""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from ledger.clock import utc_now
from projections.api.questions import Question
from replay.arguments.moments import earlier
from replay.arguments.options import Asking, UsageError
from replay.arguments.subjects import position_of
from replay.asking import question
from replay.ledgers import connected, database
from replay.past.account_diff import account_diff
from replay.past.accounts_diff import accounts_diff
from replay.report.output import write
from replay.report.progress import progress

_PAIR = 2


def run(
    *of: Annotated[str, Parameter(help="SUBJECT T1 T2, or with --all T1 T2.")],
    all_: Annotated[
        bool, Parameter(name="--all", negative="", help="Compare all accounts.")
    ] = False,
    options: Asking | None = None,
) -> int:
    """Show what differs between two moments."""
    options = options or Asking()
    if len(of) != _PAIR + (not all_):
        raise UsageError("give SUBJECT T1 T2, or --all T1 T2")
    questions = _questions(of[-2], of[-1], options)
    with database() as conninfo, connected(conninfo) as connection:
        if not all_:
            report, differs = account_diff(conninfo, connection, of[0], questions)
            write(report, options)
            return int(differs)
        with progress("diff", options.progress) as tick:
            found = accounts_diff(conninfo, connection, questions, tick)
            write(found.report(), options)
        return int(found.differs)


def _questions(first: str, second: str, options: Asking) -> tuple[Question, Question]:
    """Return what is asked of both moments.

    Raises:
        UsageError: They are no two times and no two positions, or in the wrong order.
    """
    if options.as_of is not None:
        raise UsageError("diff takes its moments as T1 and T2, not with --as-of")
    positions = [position_of(each) if "#" in each else None for each in (first, second)]
    if None not in positions:
        if options.known_at is not None:
            raise UsageError("positions are what was known then: leave out --known-at")
        before, after = (each or 0 for each in positions)
        if not 0 < before <= after:
            raise UsageError(f"{first} is not before {second}, or no position of the log")
        return Question(as_of=None, known_at=before), Question(as_of=None, known_at=after)
    if positions != [None, None]:
        raise UsageError(f"{first} and {second} are no two times and no two positions")
    now = utc_now()
    known_at = question(options).known_at
    start, end = earlier(first, now), earlier(second, now)
    if start > end:
        raise UsageError(f"{first} is after {second}")
    return Question(as_of=start, known_at=known_at), Question(as_of=end, known_at=known_at)
