"""What Stripe told the log: an event as it was delivered, an object as its API showed it.

The envelope is read on the way in and kept in columns; the body stays as it came, and is
decoded only when somebody asks for it.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from datetime import datetime

import attrs


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
    IMPORT = "import"
    CATCH_UP = "catch_up"
    RECONCILE = "reconcile"


def _read(body: bytes | Callable[[], bytes]) -> bytes:
    return body if isinstance(body, bytes) else body()


# With slots it would take twice as long to make, and replays make millions.
@attrs.frozen(kw_only=True, slots=False)
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
class StripeObject:
    """An object as Stripe's API showed it.

    Attributes:
        id: ``object:`` and a digest of the object's lasting content; the same content
            shown again is no news.
        version: From 1; a later one says that the object has come back to what it once
            was, though the ledger knew it as something else meanwhile.
        kind: Stripe's word for what it is, such as ``subscription``.
        account: The Stripe customer it is or belongs to, where it says so.
        occurred_at: When it was asked for, whole seconds: later changes may be missing.
        body: The exact bytes of the object, as they stood in the answer.
    """

    id: str
    version: int = 1
    _body: bytes | Callable[[], bytes] = attrs.field(repr=False, eq=_read)
    source: Source = Source.IMPORT
    kind: str
    object_id: str
    account: str | None = None
    occurred_at: datetime
    api_version: str | None = None
    livemode: bool | None = None
    stripe_account: str | None = None

    @property
    def body(self) -> bytes:
        """The exact bytes that were shown; decoded once, for all who read the event."""
        if not isinstance(self._body, bytes):
            object.__setattr__(self, "_body", self._body())
        return _read(self._body)
