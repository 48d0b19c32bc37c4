"""Questions to the ledger as requests: of now, of then, as it was known then."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any, Final
from urllib.parse import quote

import attrs

from projections.client.calls import Call
from projections.openapi.account_answers import AccessAnswer, BillingAnswer
from projections.openapi.list_answers import (
    EventsAnswer,
    InvoicesAnswer,
    MovementsAnswer,
    SeatsAnswer,
    SeatsThenAnswer,
    StatusAnswer,
    TimelineAnswer,
)
from projections.openapi.period_answers import (
    DunningAnswer,
    ExplanationAnswer,
    PeriodAnswer,
)

LIMIT: Final = 100
Moment = datetime | int
"""A time, or with ``known_at`` a position."""


@attrs.frozen(kw_only=True)
class Then:
    """Of when the answer is to be: what was true then, as it was known then."""

    as_of: datetime | None = None
    known_at: Moment | None = None


def access(account: str) -> Call[AccessAnswer]:
    """Ask what *account* may do."""
    return _read(account, "access")


def billing(account: str, then: Then) -> Call[BillingAnswer]:
    """Ask for everything known of *account*."""
    return _read(account, "billing", then)


def seats(account: str) -> Call[SeatsAnswer]:
    """Ask for the seats of *account*."""
    return _read(account, "seats")


def seats_at(account: str, moment: datetime) -> Call[SeatsThenAnswer]:
    """Ask who held a seat at *moment*."""
    return _read(account, "seats", at=moment)


def dunning(account: str) -> Call[DunningAnswer]:
    """Ask what becomes of what was not paid."""
    return _read(account, "dunning")


def period(account: str, start: date | str) -> Call[PeriodAnswer]:
    """Ask what a period comes to."""
    return _read(account, f"periods/{quote(str(start), safe='')}")


def explain(account: str, figure: str) -> Call[ExplanationAnswer]:
    """Ask why a figure is what it is."""
    return _read(account, "explain", figure=figure)


def invoices(account: str, cursor: str | None) -> Call[InvoicesAnswer]:
    """Ask for a page of invoices."""
    return _read(account, "invoices", limit=LIMIT, cursor=cursor)


def timeline(account: str, cursor: str | None) -> Call[TimelineAnswer]:
    """Ask for a page of what happened."""
    return _read(account, "timeline", limit=LIMIT, cursor=cursor)


def events(after: int, account: str | None) -> Call[EventsAnswer]:
    """Ask for what came after a position."""
    asked = {"after": after, "account": account, "limit": LIMIT}
    return Call(path="/v1/events", query=_written(asked))


def movements(first: str, last: str) -> Call[MovementsAnswer]:
    """Ask how recurring revenue moved from month to month."""
    return Call(path="/v1/movements", query=_written({"from": first, "to": last}), now=True)


def status() -> Call[StatusAnswer]:
    """Ask how far the log and each projection are."""
    return Call(path="/v1/status")


def _read(
    account: str, what: str, then: Then | None = None, **query: str | int | datetime | None
) -> Call[Any]:
    then = then or Then()
    asked = {"as_of": then.as_of, "known_at": then.known_at, **query}
    return Call(
        path=f"/v1/accounts/{quote(account, safe='')}/{what}",
        query=_written(asked),
        now=then == Then(),
    )


def _written(query: Mapping[str, str | int | datetime | None]) -> dict[str, str]:
    return {
        name: written(value) if isinstance(value, datetime) else str(value)
        for name, value in query.items()
        if value is not None
    }


def written(value: datetime) -> str:
    """Write a time as the ledger reads it."""
    if value.tzinfo is None:
        raise ValueError("a time needs its zone")
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
