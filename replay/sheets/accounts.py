"""What an account gives to each exported table."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, Final

import attrs

from projections.account import Account
from projections.answer import Billing, answer
from projections.objects import Invoice
from projections.payment_objects import Payment
from projections.seating.history import steps
from replay.everyones_invoices import invoices_of
from replay.sheets.fields import Field, Kind, Page, fields

NUMBER, TEXT, TIME, FLAG = Kind.NUMBER, Kind.TEXT, Kind.TIME, Kind.FLAG
Row = tuple[Any, ...]


@attrs.frozen
class AccountSheet:
    """The columns of a table, and the rows that one account has in it."""

    fields: tuple[Field, ...]
    told: Callable[[Account, datetime], Iterator[Row]]

    def rows(self, account: Account, now: datetime) -> Page:
        """Return the rows of *account*."""
        return list(self.told(account, now))


def _account(account: Account, now: datetime) -> Iterator[Row]:
    told = answer(account, now)
    primary, total, seats = told.primary, told.period_total, told.seats
    shown = primary.subscription if primary else None
    charge = told.next_charge
    yield (
        told.linked.account,
        told.linked.product if told.linked.customer else None,
        told.status,
        str(told.access.level),
        primary.id if primary else None,
        told.plan,
        shown.created if shown else None,
        shown.canceled_at if shown else None,
        shown.ended_at if shown else None,
        *((total.period.start, total.period.end) if total else (None, None)),
        *_totals(told),
        *((charge.at, charge.amount) if charge else (None, None)),
        *(
            (seats.included, seats.active, seats.billed, seats.stripe_quantity)
            if seats
            else (None,) * 4
        ),
    )


def _totals(told: Billing) -> Row:
    total, primary = told.period_total, told.primary
    if total is None:
        currency = primary.subscription.currency if primary else None
        return (currency, *(None,) * 7)
    return (
        total.currency,
        total.base,
        total.seats,
        total.other,
        total.discount,
        total.tax,
        total.total,
        total.estimate,
    )


ACCOUNTS: Final = AccountSheet(
    fields(
        account=TEXT,
        linked_account=TEXT,
        status=TEXT,
        access=TEXT,
        subscription=TEXT,
        plan=TEXT,
        subscribed_at=TIME,
        canceled_at=TIME,
        ended_at=TIME,
        period_start=TIME,
        period_end=TIME,
        currency=TEXT,
        base=NUMBER,
        seats=NUMBER,
        other=NUMBER,
        discount=NUMBER,
        tax=NUMBER,
        total=NUMBER,
        estimate=FLAG,
        next_charge_at=TIME,
        next_charge=NUMBER,
        seats_included=NUMBER,
        seats_active=NUMBER,
        seats_billed=NUMBER,
        seats_stripe=NUMBER,
    ),
    _account,
)


def _invoices(account: Account, now: datetime) -> Iterator[Row]:
    for each in invoices_of(account, now):
        shown, billed = each.billed.invoice, each.billed
        yield (
            each.account,
            each.id,
            shown.number,
            shown.subscription,
            shown.status,
            billed.date,
            shown.finalized_at,
            shown.due_date,
            shown.paid_at,
            shown.voided_at,
            shown.currency,
            shown.subtotal,
            shown.tax,
            shown.total,
            shown.amount_due,
            shown.amount_paid,
            each.remaining,
            billed.credited,
            billed.refunded,
            shown.billing_reason,
            shown.collection_method,
            shown.attempt_count,
        )


INVOICES: Final = AccountSheet(
    fields(
        account=TEXT,
        invoice=TEXT,
        number=TEXT,
        subscription=TEXT,
        status=TEXT,
        date=TIME,
        finalized_at=TIME,
        due_date=TIME,
        paid_at=TIME,
        voided_at=TIME,
        currency=TEXT,
        subtotal=NUMBER,
        tax=NUMBER,
        total=NUMBER,
        amount_due=NUMBER,
        amount_paid=NUMBER,
        amount_remaining=NUMBER,
        credited=NUMBER,
        refunded=NUMBER,
        billing_reason=TEXT,
        collection_method=TEXT,
        attempts=NUMBER,
    ),
    _invoices,
)


def _lines(account: Account, now: datetime) -> Iterator[Row]:
    for each in invoices_of(account, now):
        yield from _lines_of(each.account, each.id, each.billed.invoice)


def _lines_of(account: str, name: str, invoice: Invoice) -> Iterator[Row]:
    for line in invoice.lines or ():
        yield (
            account,
            name,
            line.id,
            line.description,
            line.price,
            line.product,
            line.subscription,
            line.item,
            line.quantity,
            line.unit_amount,
            line.start,
            line.end,
            line.proration,
            invoice.currency,
            line.amount,
            sum(taken.amount for taken in line.taken),
            sum(tax.amount for tax in line.taxes if not tax.inclusive),
            sum(tax.amount for tax in line.taxes if tax.inclusive),
        )


LINES: Final = AccountSheet(
    fields(
        account=TEXT,
        invoice=TEXT,
        line=TEXT,
        description=TEXT,
        price=TEXT,
        product=TEXT,
        subscription=TEXT,
        item=TEXT,
        quantity=NUMBER,
        unit_amount_decimal=TEXT,
        start=TIME,
        end=TIME,
        proration=FLAG,
        currency=TEXT,
        amount=NUMBER,
        discount=NUMBER,
        tax=NUMBER,
        tax_included=NUMBER,
    ),
    _lines,
)


def _seats(account: Account, now: datetime) -> Iterator[Row]:
    for step in steps(account.registers, now):
        yield (
            account.linked.account,
            step.at,
            str(step.change),
            step.user,
            step.by,
            step.delta,
            step.active,
            step.position,
        )


SEATS: Final = AccountSheet(
    fields(
        account=TEXT,
        at=TIME,
        change=TEXT,
        user=TEXT,
        by=TEXT,
        delta=NUMBER,
        active=NUMBER,
        position=NUMBER,
    ),
    _seats,
)


def _payments(account: Account, _now: datetime) -> Iterator[Row]:
    for name, current in account.currents(account.payments).items():
        shown: Payment = current.value
        yield (
            account.linked.account,
            name,
            shown.kind,
            shown.status,
            shown.created,
            shown.currency,
            shown.amount,
            shown.refunded,
            shown.invoice,
            shown.payment_intent,
            shown.charge,
            shown.payment_method,
            shown.method_type,
            shown.code,
            shown.decline_code,
        )


PAYMENTS: Final = AccountSheet(
    fields(
        account=TEXT,
        payment=TEXT,
        kind=TEXT,
        status=TEXT,
        created=TIME,
        currency=TEXT,
        amount=NUMBER,
        refunded=NUMBER,
        invoice=TEXT,
        payment_intent=TEXT,
        charge=TEXT,
        payment_method=TEXT,
        method_type=TEXT,
        failure_code=TEXT,
        decline_code=TEXT,
    ),
    _payments,
)
