"""Show how recurring revenue moves from month to month, and why.

    bl movements --from 2026-01 --to 2026-12
    bl movements --explain churn --month 2026-05
    bl movements --explain opening --month 2026-05 --currency usd -O csv
    bl movements --from 2026-01 --to 2026-05 --known-at 2026-06-03

What a month opened with, what came (new, expansion, reactivation), what went (contraction,
churn), and what it closed with, for each currency; JSON and CSV have minor units.
Subscriptions count while active or past due; trials and pauses come to nothing; a year is
spread over twelve months; coupons that last are taken off, those for one invoice are not.
--explain takes a cell apart into accounts and the events that moved it. Both months are
included; a month begins in LEDGER_BOOK_ZONE. All is added up once more before it is shown.
--known-at and --as-of answer from the log what was known, or true, then.
"""

from __future__ import annotations

import asyncio
import shutil
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Final

import attrs
from cyclopts import Parameter

from ledger.book_months import BookMonth, BookMonthError
from ledger.clock import utc_now
from ledger.settings import load
from projections.account import Account
from projections.accounting.movements import CELLS, Cell, Moved, Movement
from projections.accounting.recurring import Recurring, recurring
from projections.book_report import PARTS as PARTS_READ
from projections.book_report import Adding, Asked, Told, movements, rendered, spans
from projections.reading import Reader
from replay.arguments.options import Asking, Reporting, UsageError
from replay.asking import question
from replay.everyone import Asking as Everyone
from replay.everyone import everyone
from replay.ledgers import connected, database, state
from replay.past.log_then import Then, then
from replay.report.amount_columns import amounts
from replay.report.bars import bars
from replay.report.output import write
from replay.report.progress import Tick, progress
from replay.report.report import Column, Record, Report
from replay.report.stamping import stamp_of
from replay.stripe_runs import last_runs

# What gives way in a narrow terminal, the rarest first.
SPARED: Final = {"reactivation": 3, "contraction": 2, "expansion": 1}
ROWS: Final = (
    Column("month", "month", fixed=True),
    Column("currency", "in", fixed=True),
    *(amounts(str(cell), spare=SPARED.get(str(cell), 0)) for cell in CELLS),
    Column("accounts", ""),
)
PARTS: Final = (
    Column("at", "when", fixed=True),
    Column("account", "account"),
    Column("currency", "in", fixed=True),
    amounts("amount"),
    amounts("before", "was", spare=1),
    amounts("after", "is", spare=1),
    Column("subscriptions", "subscription", spare=3),
    Column("evidence", "events", words=lambda part: _events(part["evidence"])),
)
_CELLS: Final[dict[str, Cell]] = {str(cell): cell for cell in CELLS}
WIDTH: Final = 80


def run(
    *,
    first: Annotated[str | None, Parameter(name="--from")] = None,
    last: Annotated[str | None, Parameter(name="--to")] = None,
    explain: str | None = None,
    month: str | None = None,
    currency: str | None = None,
    options: Asking | None = None,
) -> int:
    """Show the movements of some months.

    Args:
        first: The first month, such as 2026-01; eleven before the last if not said.
        last: The last month; this one if not said.
        explain: Take a cell apart, such as new, churn or closing; --month names its month.
        month: The month of the cell.
        currency: Only this currency of the cell.
    """
    options = options or Asking()
    clocks = question(options)
    is_past = clocks.as_of is not None or clocks.known_at is not None
    zone, now = load().book_zone, clocks.as_of or utc_now()
    if explain is None and (month or currency):
        raise UsageError("--month and --currency say which cell to --explain")
    if explain is not None and first is not None:
        raise UsageError("a cell is of one month: name it with --month, not --from")
    if explain is not None and explain not in _CELLS:
        raise UsageError(f"there is no cell {explain!r}; there are {', '.join(_CELLS)}")
    try:
        chosen = month or last
        end = BookMonth.of(now, zone) if chosen is None else BookMonth.parse(chosen)
        start = BookMonth.parse(first) if first else end if explain else _year_before(end)
        months = spans(start, end, zone, now)
    except BookMonthError as error:
        raise UsageError(str(error)) from None
    asked = Asked(
        months=months,
        month=str(end),
        cell=None if explain is None else _CELLS[explain],
        currency=None if currency is None else currency.lower(),
    )
    with database() as conninfo, connected(conninfo) as connection:
        head, _ = state(connection)
        with progress("movements", options.progress) as tick:
            if is_past:
                told = _then(conninfo, then(connection, head, clocks), asked, tick)
            else:
                told = asyncio.run(_told(conninfo, asked, now, tick))
        report = _rows(told, options) if explain is None else _parts(told, asked)
        facts = {"zone": str(zone), "accounts": told.accounts, "unpriced": told.unpriced}
        note = before_import(
            last_runs(connection).imported_at, months[0].start if months else now
        )
        report = attrs.evolve(report, card=(*report.card, *note))
        stamp = stamp_of(connection, _totals(told, explained=explain is not None))
        write(attrs.evolve(report, facts={**facts, **report.facts}, stamp=stamp), options)
    return 0


