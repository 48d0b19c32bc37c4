"""Many companies over simulated months, as one stream in order of time.

Each account draws from sources of its own, named by the seed and its number: another
account, or another shape, changes nothing in the lives of the others.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from heapq import merge
from typing import Final

import attrs

from replay.simulator import life
from replay.simulator.account import Account
from replay.simulator.chances import Chance
from replay.simulator.customers import new_customer
from replay.simulator.identities import Identities, stripe_account_letters
from replay.simulator.objects import catalogue
from replay.simulator.occurrences import Expectation, Occurrence
from replay.simulator.outbox import Outbox
from replay.simulator.plans import Plan, price_list
from replay.simulator.renewals import DAY_S, months_after
from replay.simulator.shapes import Shape

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
    """

    seed: int
    accounts: int = attrs.field(validator=attrs.validators.ge(0))
    months: int = attrs.field(validator=attrs.validators.ge(1))
    start: datetime = attrs.field()
    shape: Shape | None = None
    _lives: list[Account] = attrs.field(factory=list, init=False)

    @start.validator
    def _check_aware(self, _attribute: attrs.Attribute[datetime], start: datetime) -> None:
        if start.tzinfo is None:
            raise ValueError(f"start must be aware, not {start.isoformat()}")

    def occurrences(self) -> Iterator[Occurrence]:
        """Yield everything that happens, in order of time; memory does not grow with it."""
        start = int(self.start.timestamp())
        until = months_after(start, self.months)
        shop = Identities(
            chance=self._chance("ids"),
            stripe_account=stripe_account_letters(self._chance("account")),
        )
        plans = price_list(shop, start)
        self._lives[:] = [self._account(number, plans, shop) for number in self._numbers]
        for account in self._lives:
            signs_up_at = _sign_up_time(account.chance, start, until)
            account.agenda.plan(signs_up_at, partial(life.sign_up, account))
        yield from self._price_list_events(plans, shop, start)
        runs = [_run(account, n, until) for n, account in enumerate(self._lives)]
        for _, _, _, occurrence in merge(*runs):
            yield occurrence

    def expectations(self) -> dict[str, Expectation]:
        """Return, by account, what is true where `occurrences` has been read to."""
        return {account.customer.customer_id: _expected(account) for account in self._lives}

    @property
    def _numbers(self) -> range:
        return range(self.accounts)

    def _chance(self, purpose: str) -> Chance:
        return Chance.named(f"{self.seed}/{purpose}")

    def _account(self, number: int, plans: tuple[Plan, ...], shop: Identities) -> Account:
        """Return company *number*, before it has signed up."""
        ids = Identities(
            chance=self._chance(f"{number}/ids"), stripe_account=shop.stripe_account
        )
        chance = self._chance(f"{number}/life")
        mixed = self._chance(f"{number}/shape").pick(tuple(Shape))
        shape = self.shape or mixed
        customer = new_customer(ids, chance, 0)
        outbox = Outbox(
            shape=shape,
            account=customer.customer_id,
            ids=ids,
            chance=self._chance(f"{number}/webhooks"),
        )
        return Account(
            shape=shape,
            customer=customer,
            plan=chance.pick(plans),
            chance=chance,
            ids=ids,
            outbox=outbox,
        )

    def _price_list_events(
        self, plans: tuple[Plan, ...], shop: Identities, at: int
    ) -> list[Occurrence]:
        """Return the events that made the products and prices."""
        shape = self.shape or Shape.CLOVER
        chance = self._chance("webhooks")
        outbox = Outbox(shape=shape, account=None, ids=shop, chance=chance)
        outbox.begin(at, requested=True)
        for plan in plans:
            outbox.tell("product.created", catalogue.product(plan))
            for price in plan.prices:
                outbox.tell("price.created", catalogue.price(price, shape))
        return outbox.take()


def simulate(
    *, seed: int, accounts: int, months: int, start: datetime, shape: Shape | None = None
) -> Iterator[Occurrence]:
    """Yield what happens to *accounts* companies in *months*, in order of time.

    Args:
        seed: The same one tells the same story, byte for byte.
        accounts: Companies that sign up, all in the first half of the time.
        months: How long it goes on.
        start: The first instant, aware.
        shape: The API version of every event; None mixes them by account.
    """
    run = Simulation(seed=seed, accounts=accounts, months=months, start=start, shape=shape)
    return run.occurrences()


def expectations(
    *, seed: int, accounts: int, months: int, start: datetime, shape: Shape | None = None
) -> dict[str, Expectation]:
    """Return how each account of `simulate` with the same values ends, by customer id.

    Runs the whole simulation; read `Simulation.expectations` to get both in one run.
    """
    run = Simulation(seed=seed, accounts=accounts, months=months, start=start, shape=shape)
    for _ in run.occurrences():
        pass
    return run.expectations()


def _sign_up_time(chance: Chance, start: int, until: int) -> int:
    """Return a second in the first month, for most, or in the first half of the time."""
    half = (until - start) // 2
    early = chance.happens(_EARLY_PER_MILLE)
    return start + chance.between(1, min(half, _EARLY_S) if early else half)


def _run(account: Account, number: int, until: int) -> Iterator[_Timed]:
    """Yield what happens to one account, keyed so that a merge keeps the order."""
    sequence = 0
    while (at := account.agenda.run(until)) is not None:
        for occurrence in account.outbox.take():
            yield at, number, sequence, occurrence
            sequence += 1


def _expected(account: Account) -> Expectation:
    held = account.subscription
    return Expectation(
        account=account.customer.customer_id,
        shape=account.shape,
        subscription=held.subscription_id if held else None,
        status=held.status.value if held else None,
        quantity=held.seats.quantity if held else None,
        active_users=frozenset(account.users),
        period_start=_utc(held.period_start) if held else None,
        period_end=_utc(held.period_end) if held else None,
    )


def _utc(at: int) -> datetime:
    return datetime.fromtimestamp(at, tz=UTC)
