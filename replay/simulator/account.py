"""One account: a company as Stripe and the product see it, and what it will do."""

from __future__ import annotations

from collections.abc import Callable

import attrs

from replay.simulator.agenda import Action, Agenda
from replay.simulator.books import Books
from replay.simulator.chances import Chance
from replay.simulator.customers import Customer
from replay.simulator.habits import Habits, Taxed
from replay.simulator.identities import Identities
from replay.simulator.invoice_items import InvoiceItem
from replay.simulator.objects import customers, schedules, subscriptions
from replay.simulator.offers import NO_OFFERS, Offers
from replay.simulator.outbox import Outbox
from replay.simulator.plans import Plan
from replay.simulator.renewals import DAY_S
from replay.simulator.schedules import Schedule
from replay.simulator.shapes import Shape
from replay.simulator.standings import Standing, Standings
from replay.simulator.subscriptions import Subscription
from replay.simulator.taxes import TaxRate


def _nothing(_at: int) -> None:
    """Do nothing."""


def _no_restart(_held: Subscription, _at: int) -> None:
    """Restart nothing."""


@attrs.define(kw_only=True, eq=False)
class Account:
    """The state of one company; the modules of this package act on it.

    Attributes:
        plans: All it may choose from, with the terms of this moment.
        chance: Decides what the company does, and nothing else.
        luck: Decides what becomes of its money, so that this changes little else.
        subscription: The latest one that counts its seats.
        subscriptions: All there ever were.
        scheduled: Changes of plan to come, by subscription.
        waiting: What the next invoice will be for, besides the next period.
        billed: What has just gone onto an invoice, until that is told.
        offers: What the seller takes off, and the taxes it must add.
        books: Every invoice there is, as it stands.
        users: Those that hold a seat, in the order they got it.
        former: Those that gave theirs back, and may get one again.
        users_made: How many users ever had one.
        linked: Whether the ledger can know which customer the product's account is.
        when_ended: What to do when the subscription has ended.
        restart: How a subscription begins a new period at once, and is billed for it.
    """

    shape: Shape
    customer: Customer
    plan: Plan
    plans: tuple[Plan, ...]
    chance: Chance
    luck: Chance
    ids: Identities
    outbox: Outbox
    habits: Habits = attrs.field(factory=Habits)
    agenda: Agenda = attrs.field(factory=Agenda)
    subscription: Subscription | None = None
    subscriptions: list[Subscription] = attrs.field(factory=list)
    scheduled: dict[str, Schedule] = attrs.field(factory=dict)
    waiting: list[InvoiceItem] = attrs.field(factory=list)
    billed: list[InvoiceItem] = attrs.field(factory=list)
    offers: Offers = NO_OFFERS
    books: Books = attrs.field(factory=Books)
    standings: Standings = attrs.field(factory=Standings)
    users: list[str] = attrs.field(factory=list)
    former: list[str] = attrs.field(factory=list)
    users_made: int = 0
    linked: bool = True
    when_ended: Action = _nothing
    restart: Callable[[Subscription, int], None] = _no_restart

    @property
    def live(self) -> list[Subscription]:
        """The subscriptions that have not ended, the oldest first."""
        return [held for held in self.subscriptions if not held.ended]

    @property
    def rates(self) -> tuple[TaxRate, ...]:
        """The tax rates the seller must put on its invoices, by where it sits."""
        address = self.customer.address
        if address is None or not self.habits.money.taxed:
            return ()
        inclusive = self.habits.money.taxed is Taxed.INCLUSIVE
        rate = self.offers.rates.get((address.country, inclusive))
        return () if rate is None else (rate,)

    def tell_customer(self, kind: str) -> None:
        """Tell an event about the customer as it now is."""
        self.outbox.tell(kind, customers.customer(self.customer, self.shape))

    def tell_subscription(self, kind: str, held: Subscription) -> None:
        """Tell an event about a subscription as it now is."""
        self.outbox.tell(kind, subscriptions.subscription(held, self.shape))
        self.standings.record(
            Standing(
                since=self.outbox.at,
                subscription_id=held.subscription_id,
                created=held.created,
                status=held.status,
            )
        )

    def tell_schedule(self, kind: str, planned: Schedule) -> None:
        """Tell an event about a schedule as it now is."""
        rendered = schedules.schedule(planned, self.shape)
        self.outbox.tell(f"subscription_schedule.{kind}", rendered)

    def later(self, at: int, days: tuple[int, int]) -> int:
        """Return a moment between so many days after *at*, at any second of the day."""
        lowest, highest = days
        return at + self.chance.between(lowest * DAY_S, highest * DAY_S)
