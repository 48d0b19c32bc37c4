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
            pauses, other ways to pay, a catalogue that changes, accounts linked late;
            and all that becomes of money: discounts, taxes, prorations, things sold
            once, invoices sent by mail, credits, refunds, disputes, write-offs.
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


class Taxed(StrEnum):
    """How the seller must tax a company."""

    BESIDE = "beside"
    INCLUSIVE = "inclusive"


@attrs.frozen(kw_only=True)
class Money:
    """What a company is like where money is concerned; the plain one is the default.

    Attributes:
        country: Where it sits; None where nobody knows.
        taxed: None where the seller adds no tax.
        exempt: Stripe's word for the taxes it need not pay: none, exempt or reverse.
        mail_days: Days it has to pay an invoice that is sent to it; None where Stripe
            charges its way to pay.
        currency: In place of that of the plan it chose, where the plan is sold in it.
        plan: The name of the offer it chooses, whatever the dice say.
        eventful: Times as much happens to its money as usual; 0 for nothing.
    """

    country: str | None = None
    taxed: Taxed | None = None
    exempt: str = "none"
    mail_days: int | None = None
    currency: str | None = None
    plan: str | None = None
    eventful: int = 0


@attrs.frozen(kw_only=True)
class Habits:
    """What a company is like; the plain one is the default."""

    breadth: Breadth = Breadth.PLAIN
    telling: Telling = Telling.CHANGES
    link: Link = Link.CUSTOMER
    trial: Trial | None = None
    money: Money = attrs.field(factory=Money)

    @property
    def whole(self) -> bool:
        """Whether anything may happen to it."""
        return self.breadth is Breadth.WHOLE


RARE_CURRENCIES: Final = ("jpy", "kwd")

_COUNTRIES: Final = (None, "DE", "FR", "US", "US", "JP")
_UNION: Final = frozenset({"DE", "FR"})
_EXEMPT: Final = ("none", "none", "none", "reverse", "exempt")
_RARE_PER_MILLE: Final = 80
_MAIL_PER_MILLE: Final = 90
_MAIL_DAYS: Final = (7, 14, 30)
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


def money_habits(luck: Chance) -> Money:
    """Return what a company of the whole simulation is like with money."""
    country = luck.pick(_COUNTRIES)
    taxed = luck.pick((None, Taxed.BESIDE, Taxed.BESIDE, Taxed.INCLUSIVE))
    exempt = luck.pick(_EXEMPT)
    rare = luck.happens(_RARE_PER_MILLE)
    mail = luck.happens(_MAIL_PER_MILLE)
    return Money(
        country=country,
        taxed=None if country is None else taxed,
        exempt=exempt if country in _UNION else "none",
        mail_days=luck.pick(_MAIL_DAYS) if mail else None,
        currency=luck.pick(RARE_CURRENCIES) if rare else None,
        eventful=1,
    )


def _trial(chance: Chance) -> Trial:
    has_method = chance.happens(_HAS_METHOD_PER_MILLE)
    return Trial(
        days=chance.pick(_TRIAL_DAYS),
        has_method=has_method,
        adds_method=has_method or chance.happens(_ADDS_METHOD_PER_MILLE),
        ends_in=chance.pick(tuple(TrialEnd) if has_method else _WITHOUT),
    )
