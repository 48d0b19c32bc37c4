"""The small JSON bodies that the ledger's own events are stored with.

    seat_assigned   {"user": "u_7", "actor": "u_1", "fingerprint": "…"}
    terms_set       {"price": "price_1", "role": "seat", "fingerprint": "…"}

Their fields are stored, so they are only ever added to.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any, Final, TypeVar

from ledger import act_bodies, closing_bodies
from ledger.body_parts import command_fields, command_of, decode
from ledger.body_shapes import (
    CheckBody,
    ConflictBody,
    CountBody,
    LinkBody,
    PolicyBody,
    SeatBody,
    TermsBody,
)
from ledger.encoding import Encodings
from ledger.events import (
    AccountLinked,
    DeliveryConflicted,
    Event,
    PolicySet,
    SeatAssigned,
    SeatReleased,
    SeatsCounted,
    Source,
    StripeChecked,
    TermsSet,
)
from ledger.policy import Policy
from ledger.row import Row

Shape = TypeVar("Shape")


def _write_seat(event: SeatAssigned | SeatReleased) -> tuple[dict[str, Any], SeatBody]:
    fields = {**command_fields(event.command), "occurred_at": event.effective_at}
    return fields, SeatBody(
        user=event.user, actor=event.actor, fingerprint=event.command.fingerprint
    )


def _write_count(event: SeatsCounted) -> tuple[dict[str, Any], CountBody]:
    fields = {**command_fields(event.command), "occurred_at": event.effective_at}
    return fields, CountBody(
        users=event.users,
        count=event.count,
        actor=event.actor,
        fingerprint=event.command.fingerprint,
    )


def _write_link(event: AccountLinked) -> tuple[dict[str, Any], LinkBody]:
    return command_fields(event.command), LinkBody(
        customer=event.customer,
        actor=event.actor,
        fingerprint=event.command.fingerprint,
    )


def _write_terms(event: TermsSet) -> tuple[dict[str, Any], TermsBody]:
    fields = command_fields(event.command, Source.OPERATOR)
    return {**fields, "occurred_at": event.effective_at}, TermsBody(
        price=event.price,
        role=event.role,
        included=event.included,
        counts=event.counts,
        increase=event.increase,
        actor=event.actor,
        fingerprint=event.command.fingerprint,
    )


def _write_policy(event: PolicySet) -> tuple[dict[str, Any], PolicyBody]:
    fields = command_fields(event.command, Source.OPERATOR)
    return {**fields, "occurred_at": event.effective_at}, PolicyBody(
        retry_days=event.policy.retry_days,
        pause_day=event.policy.pause_day,
        cancel_day=event.policy.cancel_day,
        actor=event.actor,
        fingerprint=event.command.fingerprint,
    )


def _write_check(event: StripeChecked) -> tuple[dict[str, Any], CheckBody]:
    fields = command_fields(event.command, Source.LEDGER)
    return {**fields, "occurred_at": event.ended_at}, CheckBody(
        check=event.check,
        begun_at=event.begun_at,
        ok=event.ok,
        counts=event.counts,
        differing=event.differing,
        stripe_account=event.stripe_account,
        fingerprint=event.command.fingerprint,
    )


def _write_conflict(event: DeliveryConflicted) -> tuple[dict[str, Any], ConflictBody]:
    digest = hashlib.sha256()
    for part in (event.event_id, event.refused):
        digest.update(len(part.encode()).to_bytes(4, "big") + part.encode())
    fields = {
        "originator_id": f"conflict:{digest.hexdigest()}",
        "source": Source.LEDGER,
        "endpoint": event.endpoint,
    }
    return fields, ConflictBody(
        event_id=event.event_id, kept=event.kept, refused=event.refused, body=event.body
    )


def _read_seat(row: Row, encodings: Encodings) -> SeatAssigned | SeatReleased:
    body = decode(row, encodings, SeatBody)
    return _SEAT_EVENTS[row.topic](
        account=row.account or "",
        command=command_of(row, body.fingerprint),
        user=body.user,
        actor=body.actor,
        effective_at=row.occurred_at,
    )


def _read_count(row: Row, encodings: Encodings) -> SeatsCounted:
    body = decode(row, encodings, CountBody)
    return SeatsCounted(
        account=row.account or "",
        command=command_of(row, body.fingerprint),
        users=body.users,
        count=body.count,
        actor=body.actor,
        effective_at=row.occurred_at,
    )


def _read_link(row: Row, encodings: Encodings) -> AccountLinked:
    body = decode(row, encodings, LinkBody)
    return AccountLinked(
        account=row.account or "",
        command=command_of(row, body.fingerprint),
        customer=body.customer,
        actor=body.actor,
    )


def _read_terms(row: Row, encodings: Encodings) -> TermsSet:
    body = decode(row, encodings, TermsBody)
    return TermsSet(
        account=row.account or "",
        command=command_of(row, body.fingerprint),
        price=body.price,
        role=body.role,
        included=body.included,
        counts=body.counts,
        increase=body.increase,
        actor=body.actor,
        effective_at=row.occurred_at,
    )


def _read_policy(row: Row, encodings: Encodings) -> PolicySet:
    body = decode(row, encodings, PolicyBody)
    return PolicySet(
        account=row.account or "",
        command=command_of(row, body.fingerprint),
        policy=Policy(
            retry_days=body.retry_days,
            pause_day=body.pause_day,
            cancel_day=body.cancel_day,
        ),
        actor=body.actor,
        effective_at=row.occurred_at,
    )


def _read_check(row: Row, encodings: Encodings) -> StripeChecked:
    body = decode(row, encodings, CheckBody)
    return StripeChecked(
        command=command_of(row, body.fingerprint),
        check=body.check,
        account=row.account or "",
        begun_at=body.begun_at,
        ended_at=row.occurred_at or row.recorded_at,
        ok=body.ok,
        counts=body.counts,
        differing=body.differing,
        stripe_account=body.stripe_account,
    )


def _read_conflict(row: Row, encodings: Encodings) -> DeliveryConflicted:
    body = decode(row, encodings, ConflictBody)
    return DeliveryConflicted(
        event_id=body.event_id,
        kept=body.kept,
        refused=body.refused,
        account=row.account,
        endpoint=row.endpoint,
        body=body.body,
    )


_SEAT_EVENTS: Final[dict[str, type[SeatAssigned | SeatReleased]]] = {
    "seat_assigned": SeatAssigned,
    "seat_released": SeatReleased,
}
WRITERS: Final[dict[type[Event], Callable[[Any], tuple[dict[str, Any], Any]]]] = {
    SeatAssigned: _write_seat,
    SeatReleased: _write_seat,
    SeatsCounted: _write_count,
    AccountLinked: _write_link,
    TermsSet: _write_terms,
    PolicySet: _write_policy,
    StripeChecked: _write_check,
    DeliveryConflicted: _write_conflict,
    **act_bodies.WRITERS,
    **closing_bodies.WRITERS,
}
READERS: Final[dict[str, Callable[[Row, Encodings], Event]]] = {
    "seat_assigned": _read_seat,
    "seat_released": _read_seat,
    "seats_counted": _read_count,
    "account_linked": _read_link,
    "terms_set": _read_terms,
    "policy_set": _read_policy,
    "stripe_checked": _read_check,
    "delivery_conflicted": _read_conflict,
    **act_bodies.READERS,
    **closing_bodies.READERS,
}
