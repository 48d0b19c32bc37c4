"""Facts that the product and the operator told; those of Stripe's are `projections.facts`.

Fields are only added at the end.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from ledger.events import Check
from ledger.policy import Policy


class SeatChanged(msgspec.Struct, frozen=True, array_like=True, kw_only=True):
    """A user is active from *occurred_at* on, or is not; never one more or one less."""

    account: str
    user: str
    active: bool
    occurred_at: datetime
    recorded_at: datetime
    position: int
    actor: str | None = None

    @property
    def object_id(self) -> str:
        """Each user is an object of its own."""
        return f"user:{self.user}"


class DeliveryConflicted(msgspec.Struct, frozen=True, array_like=True, kw_only=True):
    """A Stripe event came again with other content; what came first stays."""

    account: str
    event_id: str
    occurred_at: datetime
    position: int

    @property
    def object_id(self) -> str:
        """Each event that is told in two ways is an object of its own."""
        return self.event_id


class SeatsCounted(msgspec.Struct, frozen=True, array_like=True, kw_only=True):
    """All active users from *occurred_at* on, or only their number."""

    account: str
    users: tuple[str, ...] | None
    count: int | None
    occurred_at: datetime
    recorded_at: datetime
    position: int
    actor: str | None = None

    @property
    def object_id(self) -> str:
        """All the users together are one object."""
        return "users"


class AccountLinked(msgspec.Struct, frozen=True, array_like=True, kw_only=True):
    """The product's *account* is the Stripe customer *customer* from *position* on."""

    account: str
    customer: str
    recorded_at: datetime
    position: int

    @property
    def occurred_at(self) -> datetime:
        """A link holds from when the log took it."""
        return self.recorded_at

    @property
    def object_id(self) -> str:
        """An account has one link, its last."""
        return "link"


class AccountClaimed(msgspec.Struct, frozen=True, array_like=True, kw_only=True):
    """A customer's metadata says that the product's *account* is theirs.

    Anybody who may edit the customer can say so: a link, or an earlier claim, is
    stronger.
    """

    account: str
    customer: str
    event_id: str
    occurred_at: datetime
    position: int

    @property
    def object_id(self) -> str:
        """A claim stands beside the link that it would be."""
        return "link"


class TermsSet(msgspec.Struct, frozen=True, array_like=True, kw_only=True):
    """What *price* means from *occurred_at* on; see `ledger.events.TermsSet`."""

    account: str
    price: str
    role: str | None
    included: int | None
    counts: str | None
    increase: str | None
    occurred_at: datetime
    recorded_at: datetime
    position: int
    actor: str | None = None

    @property
    def object_id(self) -> str:
        """The terms of each price are an object of their own."""
        return f"terms:{self.price}"


class PolicySet(msgspec.Struct, frozen=True, array_like=True, kw_only=True):
    """The dunning policy from *occurred_at* on."""

    account: str
    policy: Policy
    occurred_at: datetime
    recorded_at: datetime
    position: int
    actor: str | None = None

    @property
    def object_id(self) -> str:
        """There is one policy."""
        return "policy"


class StripeChecked(msgspec.Struct, frozen=True, array_like=True, kw_only=True):
    """A run over Stripe's own data came to its end; see `ledger.events.StripeChecked`."""

    account: str
    check: Check
    begun_at: datetime
    occurred_at: datetime
    position: int
    ok: bool
    counts: tuple[tuple[str, int], ...] = ()
    differing: tuple[str, ...] = ()
    stripe_account: str | None = None

    @property
    def object_id(self) -> str:
        """Of each kind of run the last one is kept."""
        return self.check
