"""What product, operator and ledger told: users, what prices mean, what was found."""

from __future__ import annotations

from collections.abc import Sequence

from ledger.errors import NotConfiguredError
from ledger.events import (
    CATALOGUE,
    AccountLinked,
    DeliveryConflicted,
    PolicySet,
    SeatAssigned,
    SeatReleased,
    SeatsCounted,
    StripeChecked,
    TermsSet,
    UnknownEvent,
)
from ledger.log import Recorded
from projections import facts
from projections.facts import Fact


class UnknownTopicError(NotConfiguredError):
    """A later release wrote an event of this account; run that release to fold it."""


def seat_changed(recorded: Recorded) -> Sequence[Fact]:
    """Read that a user was let in or go; without effective_at, when the log took it."""
    event = recorded.event
    if not isinstance(event, SeatAssigned | SeatReleased):
        return ()
    return (
        facts.SeatChanged(
            account=event.account,
            user=event.user,
            active=isinstance(event, SeatAssigned),
            occurred_at=event.effective_at or recorded.recorded_at,
            recorded_at=recorded.recorded_at,
            position=recorded.position,
            actor=event.actor,
        ),
    )


def seats_counted(recorded: Recorded) -> Sequence[Fact]:
    """Read a full set, each user once, or a bare count."""
    event = recorded.event
    if not isinstance(event, SeatsCounted):
        return ()
    return (
        facts.SeatsCounted(
            account=event.account,
            users=None if event.users is None else tuple(sorted(set(event.users))),
            count=event.count,
            occurred_at=event.effective_at or recorded.recorded_at,
            recorded_at=recorded.recorded_at,
            position=recorded.position,
            actor=event.actor,
        ),
    )


def account_linked(recorded: Recorded) -> Sequence[Fact]:
    """Read which customer the product's account is."""
    event = recorded.event
    if not isinstance(event, AccountLinked):
        return ()
    return (
        facts.AccountLinked(
            account=event.account,
            customer=event.customer,
            recorded_at=recorded.recorded_at,
            position=recorded.position,
        ),
    )


def delivery_conflicted(recorded: Recorded) -> Sequence[Fact]:
    """Read that an event came again with other content; nobody's is passed over."""
    event = recorded.event
    if not isinstance(event, DeliveryConflicted) or event.account is None:
        return ()
    return (
        facts.DeliveryConflicted(
            account=event.account,
            event_id=event.event_id,
            occurred_at=recorded.recorded_at,
            position=recorded.position,
        ),
    )


def terms_set(recorded: Recorded) -> Sequence[Fact]:
    """Read what a price means; without effective_at, from when the log took it."""
    event = recorded.event
    if not isinstance(event, TermsSet):
        return ()
    return (
        facts.TermsSet(
            account=CATALOGUE,
            price=event.price,
            role=event.role,
            included=event.included,
            counts=event.counts,
            increase=event.increase,
            occurred_at=event.effective_at or recorded.recorded_at,
            recorded_at=recorded.recorded_at,
            position=recorded.position,
            actor=event.actor,
        ),
    )


def policy_set(recorded: Recorded) -> Sequence[Fact]:
    """Read what follows a failed payment; without effective_at, from when it was taken."""
    event = recorded.event
    if not isinstance(event, PolicySet):
        return ()
    return (
        facts.PolicySet(
            account=CATALOGUE,
            policy=event.policy,
            occurred_at=event.effective_at or recorded.recorded_at,
            recorded_at=recorded.recorded_at,
            position=recorded.position,
            actor=event.actor,
        ),
    )


def stripe_checked(recorded: Recorded) -> Sequence[Fact]:
    """Read what a run over Stripe's own data came to."""
    event = recorded.event
    if not isinstance(event, StripeChecked):
        return ()
    return (
        facts.StripeChecked(
            account=CATALOGUE,
            check=event.check,
            begun_at=event.begun_at,
            occurred_at=event.ended_at,
            position=recorded.position,
            ok=event.ok,
            counts=event.counts,
            differing=event.differing,
            stripe_account=event.stripe_account,
        ),
    )


def unknown_topic(recorded: Recorded) -> Sequence[Fact]:
    """Refuse to guess.

    Raises:
        UnknownTopicError: Always; the account is parked until a release knows the topic.
    """
    event = recorded.event
    topic = event.topic if isinstance(event, UnknownEvent) else type(event).__name__
    raise UnknownTopicError(
        f"this release does not know the topic {topic}: a later one wrote it, or it was "
        "altered; take that release, or run bl verify"
    )
