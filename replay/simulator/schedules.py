"""A plan that changes at the end of the period, as a subscription schedule."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from replay.simulator.plans import Plan
from replay.simulator.prices import Price


@attrs.frozen(kw_only=True)
class Phase:
    """What a subscription is in [start, end), whole seconds since 1970."""

    plan: Plan
    seat_quantity: int
    start: int
    end: int

    @property
    def items(self) -> list[tuple[Price, int]]:
        """Each price with its quantity; the seat price is last."""
        *others, seat = self.plan.prices
        return [(price, 1) for price in others] + [(seat, self.seat_quantity)]


@attrs.define(kw_only=True, eq=False)
class Schedule:
    """A schedule made from a subscription; released once it is done.

    Attributes:
        current: The index of the phase that runs.
    """

    schedule_id: str
    subscription_id: str
    customer_id: str
    created: int
    phases: list[Phase]
    current: int = 0
    released_at: int | None = None
    canceled_at: int | None = None

    @property
    def status(self) -> str:
        """Stripe's word for it."""
        if self.canceled_at is not None:
            return "canceled"
        return "active" if self.released_at is None else "released"

    def take_over(self, raised: Mapping[Plan, Plan]) -> None:
        """Use the plans of this moment, with their terms."""
        self.phases[:] = [
            attrs.evolve(phase, plan=raised.get(phase.plan, phase.plan))
            for phase in self.phases
        ]
