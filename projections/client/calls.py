"""Requests as values, and what becomes of their answers: the same for both clients.

A read after a write of the same client says ``at_least``: it sees what was written. What
was refused for now is sent again, later each time or when the answer says; a write
carries its key, so that sending it again does nothing twice.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote, urlencode

import attrs
import msgspec

from projections.client.problems import refused

AGAIN: Final = frozenset({429, 503})
TRIES_MAX: Final = 4
FIRST_PAUSE_S: Final = 0.2
PAUSE_S_MAX: Final = 10.0
TIMEOUT_S: Final = 5.0

Moment = datetime | int
"""A time, or with ``known_at`` a position."""


@attrs.frozen(kw_only=True)
class Call:
    """One request.

    Attributes:
        now: Whether it asks of the present, so that own writes belong into the answer.
    """

    method: str = "GET"
    path: str
    query: Mapping[str, str] = attrs.Factory(dict)
    headers: Mapping[str, str] = attrs.Factory(dict)
    body: bytes | None = None
    now: bool = False


@attrs.define
class Memory:
    """What a client has seen.

    Attributes:
        position: The last position that a write of its own was told.
    """

    position: int = 0

    def target(self, call: Call) -> str:
        """Return path and query of *call*."""
        query = dict(call.query)
        if call.now and self.position:
            query["at_least"] = str(self.position)
        return f"{call.path}?{urlencode(query)}" if query else call.path

    def take(self, call: Call, status: int, headers: Mapping[str, str], body: bytes) -> Any:  # noqa: ANN401 - typed by who asked
        """Return what was answered; remember where a write stands.

        Raises:
            RefusedError: It is a problem.
        """
        if status >= 400:  # noqa: PLR2004
            raise refused(status, body)
        if call.method != "GET":
            written = headers.get("Ledger-Position", "0")
            self.position = max(self.position, int(written))
        return msgspec.json.decode(body)


def pause_s(tries: int, headers: Mapping[str, str]) -> float:
    """Return how long to wait after *tries*: what the answer says, else ever longer."""
    asked = headers.get("Retry-After", "")
    if asked.isascii() and asked.isdigit():
        return min(float(asked), PAUSE_S_MAX)
    return float(min(FIRST_PAUSE_S * 2 ** (tries - 1), PAUSE_S_MAX))


def read(
    account: str,
    what: str,
    *,
    as_of: datetime | None = None,
    known_at: Moment | None = None,
    **query: str | int | datetime | None,
) -> Call:
    """Return the request for *what* of *account*."""
    asked = {"as_of": as_of, "known_at": known_at, **query}
    return Call(
        path=f"/v1/accounts/{quote(account, safe='')}/{what}",
        query=_written(asked),
        now=as_of is None and known_at is None,
    )


def listing(path: str, **query: str | int | datetime | None) -> Call:
    """Return the request for a list that is no account's."""
    return Call(path=path, query=_written(query))


def write(method: str, account: str, what: str, body: object, key: str | None) -> Call:
    """Return the request that tells the ledger *body*.

    Args:
        key: What makes it one and the same when it is sent again; None makes one.
    """
    return Call(
        method=method,
        path=f"/v1/accounts/{quote(account, safe='')}/{what}",
        headers={
            "Idempotency-Key": key or secrets.token_hex(16),
            "Content-Type": "application/json",
        },
        body=msgspec.json.encode(body),
    )


def seat(
    user: str, *, active: bool, actor: str | None, effective_at: datetime | None
) -> dict[str, Any]:
    """Return the change of a seat as the intake reads it."""
    told = {"user": user, "active": active, "actor": actor, "effective_at": effective_at}
    return {name: value for name, value in told.items() if value is not None}


def users(given: Collection[str] | int) -> dict[str, Any]:
    """Return all active users, or their number, as the intake reads them."""
    return {"count": given} if isinstance(given, int) else {"users": sorted(given)}


def _written(query: Mapping[str, str | int | datetime | None]) -> dict[str, str]:
    return {
        name: _moment(value) if isinstance(value, datetime) else str(value)
        for name, value in query.items()
        if value is not None
    }


def _moment(value: datetime) -> str:
    if value.tzinfo is None:
        raise ValueError("a time needs its zone")
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
