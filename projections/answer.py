"""What an account's objects say of it at one moment: one function answers everything.

Read models keep the function's input. A question about the past is the same function on
the objects as the events up to then make them, asked at that time.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

import attrs

from projections import access
from projections.access import Access, Badge
from projections.facts import Item, Subscription
from projections.links import Linked, is_customer
from projections.seats import Register, Seats, seats
from projections.subscriptions import Current, History, told

EVIDENCE_MAX: Final = 20


class Severity(enum.StrEnum):
    """How much a finding matters."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@attrs.frozen(kw_only=True)
class Finding:
    """Something about an account that somebody should know.

    Attributes:
        evidence: Positions of the events that show it.
    """

    code: str
    severity: Severity
    message: str
    evidence: tuple[int, ...] = ()


@attrs.frozen(kw_only=True)
class Account:
    """An account's objects, from all of its streams.

    Attributes:
        histories: Its subscriptions, by id.
        registers: What is known of its seats, in any order.
    """

    linked: Linked
    histories: Mapping[str, History] = attrs.Factory(dict)
    registers: Sequence[Register] = ()


@attrs.frozen(kw_only=True)
class Listed:
    """A subscription with its place among its account's.

    Attributes:
        since: When it came to its status.
    """

    id: str
    subscription: Subscription
    since: datetime
    primary: bool


@attrs.frozen(kw_only=True)
class SeatFigures:
    """How many are active, and how many Stripe bills; None where nobody knows.

    Attributes:
        source: ``product``, or ``stripe`` until the product's own figures can be trusted.
    """

    active: int | None
    stripe_quantity: int | None
    source: str
    users: frozenset[str]


@attrs.frozen(kw_only=True)
class Billing:
    """Everything known of an account at one moment.

    Attributes:
        subscriptions: Best first; the first is the primary one.
    """

    linked: Linked
    now: datetime
    status: str
    badge: Badge | None
    access: Access
    subscriptions: tuple[Listed, ...]
    seats: SeatFigures | None
    findings: tuple[Finding, ...]

    @property
    def primary(self) -> Listed | None:
        """The subscription that speaks for the account."""
        return self.subscriptions[0] if self.subscriptions else None


def answer(account: Account, now: datetime) -> Billing:
    """Return what *account* is at *now*; the same for every order its events came in."""
    currents = _currents(account)
    listed = _listed(currents)
    primary = listed[0] if listed else None
    figures = _seat_figures(account, primary, now)
    return Billing(
        linked=account.linked,
        now=now,
        status=primary.subscription.status if primary else access.NO_STATUS,
        badge=access.badge(primary.subscription, now) if primary else None,
        access=access.access(
            primary.subscription if primary else None,
            primary.since if primary else None,
            now,
        ),
        subscriptions=listed,
        seats=figures,
        findings=_findings(account, figures),
    )


def _currents(account: Account) -> dict[str, Current]:
    found = {}
    for name in sorted(account.histories):
        says = told(account.histories[name])
        if says is not None:
            found[name] = says.current
    return found


def _listed(currents: Mapping[str, Current]) -> tuple[Listed, ...]:
    """Return the best status first; of equal ones the newest, then by id."""
    names = sorted(currents)
    names.sort(key=lambda name: _began(currents[name]), reverse=True)
    names.sort(key=lambda name: access.rank(currents[name].subscription.status))
    return tuple(
        Listed(
            id=name,
            subscription=currents[name].subscription,
            since=currents[name].since,
            primary=place == 0,
        )
        for place, name in enumerate(names)
    )


def _began(current: Current) -> datetime:
    return current.subscription.created or current.first_at


def _seat_figures(
    account: Account, primary: Listed | None, now: datetime
) -> SeatFigures | None:
    known = seats(account.registers, now)
    quantity = _stripe_quantity(primary)
    if primary is None and not account.registers:
        return None
    trusted = known.counted or _explained(known, primary, quantity)
    return SeatFigures(
        active=known.active if trusted else None,
        stripe_quantity=quantity,
        source="product" if trusted else "stripe",
        users=known.users,
    )


def _explained(known: Seats, primary: Listed | None, quantity: int | None) -> bool:
    """Tell whether the users known by name explain what Stripe bills."""
    if primary is None:
        return True
    return bool(known.users) and quantity is not None and len(known.users) >= quantity


def _stripe_quantity(primary: Listed | None) -> int | None:
    """Return the quantity of the one item that can be the seats; else None."""
    if primary is None:
        return None
    items = primary.subscription.items
    if not items:
        return primary.subscription.quantity
    if len(items) > 1:
        items = tuple(item for item in items if _counts(item))
    return items[0].quantity if len(items) == 1 else None


def _counts(item: Item) -> bool:
    return item.quantity is not None and item.quantity != 1


def _findings(account: Account, figures: SeatFigures | None) -> tuple[Finding, ...]:
    found: list[Finding] = []
    for name in sorted(account.histories):
        found += _of_history(name, account.histories[name])
    if account.linked.customer is None and not is_customer(account.linked.account):
        found.append(
            Finding(
                code="unlinked",
                severity=Severity.WARNING,
                message=f"{account.linked.account} is not linked to a Stripe customer",
            )
        )
    if figures is not None and figures.source == "stripe":
        found.append(
            Finding(
                code="seats_baseline_missing",
                severity=Severity.INFO,
                message="the product has not yet told all of its active users",
            )
        )
    return tuple(found)


def _of_history(name: str, history: History) -> list[Finding]:
    found = [
        Finding(
            code="unreadable_field",
            severity=Severity.WARNING,
            message=f"{fault.field} of {name or 'an object'}: {fault.reason}",
            evidence=(fault.position,),
        )
        for fault in history.faults
    ]
    says = told(history)
    if says is None:
        return found
    status = says.current.subscription.status
    if not access.is_known(status):
        found.append(
            Finding(
                code="unknown_status",
                severity=Severity.WARNING,
                message=f"{name} has the status {status}, which is not known here",
                evidence=(says.current.position,),
            )
        )
    if says.ambiguous:
        found.append(
            Finding(
                code="ambiguous_order",
                severity=Severity.WARNING,
                message=f"events of {name} within one second could stand either way",
                evidence=says.ambiguous[:EVIDENCE_MAX],
            )
        )
    if says.current.revived:
        found.append(
            Finding(
                code="event_after_end",
                severity=Severity.WARNING,
                message=f"{name} has ended; later events that show it alive do not count",
                evidence=says.current.revived[:EVIDENCE_MAX],
            )
        )
    return found
