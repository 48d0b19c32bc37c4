"""Show one thing: an account, an object of Stripe, or an event with its body.

    bl show cus_JT01                        an account: status, seats, invoices
    bl show shop-17                         the same, by the product's own id
    bl show cus_JT01 --as-of 2026-11-01     what was true then
    bl show cus_JT01 --known-at '#48213'    what was known then
    bl show sub_1QaB                        an object, as last heard of
    bl show evt_1QaB                        an event, its columns and its body
    bl show '#48213'                        the event at that position

Given both, --as-of and --known-at answer what was believed then about that day. Card
numbers that somebody typed into a name or a description are cut to their last four
digits. Exit 4 if the log knows nothing of that name, 3 if an event that is shown is not
what was written.
"""

from __future__ import annotations

from ledger.errors import NotFoundError
from projections.api.questions import Question
from replay.arguments.options import Asking, UsageError
from replay.arguments.subjects import Kind, kind_of
from replay.asking import ask, question
from replay.ledgers import Connection, connected, database, state
from replay.report.output import write
from replay.report.report import Report
from replay.report.stamping import stamp_of
from replay.report.text import is_name
from replay.shown.account_portrait import account_report
from replay.shown.portraits import event_report, object_report


def run(subject: str, /, *, options: Asking | None = None) -> int:
    """Show a subject.

    Args:
        subject: cus_…, the product's id, sub_…, in_…, evt_…, or a position.
    """
    options = options or Asking()
    asked = question(options)
    if not is_name(subject):
        raise NotFoundError(f"nothing goes by the name {subject}")
    with database() as conninfo, connected(conninfo) as connection:
        state(connection)
        kind = kind_of(subject)
        report: Report | None = None
        if kind in {Kind.POSITION, Kind.EVENT}:
            report = _event(connection, subject, asked)
        if report is None and kind is Kind.OBJECT:
            report = object_report(connection, subject, stamp_of(connection), asked)
        if report is None and kind in {Kind.ACCOUNT, Kind.OBJECT}:
            report = _account(conninfo, connection, subject, options)
        if report is None and kind is Kind.ACCOUNT:
            report = object_report(connection, subject, stamp_of(connection), asked)
        if report is None:
            raise NotFoundError(f"the log knows nothing of {subject}; see bl log")
        write(report, options)
    return 0


def _event(connection: Connection, subject: str, asked: Question) -> Report | None:
    if asked.as_of is not None or asked.known_at is not None:
        raise UsageError("an event never changes; leave out --as-of and --known-at")
    return event_report(connection, subject, stamp_of(connection))


def _account(
    conninfo: str, connection: Connection, subject: str, options: Asking
) -> Report | None:
    found = ask(conninfo, subject, question(options))
    if found is None:
        return None
    return account_report(found, options.tz, stamp_of(connection))
