"""Deliveries of Stripe events: late, doubled, out of order, again, and forged."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from heapq import heappop, heappush
from typing import Final

import attrs

from replay.simulator import signing
from replay.simulator.chances import Chance
from replay.simulator.envelope import with_pending
from replay.simulator.identities import Identities
from replay.simulator.occurrences import Occurrence, StripeOccurrence
from replay.simulator.renewals import HOUR_S

RETRIES_END: Final = timedelta(days=3)

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MS: Final = timedelta(milliseconds=1)
_SECOND_MS: Final = 1000
_RETRY_MIN_MS: Final = HOUR_S * _SECOND_MS
_DUPLICATE_MAX_MS: Final = 12 * HOUR_S * _SECOND_MS
_STALE_S: Final = 2 * HOUR_S
_CHANCES: Final = 1_000_000
_FORGER: Final = "FORGEDFORG"


class Kind(StrEnum):
    """Why a delivery comes."""

    ORIGINAL = "original"
    DUPLICATE = "duplicate"
    RETRY = "retry"
    FORGED = "forged"


class Forgery(StrEnum):
    """What is wrong with a forged delivery."""

    WRONG_SECRET = "wrong_secret"  # noqa: S105 -- names a forgery, is no secret
    TAMPERED_BODY = "tampered_body"
    STALE_TIMESTAMP = "stale_timestamp"


@attrs.frozen(kw_only=True)
class Delivery:
    """One POST to an endpoint.

    Attributes:
        event_id: The id in the body; a forged one belongs to no event of the simulation.
        due: When it reaches the endpoint, in simulated time.
        body: The bytes to send.
        signed: The bytes its signature is made over; others only where tampered with.
        forgery: None for all but the forged kind.
    """

    event_id: str
    due: datetime
    kind: Kind
    body: bytes
    signed: bytes
    forgery: Forgery | None = None


def signature_header(delivery: Delivery, secret: str, now: datetime) -> str:
    """Return the ``Stripe-Signature`` of a delivery sent at *now*, right or forged."""
    timestamp = int(now.timestamp())
    if delivery.forgery is Forgery.STALE_TIMESTAMP:
        timestamp -= _STALE_S
    if delivery.forgery is Forgery.WRONG_SECRET:
        secret = f"{secret}x"
    return signing.header(secret=secret, timestamp=timestamp, body=delivery.signed)


def deliver(
    occurrences: Iterable[Occurrence],
    *,
    seed: int,
    duplicate: float = 0.02,
    reorder: timedelta = timedelta(seconds=30),
    delay: float = 0.01,
    drop: float = 0.0,
    forge: float = 0.0,
) -> Iterator[Delivery]:
    """Yield the deliveries of all Stripe events, in the order in which they arrive.

    Seat changes are passed over: those the product sends itself. Holds back at most the
    deliveries of three days. Shares are of all events, between 0 and 1.

    Args:
        occurrences: In order of time, as `simulate` yields them.
        seed: The same one brings the same weather.
        duplicate: Share that arrives a second time, within half a day.
        reorder: Events at most so far apart may change places.
        delay: Share that misses the first attempt and arrives with a retry, after an hour
            to three days.
        drop: Share that never arrives.
        forge: Share that is accompanied by a forgery with an event id of its own.
    """
    chance = Chance.named(f"{seed}/deliveries")
    post = _Post(
        chance=chance,
        ids=Identities(chance=chance, stripe_account=_FORGER),
        reorder_ms=reorder // _MS,
        shares=_Shares(duplicate=duplicate, delay=delay, drop=drop, forge=forge),
    )
    for occurrence in occurrences:
        if isinstance(occurrence, StripeOccurrence):
            yield from post.due_by(occurrence.sent * _SECOND_MS)
            post.take(occurrence)
    yield from post.due_by(None)


@attrs.frozen(kw_only=True)
class _Shares:
    duplicate: float
    delay: float
    drop: float
    forge: float


@attrs.define(kw_only=True)
class _Post:
    """Deliveries under way; instants in milliseconds since 1970."""

    chance: Chance
    ids: Identities
    reorder_ms: int
    shares: _Shares
    _under_way: list[tuple[int, int, Delivery]] = attrs.field(factory=list)
    _taken: int = 0

    def due_by(self, moment_ms: int | None) -> Iterator[Delivery]:
        """Yield what arrives up to a moment, or all that is left."""
        heap = self._under_way
        while heap and (moment_ms is None or heap[0][0] < moment_ms):
            yield heappop(heap)[2]

    def take(self, occurrence: StripeOccurrence) -> None:
        """Send an event on its way, or several times, or not at all."""
        sent_ms = occurrence.sent * _SECOND_MS
        if self._happens(self.shares.forge):
            self._send(self._forged(occurrence, sent_ms), sent_ms)
        if self._happens(self.shares.drop):
            return
        due_ms, kind = sent_ms + self.chance.between(0, self.reorder_ms), Kind.ORIGINAL
        if self._happens(self.shares.delay):
            late_ms = self.chance.between(_RETRY_MIN_MS, RETRIES_END // _MS)
            due_ms, kind = sent_ms + late_ms, Kind.RETRY
        self._send(self._genuine(occurrence, kind, occurrence.body, due_ms), due_ms)
        if self._happens(self.shares.duplicate):
            again_ms = due_ms + self.chance.between(1, _DUPLICATE_MAX_MS)
            body = with_pending(occurrence.body, 0)
            again = self._genuine(occurrence, Kind.DUPLICATE, body, again_ms)
            self._send(again, again_ms)

    def _happens(self, share: float) -> bool:
        return self.chance.between(1, _CHANCES) <= share * _CHANCES

    def _send(self, delivery: Delivery, due_ms: int) -> None:
        self._taken += 1
        heappush(self._under_way, (due_ms, self._taken, delivery))

    def _genuine(
        self, occurrence: StripeOccurrence, kind: Kind, body: bytes, due_ms: int
    ) -> Delivery:
        return Delivery(
            event_id=occurrence.event_id,
            due=_EPOCH + due_ms * _MS,
            kind=kind,
            body=body,
            signed=body,
        )

    def _forged(self, occurrence: StripeOccurrence, due_ms: int) -> Delivery:
        """Return an event that never was, so that believing it would show."""
        event_id = self.ids.dated("evt", occurrence.created)
        body = occurrence.body.replace(occurrence.event_id.encode(), event_id.encode())
        body = body.replace(b'"status": "active"', b'"status": "canceled"')
        forgery = self.chance.pick(tuple(Forgery))
        tampered = forgery is Forgery.TAMPERED_BODY
        return Delivery(
            event_id=event_id,
            due=_EPOCH + due_ms * _MS,
            kind=Kind.FORGED,
            body=body,
            signed=occurrence.body if tampered else body,
            forgery=forgery,
        )