async def _told(conninfo: str, asked: Asked, now: datetime, tick: Tick) -> Told:
    reader = Reader(conninfo, size=1)
    await reader.open()
    try:
        return await movements(reader, asked, now, tick)
    finally:
        await reader.close()


def _then(conninfo: str, moment: Then, asked: Asked, tick: Tick) -> Told:
    """Return the movements that the log told of then."""
    adding = Adding(asked)
    for (found,) in everyone(conninfo, [moment], tick, THEN):
        if found is not None and found[0] is not None:
            adding.add(found[0], found[1])
    return adding.told()


def _recurring(account: Account, now: datetime) -> tuple[str | None, Recurring]:
    return account.linked.customer, recurring(account, now)


THEN: Final = Everyone(ask=_recurring, of=PARTS_READ)


def _year_before(month: BookMonth) -> BookMonth:
    return BookMonth(month.year - 1, month.number).next


def _rows(told: Told, options: Reporting) -> Report:
    columns = shutil.get_terminal_size().columns if options.is_terminal else WIDTH
    return Report(
        columns=ROWS,
        records=[rendered(row) for row in told.rows],
        records_name="months",
        card=(
            ("", "recurring revenue a month"),
            *[("", "nothing recurs in these months")] * (not told.rows),
            *(("counted as nothing", each) for each in _unpriced(told.unpriced)),
        ),
        text=bars(told.rows, columns) if options.is_terminal else "",
    )


def before_import(imported_at: datetime | None, start: datetime) -> list[tuple[str, str]]:
    """Return what to know of months before an import; nothing from *start* on after it."""
    if imported_at is None or imported_at <= start:
        return []
    told = (
        f"changes before the import of {imported_at:%Y-%m-%d}: what was old may count as "
        "new where it was first seen"
    )
    return [("not all known", told)]


def _unpriced(prices: Sequence[str]) -> list[str]:
    """Return the line on prices that are not known, if there are any."""
    if not prices:
        return []
    count = f"{len(prices):,} price{'' if len(prices) == 1 else 's'}"
    return [f"{count} whose amounts no event tells, such as {prices[0]}; all in -O json"]


def _parts(told: Told, asked: Asked) -> Report:
    return Report(
        columns=PARTS,
        records=[_part(each) for each in told.parts],
        records_name="parts",
        facts={"month": asked.month, "cell": asked.cell},
        card=(
            ("", f"{asked.cell} of {asked.month}, account by account"),
            *[("", "nothing is in it")] * (not told.parts),
        ),
    )


def _part(part: Moved) -> Record:
    return {
        "at": part.at,
        "account": part.account,
        "amount": part.amount,
        "currency": part.currency,
        "before": part.before,
        "after": part.after,
        "subscriptions": list(part.subscriptions),
        "evidence": list(part.evidence),
    }


def _totals(told: Told, *, explained: bool) -> dict[str, int]:
    """Return sums by currency: of the parts, or of all that moved."""
    totals: Counter[str] = Counter()
    if explained:
        for part in told.parts:
            totals[part.currency] += part.amount
    else:
        for row in told.rows:
            totals[row.currency] += sum(row.amounts[kind] for kind in Movement)
    return dict(sorted(totals.items()))


def _events(positions: object) -> str:
    if not isinstance(positions, list):
        return ""
    return " ".join(f"#{each:,}" for each in positions)
