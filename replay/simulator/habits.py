"""What a company is like: drawn once, before it signs up, and then for good."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import attrs

from replay.simulator.chances import Chance
from replay.simulator.subscriptions import TrialEnd


class Breadth(StrEnum):
    """How much of life a simulation tells.

    Attributes:
        PLAIN: Sign-up, renewals, seats, failed payments, pauses, ends and returns.
        WHOLE: That, and trials, changes of plan, several subscriptions, Stripe's own
            pauses, other ways to pay, a catalogue that changes, accounts linked late.
    """

    PLAIN = "plain"
    WHOLE = "whole"


class Telling(StrEnum):
    """How the product tells who has a seat."""

    CHANGES = "changes"
    SET_FIRST = "set_first"
    SETS = "sets"
    COUNTS = "counts"


class Link(StrEnum):
    """How the ledger learns which customer the product's account is.

    Attributes:
        CUSTOMER: The product names the customer itself.
        METADATA: The customer's metadata names the account.
        EARLY: The product links them before the first seat.
        LATE: The product links them weeks after the first seat.
        NEVER: Nobody ever says.
    """

    CUSTOMER = "customer"
    METADATA = "metadata"
    EARLY = "early"
    LATE = "late"
    NEVER = "never"


@attrs.frozen(kw_only=True)
class Trial:
    """How a company tries it out.

    Attributes:
        has_method: A card is there from the first day.
        adds_method: A card comes before the trial ends.
    """

    days: int
    has_method: bool
    adds_method: bool
    ends_in: TrialEnd


@attrs.frozen(kw_only=True)
class Habits:
    """What a company is like; the plain one is the default."""

    breadth: Breadth = Breadth.PLAIN
    telling: Telling = Telling.CHANGES
    link: Link = Link.CUSTOMER
    trial: Trial | None = None

    @property
    def whole(self) -> bool:
        """Whether anything may happen to it."""
        return self.breadth is Breadth.WHOLE


_TRIAL_PER_MILLE: Final = 350
_TRIAL_DAYS: Final = (7, 14, 30)
_HAS_METHOD_PER_MILLE: Final = 500
_ADDS_METHOD_PER_MILLE: Final = 300
_WITHOUT: Final = (TrialEnd.PAUSE, TrialEnd.CANCEL)
_TELLINGS: Final = (Telling.CHANGES, *Telling)
_LINKS: Final = (Link.CUSTOMER, Link.METADATA, Link.METADATA, Link.EARLY, Link.LATE)
_NEVER_PER_MILLE: Final = 60


def whole_habits(chance: Chance) -> Habits:
    """Return what a company of the whole simulation is like."""
    link = chance.pick(_LINKS)
    if chance.happens(_NEVER_PER_MILLE):
        link = Link.NEVER
    telling = chance.pick(_TELLINGS)
    tries = chance.happens(_TRIAL_PER_MILLE)
    return Habits(
        breadth=Breadth.WHOLE,
        telling=telling,
        link=link,
        trial=_trial(chance) if tries else None,
    )


def _trial(chance: Chance) -> Trial:
    has_method = chance.happens(_HAS_METHOD_PER_MILLE)
    return Trial(
        days=chance.pick(_TRIAL_DAYS),
        has_method=has_method,
        adds_method=has_method or chance.happens(_ADDS_METHOD_PER_MILLE),
        ends_in=chance.pick(tuple(TrialEnd) if has_method else _WITHOUT),
    )
