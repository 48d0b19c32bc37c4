"""Many companies over simulated months, as one stream in order of time.

Each account draws from sources of its own, named by the seed and its number: another
account, or another shape, changes nothing in the lives of the others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import partial
from heapq import merge
from typing import Final

import attrs

from replay.simulator import company, life, plan_changes, truth
from replay.simulator.account import Account
from replay.simulator.agenda import Agenda
from replay.simulator.chances import Chance
from replay.simulator.customers import new_customer
from replay.simulator.habits import (
    RARE_CURRENCIES,
    Breadth,
    Habits,
    Link,
    money_habits,
    whole_habits,
)
from replay.simulator.identities import Identities, stripe_account_letters
from replay.simulator.occurrences import Expectation, Occurrence
from replay.simulator.offers import seller_offers
from replay.simulator.outbox import Outbox
from replay.simulator.plans import Plan, price_list, whole_price_list
from replay.simulator.renewals import DAY_S, months_after
from replay.simulator.shapes import Shape
from replay.simulator.shop import Shop

_EARLY_PER_MILLE: Final = 700
_EARLY_S: Final = 28 * DAY_S

_Timed = tuple[int, int, int, Occurrence]


@attrs.frozen(kw_only=True)
class Simulation:
    """A run: the same values make the same bytes.

    Attributes:
        accounts: How many companies sign up, in the first half of the time.
        start: Aware; fractions of a second are dropped.
        shape: The API version of every event; None mixes them by account.
        breadth: How much of life is told.
        habits: What every company is like; None draws it for each one.
        only: The numbers of those that are told of; None is all. Each is what it is in
            the company of all.
    """

    seed: int
    accounts: int = attrs.field(validator=attrs.validators.ge(0))
    months: int = attrs.field(validator=attrs.validators.ge(1))
    start: datetime = attrs.field()
    shape: Shape | None = None
    breadth: Breadth = Breadth.PLAIN
    habits: Habits | None = None
    only: frozenset[int] | None = None
    _lives: list[Account] = attrs.field(factory=list, init=False)
    _hidden: dict[str, dict[str, object]] = attrs.field(factory=dict, init=False)

    @start.validator
    def _check_aware(self, _attribute: attrs.Attribute[datetime], start: datetime) -> None:
        if start.tzinfo is None:
            raise ValueError(f"start must be aware, not {start.isoformat()}")

    def occurrences(self) -> Iterator[Occurrence]:
        """Yield everything that happens, in order of time.

        Of what is past, memory holds each change of a subscription's status only.
        """
        start = int(self.start.timestamp())
        until = months_after(start, self.months)
        shop = self._shop(start, until)
        shop.open(whole=self._whole)
        self._lives[:] = [
            self._account(number, shop)
            for number in range(self.accounts)
            if self.only is None or number in self.only
        ]
        for account in self._lives:
            signs_up_at = _sign_up_time(account.chance, start, until)
            account.agenda.plan(signs_up_at, partial(life.sign_up, account))
            if shop.raised:
                raising = partial(plan_changes.raise_terms, account, shop.raised)
                account.agenda.plan(shop.raised_at, raising)
        runs = [_run(shop.agenda, shop.outbox, -1, until)]
        for number, account in enumerate(self._lives):
            runs.append(_run(account.agenda, account.outbox, number, until))
        for _, _, _, occurrence in merge(*runs):
            yield occurrence

    def expectations(self) -> dict[str, Expectation]:
        """Return, by account, what is true where `occurrences` has been read to."""
        return {
            account.customer.customer_id: truth.expected(account) for account in self._lives
        }

    @property
    def hidden(self) -> Mapping[str, dict[str, object]]:
        """By object id, what Stripe's API shows of it only when asked to expand it.

        Filled as `occurrences` is read.
        """
        return self._hidden

    def status_at(self, account: str, moment: datetime) -> str | None:
        """Return the status of the account's primary subscription at a past moment.

        Everything counts that was created by then, to the second; None before the first
        subscription. Read `occurrences` first.
        """
        standing = self._standing(account, moment)
        return standing[1] if standing else None

    def subscription_at(self, account: str, moment: datetime) -> str | None:
        """Return the account's primary subscription at a past moment, as `status_at`."""
        standing = self._standing(account, moment)
        return standing[0] if standing else None

    def _standing(self, account: str, moment: datetime) -> tuple[str, str] | None:
        """Return the primary's id and status.

        Raises:
            KeyError: There is no such account.
        """
        by_id = {each.customer.customer_id: each for each in self._lives}
        known = by_id[account].standings.primary(int(moment.timestamp()))
        return (known.subscription_id, known.status.value) if known else None

    @property
    def _whole(self) -> bool:
        return self.breadth is Breadth.WHOLE or (
            self.habits is not None and self.habits.whole
        )

    def _habits(self, chance: Chance, luck: Chance) -> Habits:
        if not self._whole:
            return Habits()
        return attrs.evolve(whole_habits(chance), money=money_habits(luck))

    def _chance(self, purpose: str) -> Chance:
        return Chance.named(f"{self.seed}/{purpose}")

    def _shop(self, start: int, until: int) -> Shop:
        ids = Identities(
            chance=self._chance("ids"),
            stripe_account=stripe_account_letters(self._chance("account")),
        )
        plans = price_list(ids, start)
        if self._whole:
            plans = whole_price_list(plans, ids, start)
        shape = self.shape or Shape.CLOVER
        chance = self._chance("webhooks")
        outbox = Outbox(
            shape=shape, account=None, ids=ids, chance=chance, hidden=self._hidden
        )
        shop = Shop(shape=shape, outbox=outbox, plans=plans, start=start, until=until)
        if self._whole:
            # From a source of its own, so that the ids of all else stay as they are.
            own = attrs.evolve(ids, chance=self._chance("offers"))
            products = {plan.name: plan.product_id for plan in plans}
            shop.offers = seller_offers(own, start, products)
        return shop

    def _account(self, number: int, shop: Shop) -> Account:
        """Return company *number*, before it has signed up."""
        ids = Identities(
            chance=self._chance(f"{number}/ids"),
            stripe_account=shop.outbox.ids.stripe_account,
        )
        chance = self._chance(f"{number}/life")
        mixed = self._chance(f"{number}/shape").pick(tuple(Shape))
        shape = self.shape or mixed
        luck = self._chance(f"{number}/money")
        habits = self.habits or self._habits(chance, luck)
        customer = new_customer(ids, chance, 0)
        country = habits.money.country
        customer.address = company.address_in(country) if country else None
        customer.tax_exempt = habits.money.exempt
        customer.named = habits.link in {Link.CUSTOMER, Link.METADATA}
        outbox = Outbox(
            shape=shape,
            account=customer.customer_id,
            ids=ids,
            chance=self._chance(f"{number}/webhooks"),
        )
        return Account(
            shape=shape,
            customer=customer,
            plan=_chosen(chance, habits, shop),
            plans=shop.plans,
            chance=chance,
            luck=luck,
            ids=ids,
            outbox=outbox,
            habits=habits,
            offers=shop.offers,
        )


