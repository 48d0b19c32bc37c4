"""What a period comes to, what follows a failed payment, and why: as types."""

from __future__ import annotations

from typing import Literal, TypedDict

from projections.dunning.timelines import Stage
from projections.explain.tree import Figure, Operation, Unit
from projections.openapi.parts import (
    Evidence,
    FindingShown,
    Meta,
    Minor,
    Position,
    Span,
    Time,
)
from projections.totals.period_lines import Kind, Source


class PartShown(TypedDict):
    """A step of a tiered price."""

    quantity: int
    unit_amount_decimal: str | None
    flat_amount_decimal: str | None


class CouponShown(TypedDict):
    """The coupon behind a discount."""

    discount: str
    id: str | None
    name: str | None
    percent_off: str | None
    amount_off: Minor | None
    duration: str | None
    until: Time | None
    of: Minor | None


class TaxShown(TypedDict):
    """The rate behind a tax."""

    rate: str | None
    name: str | None
    percentage: str | None
    of: Minor | None
    reason: str | None


class LineShown(TypedDict):
    """One line of a total, with all that it is made of."""

    kind: Kind
    description: str | None
    quantity: int | None
    unit_amount_decimal: str | None
    amount: Minor
    source: Source
    start: Time | None
    end: Time | None
    proration: bool
    invoice: str | None
    price: str | None
    included: int | None
    parts: list[PartShown]
    coupon: CouponShown | None
    tax: TaxShown | None
    evidence: Evidence


class PeriodTotalShown(TypedDict):
    """What a period costs: total = base + seats + other - discount + tax."""

    subscription: str
    period: Span
    currency: str
    base: Minor
    seats: Minor
    other: Minor
    discount: Minor
    tax: Minor
    tax_included: Minor
    total: Minor
    credited: Minor
    estimate: bool
    lines: list[LineShown]


class PeriodAnswer(PeriodTotalShown):
    """A period's total."""

    account: str
    meta: Meta


class PolicyShown(TypedDict):
    """The policy that governs a timeline, in days after the first failure."""

    retry_days: list[int]
    pause_day: int
    cancel_day: int


class StepShown(TypedDict):
    """What is due or happened after a failed payment."""

    kind: Literal["attempt", "pause", "cancel", "recovery"]
    n: int | None
    due_at: Time | None
    happened_at: Time | None
    outcome: str | None
    reason: str | None
    message: str | None
    guess: bool
    evidence: Evidence


class TimelineShown(TypedDict):
    """What becomes of one invoice that was not paid."""

    invoice: str
    number: str | None
    subscription: str | None
    currency: str | None
    amount_due: Minor | None
    amount_remaining: Minor | None
    first_failed_at: Time
    assumed: bool
    stage: Stage
    reason: str | None
    ended_at: Time | None
    pause_at: Time
    cancel_at: Time
    policy: PolicyShown
    deviation: str | None
    steps: list[StepShown]


class DunningAnswer(TypedDict):
    """The timelines of an account, the latest first."""

    account: str
    data: list[TimelineShown]
    meta: Meta


class NodeShown(TypedDict):
    """A figure, the operation that makes it, and the figures that it is made of."""

    label: str
    detail: str | None
    value: int | str | None
    unit: Unit
    operation: Operation | None
    operand: bool
    arithmetic: str | None
    source: str | None
    at: Time | None
    until: Time | None
    by: str | None
    evidence: Evidence
    children: list[NodeShown]


class WitnessShown(TypedDict):
    """An event that an explanation rests on."""

    position: Position
    event: str
    type: str
    at: Time
    by: str | None


class ExplanationMeta(Meta):
    """Of when an explanation is, and the events that it rests on."""

    events: list[WitnessShown]


class ExplanationAnswer(TypedDict):
    """A figure as arithmetic down to events, added up again."""

    account: str
    figure: Figure
    title: str
    currency: str | None
    period: Span | None
    value: int | str | None
    adds_up: bool
    tree: NodeShown
    beside: list[NodeShown]
    findings: list[FindingShown]
    meta: ExplanationMeta
