"""A client for programs that wait for their answers; one per thread.

with Ledger("http://127.0.0.1:8080", token) as ledger:
    ledger.assign_seat("shop-17", "u_7", actor="u_1")
    ledger.access("shop-17")["access"]["level"]           # 'full'
"""

from __future__ import annotations

import http.client
import time
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import Any, Self, cast
from urllib.parse import urlsplit

from projections.client import calls
from projections.client.calls import Call, Memory, Moment
from projections.client.problems import UnreachableError
from projections.openapi.account_answers import (
    AccessAnswer,
    BillingAnswer,
    InvoiceShown,
)
from projections.openapi.list_answers import EventsAnswer, SeatsAnswer
from projections.openapi.period_answers import DunningAnswer, ExplanationAnswer


class Ledger:
    """The ledger at *base*, asked with *token*.

    Args:
        timeout_s: For each try of a request.
        tries_max: How often a request is sent before what it met is raised.

    Every method raises what `projections.client.problems` names.
    """

    def __init__(
        self,
        base: str,
        token: str,
        *,
        timeout_s: float = calls.TIMEOUT_S,
        tries_max: int = calls.TRIES_MAX,
    ) -> None:
        target = urlsplit(base)
        kind = {"http": http.client.HTTPConnection, "https": http.client.HTTPSConnection}
        self._connection = kind[target.scheme](target.netloc, timeout=timeout_s)
        self._prefix = target.path.rstrip("/")
        self._token = token
        self._tries_max = tries_max
        self._memory = Memory()

    def __enter__(self) -> Self:
        """Return it."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close its connection."""
        self.close()

    def close(self) -> None:
        """Close its connection."""
        self._connection.close()

    def access(self, account: str) -> AccessAnswer:
        """Return what *account* may do now."""
        return cast("AccessAnswer", self._ask(calls.read(account, "access")))

    def billing(
        self,
        account: str,
        *,
        as_of: datetime | None = None,
        known_at: Moment | None = None,
    ) -> BillingAnswer:
        """Return everything known of *account*, now, then, or as it was known then."""
        asked = calls.read(account, "billing", as_of=as_of, known_at=known_at)
        return cast("BillingAnswer", self._ask(asked))

    def seats(self, account: str) -> SeatsAnswer:
        """Return the seats of *account*, who holds one, and the latest changes."""
        return cast("SeatsAnswer", self._ask(calls.read(account, "seats")))

    def dunning(self, account: str) -> DunningAnswer:
        """Return what becomes of each invoice that was not paid."""
        return cast("DunningAnswer", self._ask(calls.read(account, "dunning")))

    def explain(self, account: str, figure: str) -> ExplanationAnswer:
        """Return why ``total``, ``status``, ``seats`` or ``dunning`` is what it is."""
        asked = calls.read(account, "explain", figure=figure)
        return cast("ExplanationAnswer", self._ask(asked))

    def invoices(self, account: str) -> Iterator[InvoiceShown]:
        """Yield every invoice of *account*, newest first."""
        cursor: str | None = None
        while True:
            page = self._ask(calls.read(account, "invoices", limit=100, cursor=cursor))
            yield from page["data"]
            cursor = page["next"]
            if cursor is None:
                return

    def events(self, after: int, account: str | None = None) -> EventsAnswer:
        """Return up to 100 events after a position, in order (scope ``audit``)."""
        asked = calls.listing("/v1/events", after=after, account=account, limit=100)
        return cast("EventsAnswer", self._ask(asked))

    def assign_seat(
        self,
        account: str,
        user: str,
        *,
        actor: str | None = None,
        effective_at: datetime | None = None,
        key: str | None = None,
    ) -> int:
        """Tell that *user* is active, and return the position it was told at."""
        told = calls.seat(user, active=True, actor=actor, effective_at=effective_at)
        return self._tell("POST", account, "seat-changes", told, key)

    def release_seat(
        self,
        account: str,
        user: str,
        *,
        actor: str | None = None,
        effective_at: datetime | None = None,
        key: str | None = None,
    ) -> int:
        """Tell that *user* is active no more, and return the position."""
        told = calls.seat(user, active=False, actor=actor, effective_at=effective_at)
        return self._tell("POST", account, "seat-changes", told, key)

    def set_seats(
        self, account: str, users: Collection[str] | int, *, key: str | None = None
    ) -> int:
        """Tell who is active, all of them, or how many; return the position."""
        return self._tell("PUT", account, "seats", calls.users(users), key)

    def link(self, account: str, customer: str, *, key: str | None = None) -> int:
        """Tell that the product's *account* is *customer* of Stripe."""
        return self._tell("POST", account, "link", {"customer": customer}, key)

    def _tell(
        self, method: str, account: str, what: str, told: object, key: str | None
    ) -> int:
        answer = self._ask(calls.write(method, account, what, told, key))
        return int(answer["position"])

    def _ask(self, call: Call) -> Any:  # noqa: ANN401 - typed by who asked
        tries = 0
        while True:
            tries += 1
            last = tries >= self._tries_max
            pause: Mapping[str, str] = {}
            try:
                status, headers, body = self._send(call)
            except (OSError, http.client.HTTPException) as error:
                self._connection.close()
                if last:
                    raise UnreachableError(f"no answer: {error!r}") from error
            else:
                if status not in calls.AGAIN or last:
                    return self._memory.take(call, status, headers, body)
                pause = headers
            time.sleep(calls.pause_s(tries, pause))

    def _send(self, call: Call) -> tuple[int, Mapping[str, str], bytes]:
        headers = {"Authorization": f"Bearer {self._token}", **call.headers}
        target = self._prefix + self._memory.target(call)
        self._connection.request(call.method, target, call.body, headers)
        answer = self._connection.getresponse()
        return answer.status, answer.headers, answer.read()
