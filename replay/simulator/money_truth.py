"""What is true of an account's money: every invoice, and what the current period costs."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

from replay.simulator.account import Account
from replay.simulator.books import Books, Entry
from replay.simulator.invoices import InvoiceStatus
from replay.simulator.lines import Line
from replay.simulator.occurrences import InvoiceExpectation, PeriodExpectation
from replay.simulator.subscriptions import Subscription


def invoices(books: Books) -> dict[str, InvoiceExpectation]:
    """Return what is true of every invoice, in the order they were made."""
    return {invoice_id: _invoice(entry) for invoice_id, entry in books.entries.items()}


def period(account: Account, held: Subscription) -> PeriodExpectation:
    """Return what the subscription's latest period was billed."""
    billed = [
        each
        for each in account.books.periods.get(held.subscription_id, [])
        if each.status is not InvoiceStatus.VOID
    ]
    sums: Counter[str] = Counter()
    for line in (line for each in billed for line in each.lines):
        sums[_kind(line, held)] += line.amount
        sums["discount"] += line.amount - line.net
        sums["tax"] += line.tax_beside
    waiting = [
        each.amount
        for each in account.waiting
        if each.subscription_id == held.subscription_id
    ]
    return PeriodExpectation(
        start=datetime.fromtimestamp(held.period_start, tz=UTC),
        base=sums["base"],
        seats=sums["seats"],
        other=sums["other"],
        discount=sums["discount"],
        tax=sums["tax"],
        total=sum(each.total for each in billed),
        invoices=tuple(each.invoice_id for each in billed),
        pending=sum(waiting),
    )


def _kind(line: Line, held: Subscription) -> str:
    """Return what a line is for; the seat item is the last, and a tiered one is seats."""
    if line.item_id is None or not held.plan.counts_seats:
        return "other"
    return "seats" if line.item_id == held.seats.item_id else "base"


def _invoice(entry: Entry) -> InvoiceExpectation:
    return InvoiceExpectation(
        subscription=entry.subscription_id,
        billing_reason=entry.billing_reason,
        status=entry.status,
        total=entry.total,
        amount_due=entry.amount_due,
        amount_paid=entry.amount_paid,
        amount_remaining=entry.amount_remaining,
        credited=entry.credited,
        refunded=entry.refunded,
        attempts=entry.attempts,
        first_failed_at=_utc(entry.failed_first),
        recovered_at=_utc(entry.recovered_at),
    )


def _utc(at: int | None) -> datetime | None:
    return None if at is None else datetime.fromtimestamp(at, tz=UTC)
