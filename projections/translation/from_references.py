"""Who belongs to whom, where an object does not say so itself; and what thin events hint.

charge, payment_intent       the customer's: what names them is too
dispute, refund, …           no customer, but a charge, an intent or an invoice
v2.core.event                an object's id, and nothing of what it is now
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from ledger.envelope import inner_event
from ledger.events import UNROUTED, StripeEvent
from ledger.log import Recorded
from projections.facts import (
    AccountClaimed,
    Fact,
    ObjectHinted,
    ReferenceMade,
    ReferenceSeen,
)
from projections.shapes.customers import StripeCustomer
from projections.shapes.fields import Reference, id_of


class _Payment(msgspec.Struct):
    payment_intent: Reference = None
    charge: Reference = None


class _Naming(msgspec.Struct):
    """The places where an object names another, the surest first."""

    charge: Reference = None
    payment_intent: Reference = None
    invoice: Reference = None
    payment_method: Reference = None
    payment: _Payment | None = None


class _Data(msgspec.Struct):
    object: _Naming


class _Shown(msgspec.Struct):
    data: _Data


class _Related(msgspec.Struct):
    id: str
    url: str | None = None


class _Thin(msgspec.Struct):
    related_object: _Related | None = None


class _Metadata(msgspec.Struct):
    account_id: str | None = None


class _Claiming(msgspec.Struct):
    metadata: _Metadata | None = None


class _ClaimingData(msgspec.Struct):
    object: _Claiming


class _ShownClaiming(msgspec.Struct):
    data: _ClaimingData


# What no account of the product can be called.
_RESERVED: Final = ("cus_", "ledger:")
_ID_CHARS_MAX: Final = 255
_CLAIMING: Final = msgspec.json.Decoder(_ShownClaiming)
_SHOWN: Final = msgspec.json.Decoder(_Shown)
_THIN: Final = msgspec.json.Decoder(_Thin)


def account_claimed(recorded: Recorded) -> Sequence[Fact]:
    """Read which account of the product a customer claims to be, if any."""
    event = recorded.event
    if not isinstance(event, StripeEvent) or not event.account:
        return ()
    try:
        metadata = _CLAIMING.decode(inner_event(event.body)).data.object.metadata
    except msgspec.MsgspecError:
        return ()  # a finding of the customer itself
    return _claim(recorded, event, None if metadata is None else metadata.account_id)


def claim_beside(recorded: Recorded, shown: StripeCustomer | None) -> Sequence[Fact]:
    """Read the same where the customer has been decoded already, if it could be."""
    event = recorded.event
    if shown is None or not isinstance(event, StripeEvent):
        return account_claimed(recorded)
    metadata = shown.metadata
    return _claim(recorded, event, None if metadata is None else metadata.account_id)


def _claim(recorded: Recorded, event: StripeEvent, account: str | None) -> Sequence[Fact]:
    if not event.account:
        return ()
    if not account or account.startswith(_RESERVED) or len(account) > _ID_CHARS_MAX:
        return ()
    return (
        AccountClaimed(
            account=account,
            customer=event.account,
            event_id=event.event_id,
            occurred_at=event.occurred_at or recorded.recorded_at,
            position=recorded.position,
        ),
    )


def reference_seen(recorded: Recorded) -> Sequence[Fact]:
    """Read whose a charge or an intent is; the body is not needed."""
    event = recorded.event
    if not isinstance(event, StripeEvent) or not (event.account and event.object_id):
        return ()
    return (
        ReferenceSeen(
            account=event.account,
            object_id=event.object_id,
            occurred_at=event.occurred_at or recorded.recorded_at,
            position=recorded.position,
        ),
    )


def reference_made(recorded: Recorded) -> Sequence[Fact]:
    """Read what an object names that has no customer; one that has is not lost."""
    event = recorded.event
    if not isinstance(event, StripeEvent) or event.account or not event.object_id:
        return ()
    return (
        ReferenceMade(
            account=UNROUTED,
            object_id=event.object_id,
            event_id=event.event_id,
            type=event.stripe_type or "",
            occurred_at=event.occurred_at or recorded.recorded_at,
            position=recorded.position,
            references=_references(event.body),
        ),
    )


def object_hinted(recorded: Recorded) -> Sequence[Fact]:
    """Read which object a thin event is about."""
    event = recorded.event
    if not isinstance(event, StripeEvent) or not event.object_id:
        return ()
    try:
        related = _THIN.decode(inner_event(event.body)).related_object
    except msgspec.MsgspecError:
        related = None
    return (
        ObjectHinted(
            account=event.account or UNROUTED,
            object_id=event.object_id,
            event_id=event.event_id,
            type=event.stripe_type or "",
            occurred_at=event.occurred_at or recorded.recorded_at,
            position=recorded.position,
            url=None if related is None else related.url,
        ),
    )


def _references(body: bytes) -> tuple[str, ...]:
    """Return what is named; nothing where that cannot be read: it waits all the same."""
    try:
        naming = _SHOWN.decode(inner_event(body)).data.object
    except msgspec.MsgspecError:
        return ()
    payment = naming.payment or _Payment()
    named = (
        naming.charge,
        naming.payment_intent,
        naming.invoice,
        naming.payment_method,
        payment.payment_intent,
        payment.charge,
    )
    return tuple(dict.fromkeys(name for name in map(id_of, named) if name))
