"""A client for programs that wait for their answers; one per thread.

with Ledger("http://127.0.0.1:8080", token) as ledger:
    ledger.assign_seat("shop-17", "u_7", actor="u_1")
    ledger.access("shop-17")["access"]["level"]           # 'full'
"""

from __future__ import annotations

import http.client
import time
from collections.abc import Collection, Iterator, Mapping
from datetime import date, datetime
from typing import Any, Self, TypeVar
from urllib.parse import urlsplit

from projections.client import asking, calls, telling
from projections.client.asking import Moment, Then
from projections.client.calls import Call, Memory
from projections.client.problems import UnreachableError
from projections.client.telling import Checkout, Seat
from projections.openapi.account_answers import (
    AccessAnswer,
    BillingAnswer,
    InvoiceShown,
)
from projections.openapi.list_answers import (
    EntryShown,
    EventsAnswer,
    MovementsAnswer,
    SeatsAnswer,
    SeatsThenAnswer,
    StatusAnswer,
)
from projections.openapi.period_answers import (
    DunningAnswer,
    ExplanationAnswer,
    PeriodAnswer,
)

T = TypeVar("T")


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

    def see(self, position: int) -> None:
        """Read from now on what covers *position*, which another client was told."""
        self._memory.see(position)

    def access(self, account: str) -> AccessAnswer:
        """Return what *account* may do now."""
        return self._ask(asking.access(account))

    def billing(
        self,
        account: str,
        *,
        as_of: datetime | None = None,
        known_at: Moment | None = None,
    ) -> BillingAnswer:
        """Return everything known of *account*, now, then, or as it was known then."""
        then = Then(as_of=as_of, known_at=known_at)
        return self._ask(asking.billing(account, then))

    def seats(self, account: str) -> SeatsAnswer:
        """Return the seats of *account*, who holds one, and the latest changes."""
        return self._ask(asking.seats(account))

    def seats_at(self, account: str, moment: datetime) -> SeatsThenAnswer:
        """Return who held a seat at *moment*."""
        return self._ask(asking.seats_at(account, moment))

    def dunning(self, account: str) -> DunningAnswer:
        """Return what becomes of each invoice that was not paid."""
        return self._ask(asking.dunning(account))

    def period(self, account: str, start: date | str = "current") -> PeriodAnswer:
        """Return what the period that starts on a day comes to, or *current*, *next*."""
        return self._ask(asking.period(account, start))

    def explain(self, account: str, figure: str) -> ExplanationAnswer:
        """Return why ``total``, ``status``, ``seats`` or ``dunning`` is what it is."""
        return self._ask(asking.explain(account, figure))

    def invoices(self, account: str) -> Iterator[InvoiceShown]:
        """Yield every invoice of *account*, newest first."""
        cursor: str | None = None
        while True:
            page = self._ask(asking.invoices(account, cursor))
            yield from page["data"]
            cursor = page["next"]
            if cursor is None:
                return

    def timeline(self, account: str) -> Iterator[EntryShown]:
        """Yield what happened to *account*, in sentences, newest first."""
        cursor: str | None = None
        while True:
            page = self._ask(asking.timeline(account, cursor))
            yield from page["data"]
            cursor = page["next"]
            if cursor is None:
                return

    def events(self, after: int, account: str | None = None) -> EventsAnswer:
        """Return up to 100 events after a position, in order (scope ``audit``)."""
        return self._ask(asking.events(after, account))

    def movements(self, first: str, last: str) -> MovementsAnswer:
        """Return how recurring revenue moved, month by month, both included."""
        return self._ask(asking.movements(first, last))

    def status(self) -> StatusAnswer:
        """Return how far the log and each projection are."""
        return self._ask(asking.status())

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
        told = Seat(actor=actor, effective_at=effective_at, key=key)
        answer = self._ask(telling.seat(account, user, told, active=True))
        return answer["position"]

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
        told = Seat(actor=actor, effective_at=effective_at, key=key)
        answer = self._ask(telling.seat(account, user, told, active=False))
        return answer["position"]

    def set_seats(
        self, account: str, users: Collection[str] | int, *, key: str | None = None
    ) -> int:
        """Tell who is active, all of them, or how many; return the position."""
        return self._ask(telling.users(account, users, key))["position"]

    def link(self, account: str, customer: str, *, key: str | None = None) -> int:
        """Tell that the product's *account* is *customer* of Stripe."""
        return self._ask(telling.link(account, customer, key))["position"]

    def page_session(self, account: str, admin: str) -> str:
        """Return a link to the billing page, for an admin who may manage users."""
        return self._ask(telling.page_session(account, admin))["url"]

    def portal_session(
        self, account: str, admin: str, return_url: str, *, key: str | None = None
    ) -> str:
        """Return where Stripe's portal is open for *account*."""
        call = telling.portal_session(account, admin, return_url, key)
        return self._ask(call)["url"]

    def checkout_session(
        self, account: str, admin: str, wanted: Checkout, *, key: str | None = None
    ) -> str:
        """Return where Stripe's checkout is open for *account*."""
        call = telling.checkout_session(account, admin, wanted, key)
        return self._ask(call)["url"]

    def _ask(self, call: Call[T]) -> T:
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

    def _send(self, call: Call[Any]) -> tuple[int, Mapping[str, str], bytes]:
        headers = {"Authorization": f"Bearer {self._token}", **call.headers}
        target = self._prefix + self._memory.target(call)
        self._connection.request(call.method, target, call.body, headers)
        answer = self._connection.getresponse()
        return answer.status, answer.headers, answer.read()
