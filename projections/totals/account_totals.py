"""What an account's primary subscription costs: in this period, in any other, and next."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from typing import Final

import attrs
import msgspec

from projections.account import Account
from projections.history import Current
from projections.marks import Mark, Sold
from projections.objects import Customer, Subscription
from projections.seating.figures import SeatFigures, Source
from projections.seating.history import Level, levels
from projections.shadow.shadow_invoice import Shadow, shadows
from projections.status.access import ends
from projections.status.periods import RENEWING
from projections.status.renewals import Period
from projections.status.scheduled import Kind, Scheduled
from projections.status.standings import Listed
from projections.totals import service_periods
from projections.totals.books import Books
from projections.totals.estimates import PRICE_UNKNOWN, pending
from projections.totals.period_lines import PeriodLine
from projections.totals.period_total import PeriodTotal, period_total
from projections.totals.roles import Roles

# Stripe leaves the invoices of an unpaid subscription as drafts, and collects none.
CHARGED: Final = RENEWING - {"unpaid"}


@attrs.frozen(kw_only=True)
class NextCharge:
    """What will be charged when the period ends, as far as is known.

    Attributes:
        amount: The next period, what waits to be invoiced, and the customer's balance.
        preview: The next period by itself.
        waiting: What waits to be invoiced with it, of earlier periods.
        balance: The customer's; negative is a credit.
    """

    at: datetime
    amount: int
    preview: PeriodTotal
    waiting: tuple[PeriodLine, ...] = ()
    balance: int = 0


def books_of(
    account: Account,
    listed: Listed,
    *,
    figures: SeatFigures | None,
    customer: Customer | None,
    scheduled: Sequence[Scheduled],
    now: datetime,
    known: Sequence[Level] | None = None,
) -> Books:
    """Return what the totals of the subscription *listed* are made of at *now*.

    Args:
        known: The levels of the account's seats, where they are worked out already.
    """
    heard = figures is not None and figures.source is Source.PRODUCT and listed.primary
    return Books(
        id=listed.id,
        current=listed.current,
        invoices=account.alive(account.invoices),
        items=account.alive(account.invoice_items),
        notes=account.alive(account.credit_notes),
        discounts=account.currents(account.discounts),
        stops=account.stops,
        customer=customer,
        catalogue=account.catalogue,
        levels=(known or levels(account.registers, now)) if heard else None,
        scheduled=scheduled,
        now=now,
    )


def current_total(books: Books, listed: Listed) -> PeriodTotal | None:
    """Return what the period comes to that the subscription is in, or was in last."""
    if listed.period is None:
        return None
    return period_total(books, Period(listed.period.start, listed.period.end))


def total_at(books: Books, listed: Listed, moment: datetime) -> PeriodTotal | None:
    """Return what the period comes to that *moment* falls in; None where there is none."""
    period = service_periods.at(listed, moment)
    return None if period is None else period_total(books, period)


def total_starting_on(
    books: Books | None, listed: Listed | None, charge: NextCharge | None, day: date
) -> PeriodTotal | None:
    """Return what the period comes to that starts on *day*, in UTC; also the next one."""
    if books is None or listed is None:
        return None
    if charge is not None and charge.at.date() == day:
        return charge.preview
    period = service_periods.starting_on(listed, day)
    return None if period is None else period_total(books, period)


def next_charge(
    books: Books, listed: Listed, figures: SeatFigures | None
) -> NextCharge | None:
    """Return what is charged when the period ends; None where nothing will be."""
    shown, period = listed.subscription, service_periods.next_period(listed)
    if period is None or shown.status not in CHARGED or _paused(books, period.start):
        return None
    end = ends(shown)
    if end is not None and end <= period.start:
        return None
    mark = _planned(books, period, figures if listed.primary else None)
    quiet = attrs.evolve(books, levels=None)
    preview = period_total(quiet, period, mark)
    if any(each.code == PRICE_UNKNOWN for each in preview.findings):
        return None
    roles = Roles(terms=books.terms(mark, period.start), mark=mark)
    before = Period(shown.created or listed.current.first_at, period.start)
    waiting = tuple(pending(books, before, roles))
    balance = (books.customer.balance if books.customer else None) or 0
    # One invoice has them all: its coupons and its tax are of what waits as well.
    together = period_total(quiet, period, mark, waiting) if waiting else preview
    amount = together.total + balance
    return NextCharge(
        at=period.start,
        amount=max(0, amount),
        preview=preview,
        waiting=waiting,
        balance=balance,
    )


def _planned(books: Books, period: Period, figures: SeatFigures | None) -> Mark:
    """Return what will be sold then: as scheduled, else as it is with the seats wanted."""
    last = books.current.marks[-1]
    sold = last.sold
    change = next(
        (
            each
            for each in books.scheduled
            if each.at <= period.start and each.kind in {Kind.CHANGE, Kind.QUANTITY}
        ),
        None,
    )
    if change is not None:
        ids = {each.price: each.item for each in sold}
        products = {each.price: each.product for each in sold}
        sold = tuple(
            Sold(
                item=ids.get(each.price) or f"planned:{each.price}",
                price=each.price,
                product=products.get(each.price),
                quantity=each.quantity,
            )
            for each in change.items
        )
    mark = msgspec.structs.replace(
        last, at=period.start, sold=sold, period_start=period.start, period_end=period.end
    )
    wanted = None if figures is None or change is not None else figures.wanted
    if wanted is None or figures is None or figures.source is not Source.PRODUCT:
        return mark
    seat = books.terms(mark, period.start).seat
    resold = tuple(
        msgspec.structs.replace(each, quantity=wanted) if each.item == seat else each
        for each in sold
    )
    return msgspec.structs.replace(mark, sold=resold)


def _paused(books: Books, moment: datetime) -> bool:
    shown = books.subscription
    if shown.pause_behavior is None:
        return False
    return shown.pause_resumes_at is None or shown.pause_resumes_at > moment


def books_of_all(
    account: Account,
    subscriptions: Iterable[Listed],
    *,
    figures: SeatFigures | None,
    customer: Customer | None,
    now: datetime,
) -> Iterator[Books]:
    """Yield what the totals of each of *subscriptions* are made of."""
    for each in subscriptions:
        yield books_of(
            account, each, figures=figures, customer=customer, scheduled=(), now=now
        )


def shadows_of(account: Account, books: Iterable[Books], now: datetime) -> list[Shadow]:
    """Return every finalized invoice of *account* as we would have billed it.

    Args:
        books: Of each of its subscriptions; other invoices stand by themselves.
    """
    found: list[Shadow] = []
    seen: set[str] = set()
    for each in books:
        found += shadows(each, each.own)
        seen |= {name for name, _ in each.own}
    loose = Books(
        id="",
        current=Current(value=_NO_SUBSCRIPTION, first_at=now, since=now, position=0),
        invoices=account.alive(account.invoices),
        discounts=account.currents(account.discounts),
        stops=account.stops,
        customer=next(
            (each.value for each in account.alive(account.customers).values()), None
        ),
        catalogue=account.catalogue,
        now=now,
    )
    rest = [(name, each) for name, each in loose.invoices.items() if name not in seen]
    return [*found, *shadows(loose, rest)]


_NO_SUBSCRIPTION: Final = Subscription(status="")