def _chosen(chance: Chance, habits: Habits, shop: Shop) -> Plan:
    """Return the plan a company begins with: by the dice, within what it is set on."""
    money = habits.money
    offered = [
        plan
        for plan in shop.plans
        if plan.counts_seats
        and plan.currency not in RARE_CURRENCIES
        and money.plan in {None, plan.name}
    ]
    chosen = chance.pick(offered)
    if money.currency is None:
        return chosen
    fits = [
        plan
        for plan in shop.plans
        if plan.counts_seats
        and plan.currency == money.currency
        and plan.months == chosen.months
    ]
    same = [plan for plan in fits if plan.name == chosen.name]
    return (same or fits)[0]


def simulate(
    *,
    seed: int,
    accounts: int,
    months: int,
    start: datetime,
    shape: Shape | None = None,
    breadth: Breadth = Breadth.PLAIN,
) -> Iterator[Occurrence]:
    """Yield what happens to *accounts* companies in *months*, in order of time.

    Args:
        seed: The same one tells the same story, byte for byte.
        accounts: Companies that sign up, all in the first half of the time.
        months: How long it goes on.
        start: The first instant, aware.
        shape: The API version of every event; None mixes them by account.
        breadth: How much of life is told.
    """
    run = Simulation(
        seed=seed,
        accounts=accounts,
        months=months,
        start=start,
        shape=shape,
        breadth=breadth,
    )
    return run.occurrences()


def expectations(
    *,
    seed: int,
    accounts: int,
    months: int,
    start: datetime,
    shape: Shape | None = None,
    breadth: Breadth = Breadth.PLAIN,
) -> dict[str, Expectation]:
    """Return how each account of `simulate` with the same values ends, by customer id.

    Runs the whole simulation; read `Simulation.expectations` to get both in one run.
    """
    run = Simulation(
        seed=seed,
        accounts=accounts,
        months=months,
        start=start,
        shape=shape,
        breadth=breadth,
    )
    for _ in run.occurrences():
        pass
    return run.expectations()


def _sign_up_time(chance: Chance, start: int, until: int) -> int:
    """Return a second in the first month, for most, or in the first half of the time."""
    half = (until - start) // 2
    early = chance.happens(_EARLY_PER_MILLE)
    return start + chance.between(1, min(half, _EARLY_S) if early else half)


def _run(agenda: Agenda, outbox: Outbox, number: int, until: int) -> Iterator[_Timed]:
    """Yield what happens to one account, keyed so that a merge keeps the order."""
    sequence = 0
    while (at := agenda.run(until)) is not None:
        for occurrence in outbox.take():
            yield at, number, sequence, occurrence
            sequence += 1
