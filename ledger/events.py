"""The events of the log: what may be appended, and the short topics they are stored by.

    stripe_event         a Stripe event as it was delivered, body untouched
    seat_assigned        the product let a user in
    seat_released        the product let a user go
    seats_counted        the product named all its users, or only how many
    account_linked       the product's own account id belongs to a Stripe customer
    terms_set            the operator said what a price means: base, seats, how many
    policy_set           the operator said what follows a failed payment
    delivery_conflicted  a Stripe event id came again with other content

Topics are pinned: they are stored, so they never change. A new shape of an event is a
new topic, and an old one is read for ever.
"""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Callable
from datetime import datetime
from typing import Final

import attrs

from ledger.policy import Policy

# The account whose events are nobody's and hold for all: the catalogue. Neither Stripe
# nor the product gives such an id.
CATALOGUE: Final = "ledger:catalogue"
# The account of what names no customer until the object that it refers to is known.
UNROUTED: Final = "ledger:unrouted"


class Verdict(enum.StrEnum):
    """What the door judged of an event before it was appended.

    ``accepted`` counts. ``quarantined`` was verified but is not strict JSON or no event.
    ``foreign`` is another mode's or another Stripe account's and never counts.
    """

    ACCEPTED = "accepted"
    QUARANTINED = "quarantined"
    FOREIGN = "foreign"


class Source(enum.StrEnum):
    """Who brought an event to the log."""

    WEBHOOK = "webhook"
    PRODUCT = "product"
    OPERATOR = "operator"
    LEDGER = "ledger"


def _read(body: bytes | Callable[[], bytes]) -> bytes:
    return body if isinstance(body, bytes) else body()


@attrs.frozen(kw_only=True)
class StripeEvent:
    """A Stripe event as it was delivered.

    Attributes:
        event_id: Stripe's ``evt_…``, or ``body:`` and the body's SHA-256 where the body
            names none that can be trusted.
        account: The Stripe customer the object belongs to, where the body says so.
        occurred_at: Stripe's ``created``, whole seconds.
        endpoint: The endpoint whose secret signed it: a short digest, never the secret.
        signed_at: The time inside the signature.
        body: The exact bytes that were signed; decoded only when asked for, since most
            readers need the bodies of a few types.
    """

    event_id: str
    _body: bytes | Callable[[], bytes] = attrs.field(repr=False, eq=_read)
    verdict: Verdict = Verdict.ACCEPTED
    source: Source = Source.WEBHOOK
    account: str | None = None
    occurred_at: datetime | None = None
    stripe_type: str | None = None
    api_version: str | None = None
    livemode: bool | None = None
    stripe_account: str | None = None
    object_id: str | None = None
    endpoint: str | None = None
    signed_at: datetime | None = None

    @property
    def body(self) -> bytes:
        """The exact bytes that were signed; decoded once, for all who read the event."""
        if not isinstance(self._body, bytes):
            object.__setattr__(self, "_body", self._body())
        return _read(self._body)


@attrs.frozen(kw_only=True)
class Command:
    """Which request of the product an event came from.

    Attributes:
        id: ``cmd:`` and a digest over account, route and idempotency key.
        version: Place of the event within the request, from 1.
        fingerprint: Digest over method, path and body; the same key with another
            fingerprint is another request.
    """

    id: str
    version: int = 1
    fingerprint: str

    @classmethod
    def identify(
        cls, *, account: str, route: str, key: str, fingerprint: str, version: int = 1
    ) -> Command:
        """Derive the id; the parts are length-prefixed, so no two triples share one."""
        digest = hashlib.sha256()
        for part in (account, route, key):
            raw = part.encode()
            digest.update(len(raw).to_bytes(4, "big") + raw)
        return cls(id=f"cmd:{digest.hexdigest()}", version=version, fingerprint=fingerprint)


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
class UnknownEvent:
    """An event of a topic that this release does not know; never appended, only read.

    A later release wrote it. Whoever folds its account must stop there, not guess.
    """

    originator_id: str
    topic: str
    account: str | None = None


Event = (
    StripeEvent
    | SeatAssigned
    | SeatReleased
    | SeatsCounted
    | AccountLinked
    | TermsSet
    | PolicySet
    | DeliveryConflicted
    | UnknownEvent
)
SeatEvent = SeatAssigned | SeatReleased | SeatsCounted
CatalogueEvent = TermsSet | PolicySet
CommandEvent = SeatAssigned | SeatReleased | SeatsCounted | AccountLinked

TOPICS: Final[dict[str, type[Event]]] = {
    "stripe_event": StripeEvent,
    "seat_assigned": SeatAssigned,
    "seat_released": SeatReleased,
    "seats_counted": SeatsCounted,
    "account_linked": AccountLinked,
    "terms_set": TermsSet,
    "policy_set": PolicySet,
    "delivery_conflicted": DeliveryConflicted,
}
TOPIC_OF: Final[dict[type[Event], str]] = {event: topic for topic, event in TOPICS.items()}
