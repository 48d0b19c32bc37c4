"""What an account's objects say of it at one moment: one function answers everything.

Read models keep the function's input. A question about the past is the same function on
the objects as the events up to then make them, asked at that time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

import attrs
import msgspec

from projections import findings
from projections.account import Account
from projections.billed import Billed, billed
from projections.dunning import findings as dunning_findings
from projections.dunning import timelines as dunning
from projections.dunning.timelines import Timeline
from projections.findings import Finding, Severity
from projections.gap_findings import gaps_of
from projections.marks import Mark
from projections.models.links import Linked
from projections.notices import Notice, Noticed, notices
from projections.objects import Customer, TaxId
from projections.seating import figures as seat_figures
from projections.seating.figures import Demand, SeatFigures, Source
from projections.seating.history import Held, Level, held, levels
from projections.seating.terms import mark_terms, varied
from projections.shadow.shadow_invoice import findings_of, recent
from projections.status.access import Access, Badge
from projections.status.entitlement import entitled, unpaid
from projections.status.plans import plan_name
from projections.status.scheduled import Scheduled, named, scheduled
from projections.status.standings import Listed, listed
from projections.status.ways_to_pay import WayToPay, ways_to_pay
from projections.terms import Terms
from projections.totals.account_totals import (
    NextCharge,
    books_of,
    current_total,
    next_charge,
)
from projections.totals.books import Books
from projections.totals.period_total import PeriodTotal

__all__ = [
    "Account",
    "Billing",
    "Finding",
    "Listed",
    "SeatFigures",
    "Severity",
    "answer",
    "unpaid",
]


Meant = Mapping[str, Terms | None]
"""What the items of each subscription mean, by its id."""


@attrs.frozen(kw_only=True)
class Billing:
    """Everything known of an account at one moment.

    Attributes:
        subscriptions: Best first; the first is the primary one.
        held: Who holds a seat, as far as the product has told.
        customer: None once it was deleted, too: there is nobody left to write to.
        scheduled: What is to change of the primary subscription.
        invoices: Newest first.
        period_total: Of the primary subscription's period, or its last one.
        books: What any other period of it is made of.
        dunning: The timeline of each invoice that ever failed, the oldest first.
        notices: What is due to be told, newest first.
    """

    linked: Linked
    now: datetime
    status: str
    badge: Badge | None
    access: Access
    subscriptions: tuple[Listed, ...]
    plan: str | None
    scheduled: tuple[Scheduled, ...]
    seats: SeatFigures | None
    held: Held
    customer: Customer | None
    ways_to_pay: tuple[WayToPay, ...]
    tax_ids: tuple[tuple[str, TaxId], ...]
    invoices: tuple[Billed, ...]
    period_total: PeriodTotal | None
    next_charge: NextCharge | None
    books: Books | None
    dunning: tuple[Timeline, ...]
    notices: tuple[Notice, ...]
    findings: tuple[Finding, ...]

    @property
    def primary(self) -> Listed | None:
        """The subscription that speaks for the account."""
        return self.subscriptions[0] if self.subscriptions else None

    @property
    def foremost(self) -> Timeline | None:
        """The timeline that speaks for the primary subscription."""
        return dunning.foremost(self.dunning, self.primary.id) if self.primary else None


def answer(account: Account, now: datetime) -> Billing:
    """Return what *account* is at *now*; the same for every order its events came in."""
    currents = account.currents(account.histories)
    subscriptions = listed(currents, now)
    primary = subscriptions[0] if subscriptions else None
    owed = unpaid(account)
    timelines = dunning.timelines(owed, now)
    may = entitled(account.linked, subscriptions, owed, timelines, now)
    seats_held, known = held(account.registers, now), levels(account.registers, now)
    meant = {each.id: terms_of(account, each, now) for each in subscriptions}
    figures = _seat_figures(account, subscriptions, meant, known, seats_held.users)
    current = account.currents(account.customers).get(account.linked.customer or "")
    customer = None if current is None else current.value
    ways = ways_to_pay(
        account.currents(account.payment_methods),
        account.currents(account.mandates),
        customer=customer,
        primary=primary.subscription if primary else None,
    )
    planned = _scheduled(account, primary, now)
    books = total = charge = None
    if primary is not None:
        books = books_of(
            account,
            primary,
            figures=figures,
            customer=customer,
            scheduled=planned,
            now=now,
            known=known,
        )
        total = current_total(books, primary)
        charge = next_charge(books, primary, figures)
    return Billing(
        linked=account.linked,
        now=now,
        status=may.status,
        badge=may.badge,
        access=may.access,
        subscriptions=subscriptions,
        plan=_plan(account, primary, meant, now),
        scheduled=planned,
        seats=figures,
        held=seats_held,
        customer=None if current is None or current.deleted else customer,
        ways_to_pay=ways,
        tax_ids=_tax_ids(account),
        invoices=billed(owed.invoices, owed.paying, account.currents(account.credit_notes)),
        period_total=total,
        next_charge=charge,
        books=books,
        dunning=timelines,
        notices=notices(
            Noticed(
                subscriptions=subscriptions,
                timelines=timelines,
                invoices=owed.invoices,
                paying=owed.paying,
                ways_to_pay=ways,
            ),
            now,
        ),
        findings=(
            *_findings(account, subscriptions, figures, meant),
            *(total.findings if total else ()),
            *(findings_of(recent(books)) if books else ()),
            *dunning_findings.of_timelines(timelines),
            *dunning_findings.of_disputes(account.currents(account.ties), account.payments),
        ),
    )


def _tax_ids(account: Account) -> tuple[tuple[str, TaxId], ...]:
    return tuple(
        (name, current.value) for name, current in account.alive(account.tax_ids).items()
    )


def _plan(
    account: Account, primary: Listed | None, meant: Meant, now: datetime
) -> str | None:
    if primary is None:
        return None
    items, terms = primary.subscription.items, meant[primary.id]
    base = next((item for item in items if terms and item.id == terms.base), None)
    return plan_name(items, base, account.catalogue, now)


def _scheduled(
    account: Account, primary: Listed | None, now: datetime
) -> tuple[Scheduled, ...]:
    if primary is None:
        return ()
    schedules = [current.value for current in account.currents(account.schedules).values()]
    changes = scheduled(primary.id, primary.subscription, schedules, now)
    return named(changes, account.catalogue, now)


def _seat_figures(
    account: Account,
    subscriptions: Sequence[Listed],
    meant: Meant,
    known: Sequence[Level],
    users: frozenset[str],
) -> SeatFigures | None:
    primary = subscriptions[0] if subscriptions else None
    if primary is None and not account.registers:
        return None
    trusted = primary is None or seat_figures.explained(
        known, _demands(account, subscriptions)
    )
    told = seat_figures.figures(
        known,
        terms=meant[primary.id] if primary else None,
        quantity=_quantity(primary, meant),
        since=primary.period.start if primary and primary.period else None,
        trusted=trusted,
    )
    return attrs.evolve(told, users=users)


def _demands(account: Account, subscriptions: Sequence[Listed]) -> Iterator[Demand]:
    """Yield how many seats Stripe billed, and when, in all subscriptions."""
    for each in subscriptions:
        differed = varied(each.current.marks) | account.billed_otherwise

        def meant(mark: Mark, differed: frozenset[str] = differed) -> Terms:
            return mark_terms(mark, differed, account.catalogue, mark.at)

        yield from seat_figures.demands(each.current.marks, meant)


def terms_of(account: Account, listed: Listed | None, now: datetime) -> Terms | None:
    """Return what the items of a subscription mean, in the period it is in."""
    if listed is None:
        return None
    marks = listed.current.marks
    mark = marks[-1]
    if listed.period is not None:
        mark = msgspec.structs.replace(mark, period_start=listed.period.start)
    differed = varied(marks) | account.billed_otherwise
    return mark_terms(mark, differed, account.catalogue, now)


def _quantity(listed: Listed | None, meant: Meant) -> int | None:
    if listed is None:
        return None
    return seat_figures.quantity_of(meant[listed.id], listed.current.marks[-1].sold)


def _findings(
    account: Account,
    subscriptions: Sequence[Listed],
    figures: SeatFigures | None,
    meant: Meant,
) -> list[Finding]:
    found: list[Finding] = []
    for name in sorted(account.histories):
        found += findings.of_subscription(name, account.told(account.histories).get(name))
    for objects in account.objects:
        for name, each in sorted(objects.items()):
            # A single event that could be read whole has nothing odd about it.
            if each.faults or each.settled is not None or len(each.recent) > 1:
                found += findings.of_object(name, each, account.told(objects).get(name))
    found += findings.of_currencies({each.id: each.current for each in subscriptions})
    found += findings.of_seat_items(
        [each for each in subscriptions if _quantity(each, meant) is not None]
    )
    found += findings.of_links(account.linked) + findings.of_conflicts(account.conflicts)
    found += findings.of_reconciliation(account.linked, account.reconciled)
    found += gaps_of(account)
    if figures is not None and figures.source is Source.STRIPE:
        message = "the product has not yet told all of its active users"
        found.append(findings.info("seats_baseline_missing", message))
    return found
