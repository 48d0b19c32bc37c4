"""What answers are made of: times, positions, and what stands in every one of them."""

from __future__ import annotations

from typing import Annotated, TypeAlias, TypedDict

import msgspec

from projections.findings import Severity

Time: TypeAlias = Annotated[
    str,
    msgspec.Meta(description="RFC 3339, in UTC", extra_json_schema={"format": "date-time"}),
]
Minor: TypeAlias = Annotated[
    int, msgspec.Meta(description="minor units of the enclosing currency")
]
Position: TypeAlias = Annotated[int, msgspec.Meta(description="of an event in the log")]
Evidence: TypeAlias = list[Position]
Name: TypeAlias = Annotated[
    str,
    msgspec.Meta(
        description="an id of the product's own, printable",
        extra_json_schema={"minLength": 1, "maxLength": 255},
    ),
]


class Span(TypedDict):
    """A period, [start, end)."""

    start: Time
    end: Time


class FindingShown(TypedDict):
    """Something that is odd, and what shows it."""

    code: str
    severity: Severity
    message: str
    evidence: Evidence


class WrongfulPauseShown(TypedDict):
    """A pause that a payment learnt of late showed to be wrong."""

    invoice: str
    paid_at: Time
    paused_at: Time
    learnt_at: Time


class Meta(TypedDict):
    """Of when an answer is; nothing of it counts for its tag."""

    position: Position
    as_of: Time
    known_at: Time | None
    lag_ms: int
    replica_lag_ms: int | None
    reconciled_at: Time | None
    wrongful_pauses: list[WrongfulPauseShown]
    stale: bool


class Problem(TypedDict):
    """Why a request was not answered (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str


class Listing(TypedDict):
    """The members that every list has."""

    has_more: bool
    next: str | None
