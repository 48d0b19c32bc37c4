"""Requests as values, and what becomes of their answers: the same for both clients.

A read after a write of the same client says ``at_least``: it sees what was written. What
was refused for now is sent again, later each time or when the answer says; a write
carries its key, so that sending it again does nothing twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Generic, TypeVar, cast
from urllib.parse import urlencode

import attrs
import msgspec

from projections.client.problems import refused

AGAIN: Final = frozenset({429, 503})
TRIES_MAX: Final = 4
FIRST_PAUSE_S: Final = 0.2
PAUSE_S_MAX: Final = 10.0
TIMEOUT_S: Final = 5.0

T = TypeVar("T")


@attrs.frozen(kw_only=True)
class Call(Generic[T]):
    """One request, answered with *T*.

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

    def see(self, position: int) -> None:
        """Ask from now on for what has *position*, which somebody else was told."""
        self.position = max(self.position, position)

    def target(self, call: Call[Any]) -> str:
        """Return path and query of *call*."""
        query = dict(call.query)
        if call.now and self.position:
            query["at_least"] = str(self.position)
        return f"{call.path}?{urlencode(query)}" if query else call.path

    def take(
        self, call: Call[T], status: int, headers: Mapping[str, str], body: bytes
    ) -> T:
        """Return what was answered; remember where a write stands.

        Raises:
            RefusedError: It is a problem.
        """
        if status >= 400:  # noqa: PLR2004
            raise refused(status, body)
        if call.method != "GET":
            self.see(int(headers.get("Ledger-Position", "0")))
        return cast("T", msgspec.json.decode(body))


def pause_s(tries: int, headers: Mapping[str, str]) -> float:
    """Return how long to wait after *tries*: what the answer says, else ever longer."""
    asked = headers.get("Retry-After", "")
    if asked.isascii() and asked.isdigit():
        return min(float(asked), PAUSE_S_MAX)
    return float(min(FIRST_PAUSE_S * 2 ** (tries - 1), PAUSE_S_MAX))
