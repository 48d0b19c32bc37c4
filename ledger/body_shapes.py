"""The shapes of the small JSON bodies that the ledger's own events are stored with.

Their fields are stored, so they are only ever added to.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from ledger.acts import Act
from ledger.events import Check


class SeatBody(msgspec.Struct, omit_defaults=True, kw_only=True):
    """The stored body of a seat change."""

    user: str
    fingerprint: str
    actor: str | None = None


class CountBody(msgspec.Struct, omit_defaults=True, kw_only=True):
    """The stored body of a full set or a bare count."""

    fingerprint: str
    users: tuple[str, ...] | None = None
    count: int | None = None
    actor: str | None = None


class LinkBody(msgspec.Struct, omit_defaults=True, kw_only=True):
    """The stored body of a link."""

    customer: str
    fingerprint: str
    actor: str | None = None


class ConflictBody(msgspec.Struct, omit_defaults=True, kw_only=True):
    """The stored body of a conflict; *body* is the refused one, Base64 in JSON."""

    event_id: str
    kept: str
    refused: str
    body: bytes = b""


class TermsBody(msgspec.Struct, omit_defaults=True, kw_only=True):
    """The stored body of terms; a field that is absent was not set."""

    price: str
    fingerprint: str
    role: str | None = None
    included: int | None = None
    counts: str | None = None
    increase: str | None = None
    actor: str | None = None


class PolicyBody(msgspec.Struct, omit_defaults=True, kw_only=True):
    """The stored body of a policy."""

    retry_days: tuple[int, ...]
    pause_day: int
    cancel_day: int
    fingerprint: str
    actor: str | None = None


class ActBody(msgspec.Struct, omit_defaults=True, kw_only=True):
    """The stored body of what is asked of Stripe."""

    act: Act
    key: str
    fingerprint: str
    asked: tuple[tuple[str, str], ...] = ()
    actor: str | None = None


class ActDoneBody(msgspec.Struct, omit_defaults=True, kw_only=True):
    """The stored body of what Stripe did."""

    act: Act
    fingerprint: str
    object_id: str | None = None


class ActFailedBody(msgspec.Struct, omit_defaults=True, kw_only=True):
    """The stored body of what Stripe refused."""

    act: Act
    fingerprint: str
    status: int
    code: str | None = None
    message: str = ""


class CheckBody(msgspec.Struct, omit_defaults=True, kw_only=True):
    """The stored body of what a run over Stripe's data came to."""

    check: Check
    begun_at: datetime
    ok: bool
    fingerprint: str
    counts: tuple[tuple[str, int], ...] = ()
    differing: tuple[str, ...] = ()
    stripe_account: str | None = None
