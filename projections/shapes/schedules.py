"""Stripe's subscription schedules, in every shape from 2020-08-27 on.

phases[].items   since 2020-08-27; what is older has phases[].plans
items[].price    beside it, in old versions, the same as items[].plan
"""

from __future__ import annotations

import msgspec

from projections.objects import Phase, PhaseItem, Schedule
from projections.shapes.fields import Quantity, Reference, Seconds, id_of, moment


class StripePhaseItem(msgspec.Struct):
    """One price of a phase."""

    price: Reference = None
    plan: Reference = None
    quantity: Quantity | None = None


class StripePhase(msgspec.Struct):
    """One of ``phases``."""

    start_date: Seconds | None = None
    end_date: Seconds | None = None
    items: list[StripePhaseItem] | None = None
    plans: list[StripePhaseItem] | None = None
    proration_behavior: str | None = None
    trial_end: Seconds | None = None


class StripeSchedule(msgspec.Struct):
    """``data.object`` of ``subscription_schedule.*``."""

    status: str | None = None
    subscription: Reference = None
    released_subscription: Reference = None
    created: Seconds | None = None
    phases: list[StripePhase] | None = None
    end_behavior: str | None = None
    released_at: Seconds | None = None
    canceled_at: Seconds | None = None
    completed_at: Seconds | None = None


def schedule(shown: StripeSchedule) -> Schedule:
    """Return *shown* in the one shape, phases in order of time."""
    phases = [_phase(each) for each in shown.phases or ()]
    return Schedule(
        status=shown.status or "",
        subscription=id_of(shown.subscription) or id_of(shown.released_subscription),
        created=moment(shown.created),
        phases=tuple(phases),
        end_behavior=shown.end_behavior,
        released_at=moment(shown.released_at),
        canceled_at=moment(shown.canceled_at),
        completed_at=moment(shown.completed_at),
    )


def _phase(shown: StripePhase) -> Phase:
    return Phase(
        start=moment(shown.start_date),
        end=moment(shown.end_date),
        items=tuple(
            PhaseItem(price=id_of(item.price) or id_of(item.plan), quantity=item.quantity)
            for item in shown.items or shown.plans or ()
        ),
        proration_behavior=shown.proration_behavior,
        trial_end=moment(shown.trial_end),
    )
