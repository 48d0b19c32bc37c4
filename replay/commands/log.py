"""List what stands in the log, oldest first.

    bl log                                  everything
    bl log cus_JT01                         what concerns an account
    bl log sub_1QaB --type 'customer.*'     one object, some types
    bl log --since 2h --limit 50            the newest fifty of two hours
    bl log cus_JT01 --as-of 2026-11-01      what had happened by then
    bl log --known-at 2026-11-03            what the log had taken by then
    bl log --follow                         and go on as it grows, until Ctrl-C

SUBJECT is an account (cus_… or the product's own id), an object's id (sub_…, in_…), an
event's id (evt_…) or a position (#48213); exit 4 if nothing was ever told of it. --since
is about when the log took an event, the column "recorded"; "occurred" is by the clock of
whoever saw it happen.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import chain, islice
from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from ledger.clock import utc_now
from ledger.errors import NotFoundError
from ledger.log import Head
from replay.arguments.moments import earlier
from replay.arguments.options import Asking, Format, UsageError
from replay.arguments.subjects import owners, span_of, streams
from replay.entries import Entry, Wanted, before_newest, entries, is_told
from replay.following import new_positions
from replay.ledgers import Connection, reading, state
from replay.report.output import write
from replay.report.report import Column, Report
from replay.report.stamping import stamp_of

# No log has more entries, and a database counts no further.
LIMIT_MAX = 10**18 - 1
COLUMNS = (
    Column("position", "#", fixed=True),
    Column("recorded_at", "recorded", fixed=True, spare=3),
    Column("occurred_at", "occurred", fixed=True),
    Column("account", "account", usual=18),
    Column("type", "type", usual=29),
    Column("object_id", "object", usual=28, spare=4),
    Column("event_id", "event", usual=28, spare=2),
    Column("verdict", "verdict", fixed=True, spare=1),
    Column("source", ""),
    Column("topic", ""),
    Column("api_version", ""),
    Column("livemode", ""),
    Column("stripe_account", ""),
    Column("version", ""),
    Column("stored_bytes", ""),
)


def run(
    subject: str | None = None,
    /,
    *,
    type: Annotated[str | None, Parameter(name="--type")] = None,  # noqa: A002, as spelled
    since: str | None = None,
    follow: Annotated[bool, Parameter(negative="")] = False,
    limit: Annotated[int | None, Parameter(validator=Number(gte=1, lte=LIMIT_MAX))] = None,
    options: Asking | None = None,
) -> int:
    """List events.

    Args:
        subject: An account, an object, an event or a position.
        type: Stripe's type or our topic; * stands for anything.
        since: 2026-11-01, 2026-11-01T09:30:00Z, 12h or 30d.
        follow: Go on as the log grows.
        limit: Only the newest so many.
    """
    options = options or Asking()
    if follow and options.chosen not in {Format.TABLE, Format.JSONL}:
        raise UsageError("--follow writes a table or jsonl: no other form can be endless")
    is_past = options.as_of is not None or options.known_at is not None
    if follow and is_past:
        raise UsageError("--follow shows what comes: leave out --as-of and --known-at")
    since_at = None if since is None else earlier(since, utc_now())
    with reading() as connection:
        head, _ = state(connection)
        known, by = _then(connection, head, options) if is_past else (head.position, None)
        subjects, after, until = _where(connection, subject, known)
        of = None if subjects is None or subject is None else owners(connection, subject)
        wanted = Wanted(subjects=subjects, owners=of, type=type, since=since_at, by=by)
        if limit is not None:
            after = max(after, before_newest(connection, wanted, limit, until))
        found = entries(connection, wanted, after=after, until=until)
        first = [*islice(found, 1)]
        if subject is not None and not (first or follow or _is_told(connection, subjects)):
            raise NotFoundError(f"the log knows nothing of {subject}; see bl log")
        found = chain(first, found)
        report = Report(
            columns=COLUMNS,
            records=map(_record, _followed(connection, wanted, found, until, follow)),
            stamp=stamp_of(connection),
            live=follow,
        )
        write(report, options)
    return 0


def _where(
    connection: Connection, subject: str | None, head: int
) -> tuple[list[str] | None, int, int]:
    """Return which subjects, and in which positions (after, until], to look."""
    if subject is None:
        return None, 0, head
    span = span_of(connection, subject)
    if span is not None:
        return None, span[0], min(span[1], head)
    return streams(connection, subject), 0, head


def _then(
    connection: Connection, head: Head, options: Asking
) -> tuple[int, datetime | None]:
    """Return up to where the log was known, and by when what counts had happened."""
    # Imported here: what asks about the past costs time that a plain list does without.
    from replay.asking import question  # noqa: PLC0415
    from replay.past.log_then import then  # noqa: PLC0415

    asked = then(connection, head, question(options))
    return asked.head.position, asked.moment


def _is_told(connection: Connection, subjects: list[str] | None) -> bool:
    """Tell whether what was left out is all that is said of *subjects*."""
    return subjects is not None and is_told(connection, subjects)


def _followed(
    connection: Connection,
    wanted: Wanted,
    found: Iterator[Entry],
    until: int,
    follow: bool,  # noqa: FBT001, private
) -> Iterator[Entry]:
    yield from found
    if not follow:
        return
    for head in new_positions(connection, until):
        yield from entries(connection, wanted, after=until, until=head)
        until = head


def _record(entry: Entry) -> Entry:
    return {
        **entry,
        "type": entry["stripe_type"] or entry["topic"],
        "event_id": entry["originator_id"],
        "version": entry["originator_version"],
    }
