"""What we ask of Stripe for an account: asked for, then done or refused.

act_requested   before Stripe is asked, with the key that makes asking twice harmless
act_done        what came of it
act_failed      why Stripe refused
"""

from __future__ import annotations

import enum

import attrs

from ledger.command import Command


class Act(enum.StrEnum):
    """What we ask of Stripe for an account."""

    PORTAL_SESSION = "portal_session"
    CHECKOUT_SESSION = "checkout_session"


@attrs.frozen(kw_only=True)
class ActRequested:
    """Somebody wants something of Stripe; it is asked next, if it is not known already.

    Attributes:
        key: The idempotency key that Stripe is asked with.
        asked: What for, by name; never a secret.
        actor: Who wants it.
    """

    account: str
    command: Command
    act: Act
    key: str
    asked: tuple[tuple[str, str], ...] = ()
    actor: str | None = None


@attrs.frozen(kw_only=True)
class ActDone:
    """Stripe did what was asked.

    Attributes:
        object_id: Of what came of it; its address is not kept, since it opens doors.
    """

    account: str
    command: Command
    act: Act
    object_id: str | None = None


@attrs.frozen(kw_only=True)
class ActFailed:
    """Stripe refused what was asked.

    Attributes:
        status: Of Stripe's answer.
        code: Stripe's name of the reason, where it gives one.
    """

    account: str
    command: Command
    act: Act
    status: int
    code: str | None = None
    message: str = ""
