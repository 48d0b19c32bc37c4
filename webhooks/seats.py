"""Seat intake: who is active in the product, as single changes, in batches, or in full.

    POST …/seat-changes        {"user": "u_7", "active": true, "actor": "u_1"}
    POST …/seat-changes:batch  [{"user": "u_7", "active": true}, …]   all or none
    PUT  …/seats               {"users": ["u_1", "u_7"]} or {"count": 12}

Changes are absolute (active or not), never plus or minus one: sent twice, they say what
they said once.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Final

import msgspec

from ledger.events import Command, CommandEvent, SeatAssigned, SeatReleased, SeatsCounted
from ledger.moments import YEARS
from ledger.problems import bad_request
from projections.openapi.parts import Name
from webhooks.commands import EVENTS_MAX, convert, numbered, readable_id

SEATS_MAX: Final = 10_000_000

Moment = Annotated[datetime, msgspec.Meta(tz=True)]
Seats = Annotated[int, msgspec.Meta(ge=0, le=SEATS_MAX)]


class Change(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One user who came or went."""

    user: Name
    active: bool
    effective_at: Moment | None = None
    actor: Name | None = None


class Count(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """All users at once, or only how many; one of the two."""

    users: list[Name] | None = None
    count: Seats | None = None
    effective_at: Moment | None = None
    actor: Name | None = None


def single(account: str, body: object, command: Command) -> Sequence[CommandEvent]:
    """Read one change."""
    return [_change(account, convert(body, Change), command)]


def batch(account: str, body: object, command: Command) -> Sequence[CommandEvent]:
    """Read a list of changes."""
    changes = convert(body, list[Change])
    if not 0 < len(changes) <= EVENTS_MAX:
        raise bad_request(f"a batch holds 1 to {EVENTS_MAX} changes")
    return [
        _change(account, change, numbered(command, place))
        for place, change in enumerate(changes, start=1)
    ]


def full(account: str, body: object, command: Command) -> Sequence[CommandEvent]:
    """Read the full set of users, or their number."""
    count = convert(body, Count)
    if (count.users is None) == (count.count is None):
        raise bad_request("give either users or count")
    users = None
    if count.users is not None:
        users = tuple(dict.fromkeys(readable_id("user", user) for user in count.users))
    return [
        SeatsCounted(
            account=account,
            command=command,
            users=users,
            count=count.count,
            actor=_actor(count.actor),
            effective_at=_moment(count.effective_at),
        )
    ]


def _change(account: str, change: Change, command: Command) -> CommandEvent:
    kind = SeatAssigned if change.active else SeatReleased
    return kind(
        account=account,
        command=command,
        user=readable_id("user", change.user),
        actor=_actor(change.actor),
        effective_at=_moment(change.effective_at),
    )


def _actor(actor: str | None) -> str | None:
    return None if actor is None else readable_id("actor", actor)


def _moment(moment: datetime | None) -> datetime | None:
    if moment is None:
        return None
    if moment.year not in YEARS:
        raise bad_request(
            f"effective_at is not between the years {YEARS[0]} and {YEARS[-1]}"
        )
    return moment.astimezone(UTC)
