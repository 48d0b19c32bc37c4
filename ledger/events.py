"""The events of the log: what may be appended, and the short topics they are stored by.

    stripe_event         a Stripe event as it was delivered, body untouched
    stripe_object        an object as Stripe's API showed it, body untouched
    stripe_checked       what a run over Stripe's own data came to
    seat_assigned        the product let a user in
    seat_released        the product let a user go
    seats_counted        the product named all its users, or only how many
    account_linked       the product's own account id belongs to a Stripe customer
    terms_set            the operator said what a price means: base, seats, how many
    policy_set           the operator said what follows a failed payment
    act_requested        we are about to ask something of Stripe, and with which key
    act_done             it was done, and what Stripe calls it
    act_failed           it was refused, and why
    month_closed         finance sealed the figures of a month
    delivery_conflicted  a Stripe event id came again with other content

Topics are pinned: they are stored, so they never change. A new shape of an event is a
new topic, and an old one is read for ever.
"""

from __future__ import annotations

import enum
from datetime import datetime
from typing import Final

import attrs

from ledger.acts import ActDone, ActFailed, ActRequested
from ledger.closings import MonthClosed
from ledger.command import Command
from ledger.policy import Policy
from ledger.stripe_events import Source, StripeEvent, StripeObject, Verdict

__all__ = [
    "CATALOGUE",
    "TOPICS",
    "TOPIC_OF",
    "UNROUTED",
    "AccountLinked",
    "ActDone",
    "ActFailed",
    "ActRequested",
    "CatalogueEvent",
    "Check",
    "Command",
    "CommandEvent",
    "DeliveryConflicted",
    "Event",
    "MonthClosed",
    "PolicySet",
    "SeatAssigned",
    "SeatEvent",
    "SeatReleased",
    "SeatsCounted",
    "Source",
    "StripeChecked",
    "StripeEvent",
    "StripeObject",
    "TermsSet",
    "UnknownEvent",
    "Verdict",
]

# The account whose events are nobody's and hold for all: the catalogue. Neither Stripe
# nor the product gives such an id.
CATALOGUE: Final = "ledger:catalogue"
# The account of what names no customer until the object that it refers to is known.
UNROUTED: Final = "ledger:unrouted"


class Check(enum.StrEnum):
    """A run over Stripe's own data."""

    IMPORT = "import"
    CATCH_UP = "catch_up"
    RECONCILE = "reconcile"


@attrs.frozen(kw_only=True)
class SeatAssigned:
    """A user is active from *effective_at* on, or from when the log took it."""

    account: str
    command: Command
    user: str
    actor: str | None = None
    effective_at: datetime | None = None


@attrs.frozen(kw_only=True)
class SeatReleased:
    """A user is not active from *effective_at* on, or from when the log took it."""

    account: str
    command: Command
    user: str
    actor: str | None = None
    effective_at: datetime | None = None


@attrs.frozen(kw_only=True)
class SeatsCounted:
    """All active users at once, or how many there are when names are not known.

    Exactly one of *users* and *count* is given.
    """

    account: str
    command: Command
    users: tuple[str, ...] | None = None
    count: int | None = None
    actor: str | None = None
    effective_at: datetime | None = None


@attrs.frozen(kw_only=True)
class AccountLinked:
    """The product's *account* is the Stripe customer *customer* from here on."""

    account: str
    command: Command
    customer: str
    actor: str | None = None


@attrs.frozen(kw_only=True)
class TermsSet:
    """What *price* means from *effective_at* on, or from when the log took it.

    A field that is None leaves that part to Stripe's metadata, as if it were not set.

    Attributes:
        price: Stripe's price id.
        role: ``base``, ``seat`` or ``other``.
        included: Seats that the base price covers.
        counts: What Stripe's quantity counts: ``all`` seats, or only the ``extra`` ones.
        increase: How a seat added within a period is charged: ``prorated``, ``full`` or
            ``next_cycle``.
    """

    command: Command
    price: str
    role: str | None = None
    included: int | None = None
    counts: str | None = None
    increase: str | None = None
    actor: str | None = None
    effective_at: datetime | None = None
    account: str = CATALOGUE


@attrs.frozen(kw_only=True)
class PolicySet:
    """The dunning policy from *effective_at* on, or from when the log took it.

    Attributes:
        policy: Governs each timeline whose first failure falls into its time.
    """

    command: Command
    policy: Policy
    actor: str | None = None
    effective_at: datetime | None = None
    account: str = CATALOGUE


@attrs.frozen(kw_only=True)
class DeliveryConflicted:
    """A Stripe event id came again with other content; the first one stays.

    Attributes:
        event_id: The id both deliveries carry.
        kept: SHA-256 over the stable fields of the stored body.
        refused: The same of the body that was not stored.
        body: The refused body, so that the difference can be read.
    """

    event_id: str
    kept: str
    refused: str
    account: str | None = None
    endpoint: str | None = None
    body: bytes = b""


@attrs.frozen(kw_only=True)
class StripeChecked:
    """A run over Stripe's own data has come to its end.

    Attributes:
        check: Which run.
        begun_at: All that Stripe had done by then was looked at.
        ended_at: When it was over.
        ok: Whether nothing was left to do.
        counts: What was found, by name.
        differing: Accounts of which something is not as Stripe has it, the first of them.
        stripe_account: Whose data it was, where Stripe said so.
    """

    command: Command
    check: Check
    begun_at: datetime
    ended_at: datetime
    ok: bool
    counts: tuple[tuple[str, int], ...] = ()
    differing: tuple[str, ...] = ()
    stripe_account: str | None = None
    account: str = CATALOGUE


@attrs.frozen(kw_only=True)
class UnknownEvent:
    """An event of a topic that this release does not know; never appended, only read.

    A later release wrote it. Whoever folds its account must stop there, not guess.
    """

    originator_id: str
    topic: str
    account: str | None = None


Event = (
    StripeEvent
    | StripeObject
    | StripeChecked
    | SeatAssigned
    | SeatReleased
    | SeatsCounted
    | AccountLinked
    | TermsSet
    | PolicySet
    | ActRequested
    | ActDone
    | ActFailed
    | MonthClosed
    | DeliveryConflicted
    | UnknownEvent
)
SeatEvent = SeatAssigned | SeatReleased | SeatsCounted
CatalogueEvent = TermsSet | PolicySet
CommandEvent = SeatAssigned | SeatReleased | SeatsCounted | AccountLinked

TOPICS: Final[dict[str, type[Event]]] = {
    "stripe_event": StripeEvent,
    "stripe_object": StripeObject,
    "stripe_checked": StripeChecked,
    "seat_assigned": SeatAssigned,
    "seat_released": SeatReleased,
    "seats_counted": SeatsCounted,
    "account_linked": AccountLinked,
    "terms_set": TermsSet,
    "policy_set": PolicySet,
    "act_requested": ActRequested,
    "act_done": ActDone,
    "act_failed": ActFailed,
    "month_closed": MonthClosed,
    "delivery_conflicted": DeliveryConflicted,
}
TOPIC_OF: Final[dict[type[Event], str]] = {event: topic for topic, event in TOPICS.items()}
