"""Lists of the read API, and what it tells of the log and of itself: as types."""

from __future__ import annotations

from typing import Any, Literal, TypedDict

from projections.openapi.account_answers import InvoiceShown, SeatFiguresShown, SeatShown
from projections.openapi.parts import (
    Evidence,
    FindingShown,
    Listing,
    Meta,
    Minor,
    Name,
    Position,
    Time,
)


class InvoicesAnswer(Listing):
    """An account's invoices, newest first."""

    account: str
    data: list[InvoiceShown]
    meta: Meta


class EntryShown(TypedDict):
    """Something that happened to an account, as a sentence."""

    at: Time
    text: str
    type: str
    event: str
    evidence: Evidence


class TimelineAnswer(Listing):
    """What happened to an account, newest first."""

    account: str
    data: list[EntryShown]
    meta: Meta


class SeatStepShown(TypedDict):
    """One change of the seats."""

    at: Time
    change: str
    user: str | None
    by: str | None
    active: int | None
    joined: list[str]
    left: list[str]
    evidence: Evidence


class SeatHistory(Listing):
    """The changes of an account's seats, newest first."""

    data: list[SeatStepShown]


class SeatsAnswer(TypedDict):
    """Seats now: figures, who holds one, how it came to that."""

    account: str
    linked_account: str | None
    seats: SeatFiguresShown | None
    users: list[SeatShown]
    findings: list[FindingShown]
    history: SeatHistory
    meta: Meta


class SeatsThenAnswer(TypedDict):
    """Who held a seat at a moment."""

    account: str
    at: Time
    active: int | None
    users: list[SeatShown]
    meta: Meta


class EventLine(TypedDict, total=False):
    """An event without its body; of a topic that this release does not know, less."""

    position: Position
    recorded_at: Time
    id: str
    version: int
    topic: str
    source: str | None
    account: str | None
    occurred_at: Time | None
    type: str | None
    api_version: str | None
    livemode: bool | None
    stripe_account: str | None
    object_id: str | None
    endpoint: str | None
    signed_at: Time | None
    verdict: str


class EventAnswer(EventLine, total=False):
    """An event with its body as it was signed, but for card numbers, and its digest."""

    body: Any
    body_encoding: Literal["json", "base64"]
    body_bytes: int
    sha256: str


class HeadMeta(TypedDict):
    """Where the log ends."""

    position: Position


class EventsAnswer(Listing):
    """Events of the log; newest first, or, after a position, in order."""

    data: list[EventLine]
    meta: HeadMeta


class MovementShown(TypedDict):
    """How recurring revenue moved in a month.

    opening + new + expansion + reactivation - contraction - churn = closing
    """

    month: str
    currency: str
    opening: Minor
    new: Minor
    expansion: Minor
    reactivation: Minor
    contraction: Minor
    churn: Minor
    closing: Minor
    accounts: dict[str, int]


class MovementsMeta(TypedDict):
    """Of when the movements are, and where a month begins."""

    position: Position
    as_of: Time
    zone: str


class MovementsAnswer(TypedDict):
    """A row for each month and currency."""

    data: list[MovementShown]
    unpriced: list[str]
    meta: MovementsMeta


class ProjectionShown(TypedDict):
    """How far one projection is."""

    name: str
    version: int
    position: Position
    parked: int
    lag: int


class CheckpointAnswer(TypedDict):
    """The end of the log; *checkpoint* is the text that ``bl verify --against`` reads."""

    ledger: str
    mode: Literal["live", "test"]
    position: Position
    hash: str
    taken_at: Time
    checkpoint: str


class StatusAnswer(TypedDict):
    """How far the log and each projection are."""

    position: Position
    lag: int
    projections: list[ProjectionShown]
    waiting: int
    untranslated: dict[str, int]
    replica_lag_ms: int | None
    mode: Literal["live", "test"]
    ledger: str


class PageWanted(TypedDict):
    """Who is to see an account's page."""

    admin: Name


class PageAnswer(TypedDict):
    """Opens the page to whoever has it, for five minutes."""

    url: str
