"""Why what an account costs differs between two moments, by kind of cause.

    12 → 14 seats             seats     +16.00
    a coupon began            coupon    -23.00
    the subscription ended    ended     -92.00

What an account costs is the total of the period that its subscription is in; nothing once
that has ended, or before it began. The causes of an account add up to its difference.
"""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

import attrs

from projections.answer import Billing
from projections.status.access import NO_STATUS
from projections.totals.period_lines import Kind

NOT_RUNNING: Final = frozenset({"canceled", "incomplete", "incomplete_expired", NO_STATUS})
# While a subscription is in one of these nothing is charged for its periods.
UNCHARGED: Final = frozenset({"trialing", "paused"})
_OF_LINES: Final = {
    Kind.BASE: "plan",
    Kind.SEAT: "seats",
    Kind.OTHER: "other",
    Kind.DISCOUNT: "coupon",
    Kind.TAX: "tax",
}


class Cause(enum.StrEnum):
    """What kind of change it was, in the order in which reports list them."""

    NEW = "new"
    RETURNED = "returned"
    STATUS = "status"
    PLAN = "plan"
    SEATS = "seats"
    COUPON = "coupon"
    OTHER = "other"
    TAX = "tax"
    CURRENCY = "currency"
    ENDED = "ended"


class SumError(ArithmeticError):
    """Causes do not add up to what they explain: a defect of this program."""


@attrs.frozen(kw_only=True)
class Standing:
    """What is compared of an account.

    Attributes:
        parts: Minor units by kind of line; empty while it costs nothing.
        ever: Whether it ever had a subscription.
    """

    status: str = NO_STATUS
    access: str = "none"
    plan: str | None = None
    seats: int | None = None
    stage: str | None = None
    currency: str | None = None
    parts: Mapping[Cause, int] = attrs.Factory(dict)
    ever: bool = False

    @property
    def running(self) -> bool:
        """Whether it has a subscription that goes on."""
        return self.status not in NOT_RUNNING

    @property
    def total(self) -> int:
        """What it costs, in minor units of *currency*."""
        return sum(self.parts.values())


def standing(billing: Billing | None) -> Standing:
    """Return what is compared of *billing*; None is an account that nobody knew."""
    if billing is None or billing.primary is None:
        return Standing()
    shown = billing.primary.subscription
    total = billing.period_total
    runs = billing.status not in NOT_RUNNING
    parts: Counter[Cause] = Counter()
    for line in total.lines if runs and total is not None else ():
        parts[Cause(_OF_LINES[line.kind])] += line.amount
    foremost = billing.foremost
    return Standing(
        status=billing.status,
        access=billing.access.level,
        plan=billing.plan,
        seats=None if billing.seats is None else billing.seats.billed,
        stage=None if foremost is None or not foremost.open else foremost.stage,
        currency=shown.currency if total is None else total.currency,
        parts=parts,
        ever=True,
    )


def changes(before: Standing, after: Standing) -> dict[tuple[Cause, str], int]:
    """Return what each cause comes to, by currency; a cause of no money is 0.

    Raises:
        SumError: They do not add up.
    """
    found = _changes(before, after)
    for currency in {before.currency, after.currency} - {None}:
        told = sum(amount for (_, each), amount in found.items() if each == currency)
        if told != _total(after, currency) - _total(before, currency):
            raise SumError(f"causes of {told} {currency}, but the totals say otherwise")
    return found


def _total(standing: Standing, currency: str | None) -> int:
    return standing.total if standing.currency == currency else 0


def _changes(before: Standing, after: Standing) -> dict[tuple[Cause, str], int]:
    if not (before.running or after.running):
        return {} if before == after else {(Cause.STATUS, after.currency or ""): 0}
    if not before.running:
        cause = Cause.RETURNED if before.ever else Cause.NEW
        return {(cause, after.currency or ""): after.total}
    if not after.running:
        return {(Cause.ENDED, before.currency or ""): -before.total}
    if before.currency != after.currency:
        return {
            (Cause.CURRENCY, before.currency or ""): -before.total,
            (Cause.CURRENCY, after.currency or ""): after.total,
        }
    currency = after.currency or ""
    if (before.status in UNCHARGED) != (after.status in UNCHARGED):
        return {(Cause.STATUS, currency): after.total - before.total}
    return {(cause, currency): amount for cause, amount in _parted(before, after)}


def _parted(before: Standing, after: Standing) -> Iterable[tuple[Cause, int]]:
    """Yield the causes within one running subscription, in the order of `Cause`."""
    same = {
        Cause.STATUS: (before.status, before.access, before.stage)
        == (after.status, after.access, after.stage),
        Cause.PLAN: before.plan == after.plan,
        Cause.SEATS: before.seats == after.seats,
    }
    for cause in Cause:
        amount = after.parts.get(cause, 0) - before.parts.get(cause, 0)
        if amount or not same.get(cause, True):
            yield cause, amount
