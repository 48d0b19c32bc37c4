"""The invoices of every account, or of one, as they are or were at a moment."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

import attrs

from ledger.clock import utc_now
from projections.account import Account
from projections.answer import unpaid
from projections.billed import Billed, billed
from projections.models.credit_notes import CREDIT_NOTES
from projections.models.invoices import INVOICES
from projections.models.payments import PAYMENTS
from projections.models.subscriptions import SUBSCRIPTIONS
from replay.arguments.options import Asking as Options
from replay.asking import need, question
from replay.everyone import Asking, everyone, need_versions
from replay.ledgers import Connection, state
from replay.past.log_then import Then, then
from replay.report.progress import progress

FINAL: Final = frozenset({"open", "paid", "uncollectible"})


@attrs.frozen(kw_only=True)
class Invoiced:
    """One invoice of an account."""

    account: str
    billed: Billed

    @property
    def id(self) -> str:
        """The invoice's id."""
        return self.billed.id

    @property
    def at(self) -> datetime:
        """When it was finalized, which is when it counts; a draft when it was made."""
        return self.billed.invoice.finalized_at or self.billed.date

    @property
    def currency(self) -> str:
        """What its amounts are in; empty where Stripe does not say."""
        return self.billed.invoice.currency or ""

    @property
    def remaining(self) -> int:
        """What is still to be paid, in minor units."""
        invoice = self.billed.invoice
        if invoice.amount_remaining is not None:
            return invoice.amount_remaining
        return (invoice.amount_due or 0) - (invoice.amount_paid or 0)


def invoices_of(account: Account, _now: datetime) -> tuple[Invoiced, ...]:
    """Return the invoices of *account*, newest first."""
    owed = unpaid(account)
    notes = account.currents(account.credit_notes)
    return tuple(
        Invoiced(account=account.linked.account, billed=each)
        for each in billed(owed.invoices, owed.paying, notes)
    )


_ASKED: Final = (INVOICES, CREDIT_NOTES, PAYMENTS, SUBSCRIPTIONS)


@attrs.frozen(kw_only=True)
class Books:
    """The invoices at the moment that was asked about, read as they are told."""

    moment: Then
    conninfo: str
    subject: str | None
    options: Options

    @property
    def now(self) -> datetime:
        """The moment at which dates are evaluated."""
        return self.moment.now

    def invoices(self) -> Iterator[Invoiced]:
        """Yield them by account, newest first.

        Raises:
            NotFoundError: Nothing is known of the account asked for.
        """
        if self.subject is not None:
            found = need(self.conninfo, self.subject, question(self.options))
            yield from invoices_of(found.view.account, self.now)
            return
        options = self.options
        is_now = options.as_of is None and options.known_at is None
        asking = Asking(ask=invoices_of, of=_ASKED, kept=is_now)
        with progress("invoices", options.progress) as tick:
            for (each,) in everyone(self.conninfo, [self.moment], tick, asking):
                yield from each or ()


def books(
    conninfo: str, connection: Connection, options: Options, subject: str | None = None
) -> Books:
    """Return the invoices as *options* ask for them.

    Raises:
        UsageError: They ask for a moment that has not come.
    """
    head, _ = state(connection)
    asked = question(options)
    moment = then(connection, head, asked)
    if asked.as_of is None and asked.known_at is None:
        need_versions(connection, _ASKED)
        moment = attrs.evolve(moment, now=max(moment.now, head.recorded_at or utc_now()))
    return Books(moment=moment, conninfo=conninfo, subject=subject, options=options)
