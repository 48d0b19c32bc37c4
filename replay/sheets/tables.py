"""What is exported as a table: its columns, each of one type, and its rows in pages.

    events     a row of the log, without its body
    accounts   an account now        invoices, lines     what it was billed
    seats      a change of its seats        payments     its charges and intents

Times are instants in UTC, amounts whole minor units beside a column ``currency``.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import attrs

from projections.api.questions import Question
from replay.everyone import Asking, everyone
from replay.ledgers import Connection, state
from replay.past.log_then import then
from replay.report.progress import Tick
from replay.sheets.accounts import ACCOUNTS, INVOICES, LINES, PAYMENTS, SEATS, AccountSheet
from replay.sheets.fields import Field, Kind, Page

PAGE_ROWS: Final = 10_000
EVENT_FIELDS: Final = (
    Field("position", Kind.NUMBER),
    Field("recorded_at", Kind.TIME),
    Field("occurred_at", Kind.TIME),
    Field("topic", Kind.TEXT),
    Field("source", Kind.TEXT),
    Field("stripe_type", Kind.TEXT),
    Field("account", Kind.TEXT),
    Field("object_id", Kind.TEXT),
    Field("event_id", Kind.TEXT, "originator_id"),
    Field("event_version", Kind.NUMBER, "originator_version"),
    Field("api_version", Kind.TEXT),
    Field("livemode", Kind.FLAG),
    Field("stripe_account", Kind.TEXT),
    Field("endpoint", Kind.TEXT),
    Field("signed_at", Kind.TIME),
    Field("verdict", Kind.TEXT),
    Field("stored_bytes", Kind.NUMBER, "length(body)"),
    Field("hash", Kind.TEXT, "encode(hash, 'hex')"),
)
EVENTS_PAGE: Final = f"""
SELECT {", ".join(field.source for field in EVENT_FIELDS)}
  FROM ledger.log
 WHERE position > %s AND position <= %s
 ORDER BY position
"""  # noqa: S608, names of this module


class What(enum.StrEnum):
    """What can be exported as a table."""

    EVENTS = "events"
    ACCOUNTS = "accounts"
    INVOICES = "invoices"
    LINES = "lines"
    SEATS = "seats"
    PAYMENTS = "payments"


@attrs.frozen
class Sheet:
    """A table: its columns, and what yields its rows."""

    fields: Sequence[Field]
    pages: Callable[[str, Connection, Tick], Iterator[Page]]


def _events(_conninfo: str, connection: Connection, tick: Tick) -> Iterator[Page]:
    head = state(connection)[0].position
    cursor = connection.cursor(binary=True)
    for after in range(0, head, PAGE_ROWS):
        cursor.execute(EVENTS_PAGE, (after, min(after + PAGE_ROWS, head)))
        yield cursor.fetchall()
        tick(min(after + PAGE_ROWS, head), head)


def _of_accounts(
    sheet: AccountSheet,
) -> Callable[[str, Connection, Tick], Iterator[Page]]:
    """Return what yields the rows of *sheet*, account by account."""

    def pages(conninfo: str, connection: Connection, tick: Tick) -> Iterator[Page]:
        head, _ = state(connection)
        now = then(connection, head, Question(as_of=None, known_at=None))
        asking: Asking[Page] = Asking(ask=sheet.rows, kept=True)
        page: list[tuple[Any, ...]] = []
        for (rows,) in everyone(conninfo, [now], tick, asking):
            page += rows or ()
            if len(page) >= PAGE_ROWS:
                yield page
                page = []
        yield page

    return pages


SHEETS: Final[dict[What, Sheet]] = {
    What.EVENTS: Sheet(EVENT_FIELDS, _events),
    What.ACCOUNTS: Sheet(ACCOUNTS.fields, _of_accounts(ACCOUNTS)),
    What.INVOICES: Sheet(INVOICES.fields, _of_accounts(INVOICES)),
    What.LINES: Sheet(LINES.fields, _of_accounts(LINES)),
    What.SEATS: Sheet(SEATS.fields, _of_accounts(SEATS)),
    What.PAYMENTS: Sheet(PAYMENTS.fields, _of_accounts(PAYMENTS)),
}
