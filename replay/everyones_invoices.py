"""The invoices of every account, or of one, as they are or were at a moment."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

import attrs

from projections.account import Account
from projections.answer import unpaid
from projections.billed import Billed, billed
from projections.models.credit_notes import CREDIT_NOTES
from projections.models.invoices import INVOICES
from projections.models.payments import PAYMENTS
from projections.models.subscriptions import SUBSCRIPTIONS
from replay.arguments.options import Asking as Options
from replay.asking import need, question
from replay.everyone import Asking
from replay.everyone_asked import asked_of_all, moment_asked
from replay.ledgers import Connection
from replay.past.log_then import Then

FINAL: Final = frozenset({"open", "paid", "uncollectible"})
NEVER_OWED: Final = frozenset({"draft", "void"})


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
        """What is still to be paid, in minor units; 0 of a draft, or of what is void."""
        invoice = self.billed.invoice
        if invoice.status in NEVER_OWED:
            return 0
        if invoice.amount_remaining is not None:
            return invoice.amount_remaining
        return (invoice.amount_due or 0) - (invoice.amount_paid or 0)


def invoices_of(account: Account, _now: datetime) -> Sequence[Invoiced]:
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
        asking = Asking(ask=invoices_of, of=_ASKED)
        yield from asked_of_all(
            self.conninfo, self.moment, self.options, asking, "invoices"
        )


def books(
    conninfo: str, connection: Connection, options: Options, subject: str | None = None
) -> Books:
    """Return the invoices as *options* ask for them.

    Raises:
        UsageError: They ask for a moment that has not come.
    """
    moment = moment_asked(connection, options, _ASKED)
    return Books(moment=moment, conninfo=conninfo, subject=subject, options=options)
