"""What somebody should know of an account: data that is odd, missing or in conflict.

A finding changes no figure and stops nothing; it says what was seen, and where.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any, Final

import attrs

from projections.facts import Subscription
from projections.history import History, Told
from projections.marks import Mark
from projections.models.checks import Checked
from projections.models.conflicts import Conflict
from projections.models.links import Linked, is_customer
from projections.models.subscriptions import Current
from projections.status import access
from projections.status.standings import Listed

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


def warning(code: str, message: str, evidence: Iterable[int] = ()) -> Finding:
    """Return a finding that somebody should look at."""
    return Finding(
        code=code,
        severity=Severity.WARNING,
        message=message,
        evidence=tuple(evidence)[:EVIDENCE_MAX],
    )


def info(code: str, message: str) -> Finding:
    """Return a finding that is good to know."""
    return Finding(code=code, severity=Severity.INFO, message=message)


def of_object(
    name: str, history: History[Any, Any], says: Told[Any] | None
) -> list[Finding]:
    """Return what is odd about the events of one object, whatever it is."""
    found = [
        warning(
            "unreadable_field",
            f"{fault.field} of {name or 'an object'}: {fault.reason}",
            [fault.position],
        )
        for fault in history.faults
    ]
    if says is not None and says.ambiguous:
        message = f"events of {name} within one second could stand either way"
        found.append(warning("ambiguous_order", message, says.ambiguous))
    if says is not None and says.current.revived:
        message = f"{name} has ended; later events that show it alive do not count"
        found.append(warning("event_after_end", message, says.current.revived))
    return found


def of_subscription(name: str, says: Told[Subscription] | None) -> list[Finding]:
    """Return what is odd about what a subscription is now."""
    if says is None or access.is_known(says.current.value.status):
        return []
    status, position = says.current.value.status, says.current.position
    message = f"{name} has the status {status}, which is not known here"
    return [warning("unknown_status", message, [position])]


def of_currencies(currents: Mapping[str, Current]) -> list[Finding]:
    """Return where a currency changed though nothing was canceled in between."""
    found = []
    for name in sorted(currents):
        for before, after in pairwise(_with_currency(currents[name].marks)):
            if before.currency != after.currency:
                found.append(_changed(name, before, after))
        first = next(iter(_with_currency(currents[name].marks)), None)
        for other in sorted(currents):
            running = _running_at(currents[other], first) if other != name else None
            if first is not None and running is not None:
                found.append(_changed(name, running, first))
    return found


def of_seat_items(subscriptions: Sequence[Listed]) -> list[Finding]:
    """Return that several live subscriptions have seats, if so.

    Args:
        subscriptions: Those with a seat item.
    """
    live = [each for each in subscriptions if access.is_live(each.subscription.status)]
    if len(live) < 2:  # noqa: PLR2004 - one is as it should be
        return []
    names = " and ".join(each.id for each in live)
    message = f"{names} have seats at the same time; only the first one's are counted"
    positions = [each.current.position for each in live]
    return [warning("several_seat_subscriptions", message, positions)]


def of_conflicts(conflicts: Mapping[str, Conflict]) -> list[Finding]:
    """Return which Stripe events were delivered in two ways."""
    return [
        warning(
            "delivery_conflict",
            f"{name} came again with other content; what came first counts",
            conflict.positions,
        )
        for name, conflict in sorted(conflicts.items())
    ]


def of_links(linked: Linked) -> list[Finding]:
    """Return that an account has no customer, or that others claim a side of it."""
    found = []
    if linked.customer is None and not is_customer(linked.account):
        message = f"{linked.account} is not linked to a Stripe customer"
        found.append(warning("unlinked", message))
    if linked.conflicts:
        message = f"others claim {linked.account} or its account of the product"
        found.append(warning("link_conflict", message, linked.conflicts))
    return found


def of_reconciliation(linked: Linked, last: Checked | None) -> list[Finding]:
    """Return that the account was not as Stripe had it when that was last compared."""
    if last is None or linked.customer is None or linked.customer not in last.differing:
        return []
    message = f"{linked.customer} is not as Stripe has it; bl reconcile shows where"
    return [warning("differs_from_stripe", message, [last.position])]


def _changed(name: str, before: Mark, after: Mark) -> Finding:
    message = (
        f"{name} is in {after.currency}, where {before.currency} was fixed at signup; "
        "nothing was canceled in between"
    )
    return warning("currency_changed", message, [before.position, after.position])


def _with_currency(marks: Iterable[Mark]) -> list[Mark]:
    return [mark for mark in marks if mark.currency is not None]


def _running_at(current: Current, first: Mark | None) -> Mark | None:
    """Return what ran in another currency when *first* began; None if nothing did."""
    if first is None:
        return None
    earlier = [mark for mark in _with_currency(current.marks) if mark.at < first.at]
    if not earlier or not access.is_live(earlier[-1].status):
        return None
    ended = _ended_at(current)
    if ended is not None and ended <= first.at:
        return None
    return earlier[-1] if earlier[-1].currency != first.currency else None


def _ended_at(current: Current) -> datetime | None:
    return current.value.ended_at
