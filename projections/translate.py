"""Translation: which events are read, and into which facts.

    customer.subscription.*       SubscriptionObserved, FieldUnreadable
    seat_assigned, seat_released  SeatChanged
    seats_counted                 SeatsCounted
    account_linked                AccountLinked

A type without a row gives no fact; its body is not even decoded. What cannot be read is
a fact as well, never an error: it has happened.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

import attrs

from ledger.events import (
    TOPIC_OF,
    AccountLinked,
    Event,
    SeatAssigned,
    SeatReleased,
    SeatsCounted,
    StripeEvent,
    UnknownEvent,
    Verdict,
)
from ledger.log import Recorded, Selection
from projections import facts
from projections.facts import Fact, FieldUnreadable, SubscriptionObserved
from projections.from_product import (
    account_linked,
    seat_changed,
    seats_counted,
    unknown_topic,
)
from projections.from_stripe import subscription_observed

Translate = Callable[[Recorded], Sequence[Fact]]


@attrs.frozen(kw_only=True)
class Translator:
    """How events of one type are read.

    Attributes:
        gives: The facts it may give, so that a projection can pass over the others.
    """

    translate: Translate
    gives: frozenset[type[Fact]]


_SUBSCRIPTION: Final = Translator(
    translate=subscription_observed,
    gives=frozenset({SubscriptionObserved, FieldUnreadable}),
)
_SEAT: Final = Translator(translate=seat_changed, gives=frozenset({facts.SeatChanged}))

STRIPE: Final[Mapping[str, Translator]] = {
    f"customer.subscription.{change}": _SUBSCRIPTION
    for change in (
        "created",
        "updated",
        "deleted",
        "paused",
        "resumed",
        "trial_will_end",
        "pending_update_applied",
        "pending_update_expired",
    )
}
OWN: Final[Mapping[type[Event], Translator]] = {
    SeatAssigned: _SEAT,
    SeatReleased: _SEAT,
    SeatsCounted: Translator(
        translate=seats_counted, gives=frozenset({facts.SeatsCounted})
    ),
    AccountLinked: Translator(
        translate=account_linked, gives=frozenset({facts.AccountLinked})
    ),
}


@attrs.frozen(kw_only=True)
class Translation:
    """The rows of the table that give any of the facts somebody asks for."""

    stripe: Mapping[str | None, Translate]
    own: Mapping[type[Event], Translate]

    @property
    def selection(self) -> Selection:
        """The events that it reads."""
        return Selection(
            stripe_types=frozenset(name for name in self.stripe if name),
            topics=frozenset(TOPIC_OF[kind] for kind in self.own if kind in TOPIC_OF),
        )

    def of(self, event: Event) -> Translate | None:
        """Return how *event* is read; None if it gives no fact that is asked for."""
        if type(event) is StripeEvent:
            if event.verdict is not Verdict.ACCEPTED:
                return None
            return self.stripe.get(event.stripe_type)
        return self.own.get(type(event))

    def facts(self, recorded: Iterable[Recorded]) -> list[Fact]:
        """Return the facts of *recorded*, in its order."""
        found: list[Fact] = []
        for one in recorded:
            translate = self.of(one.event)
            if translate is not None:
                found += translate(one)
        return found


def translation(wanted: Iterable[type[Fact]]) -> Translation:
    """Return the part of the table that gives *wanted*, and stops at unknown topics."""
    kinds = frozenset(wanted)
    return Translation(
        stripe={name: row.translate for name, row in STRIPE.items() if row.gives & kinds},
        own={
            **{kind: row.translate for kind, row in OWN.items() if row.gives & kinds},
            UnknownEvent: unknown_topic,
        },
    )
