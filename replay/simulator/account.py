"""One account: a company as Stripe and the product see it, and what it will do."""

from __future__ import annotations

import attrs

from replay.simulator.agenda import Action, Agenda
from replay.simulator.chances import Chance
from replay.simulator.customers import Customer
from replay.simulator.identities import Identities
from replay.simulator.objects import customers, subscriptions
from replay.simulator.outbox import Outbox
from replay.simulator.plans import Plan
from replay.simulator.renewals import DAY_S
from replay.simulator.shapes import Shape
from replay.simulator.subscriptions import Subscription


def _nothing(_at: int) -> None:
    """Do nothing."""


@attrs.define(kw_only=True)
class Account:
    """The state of one company; the modules of this package act on it.

    Attributes:
        chance: Decides what the company does, and nothing else.
        users: Those that hold a seat, in the order they got it.
        former: Those that gave theirs back, and may get one again.
        users_made: How many users ever had one.
        when_ended: What to do when the subscription has ended.
    """

    shape: Shape
    customer: Customer
    plan: Plan
    chance: Chance
    ids: Identities
    outbox: Outbox
    agenda: Agenda = attrs.field(factory=Agenda)
    subscription: Subscription | None = None
    users: list[str] = attrs.field(factory=list)
    former: list[str] = attrs.field(factory=list)
    users_made: int = 0
    when_ended: Action = _nothing

    def tell_customer(self, kind: str) -> None:
        """Tell an event about the customer as it now is."""
        self.outbox.tell(kind, customers.customer(self.customer))

    def tell_subscription(self, kind: str, held: Subscription) -> None:
        """Tell an event about a subscription as it now is."""
        self.outbox.tell(kind, subscriptions.subscription(held, self.shape))

    def later(self, at: int, days: tuple[int, int]) -> int:
        """Return a moment between so many days after *at*, at any second of the day."""
        lowest, highest = days
        return at + self.chance.between(lowest * DAY_S, highest * DAY_S)
