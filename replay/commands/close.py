"""Seal the figures of a month, so that they can be made again byte for byte.

    bl close 2026-05 --dry-run
    bl close 2026-05 --yes
    bl close 2026-05 --check
    bl close 2026-05 --adjustments

The month begins and ends in LEDGER_BOOK_ZONE. Its invoices, credit notes, payments,
refunds and disputes, the receivables at its end and the movements of recurring revenue
are taken as known at the end of the log; their digest is appended (month_closed) and holds
for ever. --check makes them again from the same events and exits 3 if anything differs.
What is learnt of a closed month later changes no seal: it is told by --adjustments, and by
the next month that is closed. A month that has not ended is not closed, nor one twice with
other figures. Beside the figures stands when all was last compared with what Stripe has,
and whether anything differed then.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

import attrs
from cyclopts import Parameter

from ledger.book_months import BookMonth, BookMonthError
from ledger.clock import utc_now
from ledger.closings import MonthClosed, closing_command
from ledger.errors import IntegrityFailureError, NotFoundError
from ledger.settings import load
from projections.accounting.closing import (
    Adjustment,
    Figures,
    adjustment_document,
    digest,
    totals,
)
from projections.amounts import amount
from projections.models.checks import CHECKS
from replay.arguments.options import Reporting, UsageError
from replay.decisions import DECLINED, require_names
from replay.ledgers import Connection, connected, database, state
from replay.models import read_models
from replay.pack.closing import Closing, append, closings, figures_at, hash_at, learnt_since
from replay.report.amount_columns import amounts
from replay.report.output import write
from replay.report.progress import progress
from replay.report.report import Column, Report
from replay.report.stamp import Stamp, program_version
from replay.report.stamping import stamp_of
from replay.report.words import say
from replay.stripe_runs import last_runs

INTEGRITY: Final = 3
BOOKS: Final = (
    Column("account", "account of the books"),
    Column("currency", "in", fixed=True),
    amounts("opening", spare=1),
    amounts("change", "in the month"),
    amounts("closing"),
)
LEARNT: Final = (
    Column("month", "month", fixed=True),
    Column("day", "day", fixed=True),
    Column("kind", "what", fixed=True),
    Column("id", "object"),
    Column("account", "account", spare=2),
    Column("change", "changes"),
    Column("currency", ""),
    Column("was", ""),
    Column("now", ""),
)


def run(
    month: str,
    /,
    *,
    check: Annotated[bool, Parameter(negative="")] = False,
    adjustments: Annotated[bool, Parameter(negative="")] = False,
    dry_run: Annotated[bool, Parameter(negative="")] = False,
    actor: str | None = None,
    options: Reporting | None = None,
) -> int:
    """Close a month.

    Args:
        month: Such as 2026-05.
        check: Make the sealed figures again and compare.
        adjustments: Show what was learnt of the month since it was closed.
        dry_run: Show the figures and append nothing.
        actor: Who closes it, by the name the product knows.
    """
    options = options or Reporting()
    if check + adjustments + dry_run > 1:
        raise UsageError("give one of --check, --adjustments and --dry-run")
    require_names(actor)
    try:
        asked = BookMonth.parse(month)
    except BookMonthError as error:
        raise UsageError(str(error)) from None
    with database() as conninfo, connected(conninfo) as connection:
        state(connection)
        known = closings(conninfo)
        done = next((each for each in known if each.month == asked), None)
        work = _Work(conninfo, connection, known, options)
        if check or adjustments:
            if done is None:
                raise NotFoundError(f"{asked} is not closed; bl close {asked} closes it")
            return work.check(done) if check else work.adjustments(done)
        return work.close(asked, done, actor, dry_run=dry_run)


class _Work:
    """What the three ways to use the command have in common."""

    def __init__(
        self,
        conninfo: str,
        connection: Connection,
        known: Sequence[Closing],
        options: Reporting,
    ) -> None:
        self._conninfo = conninfo
        self._connection = connection
        self._known = known
        self._options = options

    def close(
        self, month: BookMonth, done: Closing | None, actor: str | None, *, dry_run: bool
    ) -> int:
        """Close *month*, or find that it is closed with the same figures."""
        zone = load().book_zone if done is None else done.zone
        if month.end(zone) > utc_now():
            raise UsageError(f"{month} has not ended in {zone}; close it when it has")
        head, _ = state(self._connection)
        position = head.position
        if done is not None and not dry_run:
            return self._again(done, position)
        document = self._figures(month, zone, position, self._known).document()
        sealed = digest(document)
        if dry_run:
            facts: dict[str, Any] = {"ok": True, "closed": False, "position": position}
            self._write(document, facts, f"{month} would be sealed as {sealed}")
            return 0
        if not _agreed(month, sealed, self._options):
            return DECLINED
        event = MonthClosed(
            command=closing_command(str(month), sealed),
            month=str(month),
            zone=str(zone),
            position=position,
            hash=head.hash.hex(),
            digest=sealed,
            totals=totals(document),
            program=program_version(),
            actor=actor,
        )
        at = append(self._conninfo, event)
        facts = {"ok": True, "closed": True, "position": position, "closed_at": at}
        self._write(document, facts, f"{month} is closed, #{at:,}, sealed as {sealed}")
        return 0

    def check(self, done: Closing) -> int:
        """Make the figures of *done* again; tell whether they are the same."""
        event = done.event
        if hash_at(self._connection, event.position) != event.hash:
            raise IntegrityFailureError(
                f"the log up to #{event.position:,} is not the one that {event.month} was "
                "closed on; run bl verify"
            )
        before = [each for each in self._known if each.position < done.position]
        found = self._figures(done.month, done.zone, event.position, before)
        document = found.document()
        same = digest(document) == event.digest
        said = f"sealed as {event.digest}, and made again as {digest(document)}"
        if not same and event.program != program_version():
            said += f"; closed by release {event.program}, made by {program_version()}"
        finding = {"code": "closing_differs", "severity": "error", "message": said}
        facts: dict[str, Any] = {
            "ok": same,
            "findings": [] if same else [finding],
            "closed_at": done.position,
            "position": event.position,
            "sealed": event.digest,
        }
        told = "is what was sealed, byte for byte" if same else said
        self._write(document, facts, f"{event.month} {told}")
        return 0 if same else INTEGRITY

    def adjustments(self, done: Closing) -> int:
        """Show what was learnt of the month of *done* since."""
        head, _ = state(self._connection)
        with progress("close", self._options.progress) as tick:
            found = learnt_since(self._conninfo, done, head.position, tick)
        report = Report(
            columns=LEARNT,
            records=[learnt(each) for each in found],
            records_name="adjustments",
            facts={"month": done.event.month, "closed_at": done.position},
            card=(("", learnt_words(done, len(found))),),
            stamp=stamp_of(self._connection),
        )
        write(report, self._options)
        return 0

    def _again(self, done: Closing, position: int) -> int:
        with progress("close", self._options.progress) as tick:
            found = learnt_since(self._conninfo, done, position, tick)
        if found:
            raise UsageError(
                f"{done.event.month} was closed at #{done.position:,} with other figures; "
                f"what was learnt since: bl close {done.event.month} --adjustments"
            )
        say(f"bl: {done.event.month} is closed since #{done.position:,}; nothing changes")
        return self.check(done)

    def _figures(
        self, month: BookMonth, zone: ZoneInfo, position: int, before: Sequence[Closing]
    ) -> Figures:
        with progress("close", self._options.progress) as tick:
            return figures_at(self._conninfo, month, zone, position, before, tick)

    def _write(self, document: Mapping[str, Any], facts: dict[str, Any], said: str) -> None:
        control = {"entries": document["entries"]["count"]}
        stamp = stamp_of(self._connection, control)
        report = figures_report(document, {"findings": [], **facts}, said, stamp)
        # A month is closed from the log alone, whether or not there are read models yet.
        if any(each.name == CHECKS.name for each in read_models(self._connection, 0)):
            runs = last_runs(self._connection)
            report = attrs.evolve(
                report,
                facts={**report.facts, **runs.facts},
                card=(*report.card, *runs.card),
            )
        write(report, self._options)


def figures_report(
    document: Mapping[str, Any],
    facts: dict[str, Any],
    said: str,
    stamp: Callable[[int], Stamp],
) -> Report:
    """Return figures as a report; *said* is its first line."""
    owed = [("receivable", _owed(each)) for each in document["receivables"]]
    return Report(
        columns=BOOKS,
        records=document["books"],
        records_name="books",
        facts={**facts, "digest": digest(document), "figures": dict(document)},
        card=(
            ("", said),
            ("zone", document["zone"]),
            ("entries", document["entries"]["count"]),
            *owed,
            ("adjustments of closed months", len(document["adjustments"])),
        ),
        stamp=stamp,
    )


def _owed(each: Mapping[str, Any]) -> str:
    owed = amount(each["amount"], each["currency"])
    return f"{owed} on {each['invoices']:,} open invoices"


def learnt_words(done: Closing, count: int) -> str:
    """Return what the report on adjustments begins with."""
    if not count:
        return f"nothing was learnt of {done.event.month} since it was closed"
    return f"learnt of {done.event.month} since it was closed at #{done.position:,}"


def learnt(adjustment: Adjustment) -> dict[str, Any]:
    """Return *adjustment* as a record."""
    told = adjustment_document(adjustment)
    shown = told["now"] or told["was"]
    return {
        "month": adjustment.month,
        **{name: shown[name] for name in ("day", "kind", "id", "account", "currency")},
        "change": ", ".join(
            f"{book} {amount(minor, shown['currency'])}"
            for book, minor in adjustment.changes.items()
        ),
        "was": told["was"],
        "now": told["now"],
    }


def _agreed(month: BookMonth, sealed: str, options: Reporting) -> bool:
    """Ask for the month to be typed; tell whether to go on."""
    if options.yes:
        return True
    if options.no_input or not sys.stdin.isatty():
        raise UsageError("this closes a month for ever; say --yes, or use a terminal")
    sys.stderr.write(f"{month} will be sealed as {sealed}.\nType the month to close it: ")
    sys.stderr.flush()
    return sys.stdin.readline().strip() == str(month)
