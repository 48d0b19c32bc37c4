"""Requests by what became of them: how many, how long they took, why they were refused.

    ledger_requests_total{route="GET /v1/accounts/{account}/access"}    4711
    ledger_refusals_total{reason="wrong-scope"}                            3
    ledger_request_seconds                                               histogram

Routes are named by their patterns, so that no account is in a name. Deliveries have
figures of their own.
"""

from __future__ import annotations

from typing import Final

import attrs
from aiohttp import web

from ledger.metrics import Counter, Latency

REASON: Final[web.ResponseKey[str]] = web.ResponseKey("reason", str)
REFUSED_FROM: Final = 400
NOWHERE: Final = "nowhere"


@attrs.define
class Traffic:
    """What a process counts of the requests it answers."""

    requests: Counter = attrs.Factory(
        lambda: Counter("ledger_requests", "Requests by where they went", "route")
    )
    refusals: Counter = attrs.Factory(
        lambda: Counter("ledger_refusals", "Requests not answered, by why", "reason")
    )
    latency: Latency = attrs.Factory(
        lambda: Latency("ledger_request_seconds", "From a request's header to its answer")
    )

    @property
    def shown(self) -> tuple[Counter, Counter, Latency]:
        """All of them, for the metrics."""
        return self.requests, self.refusals, self.latency

    def note(
        self, request: web.Request, answer: web.StreamResponse, seconds: float
    ) -> None:
        """Count one request, answered after *seconds*."""
        resource = request.match_info.route.resource
        # A method that no route knows is anybody's word, and is not kept.
        where = (
            f"{request.method} {resource.canonical}" if resource is not None else NOWHERE
        )
        self.requests.values[where] += 1
        # The receiver's answers have no state, and figures of their own; a stream takes as
        # long as somebody listens.
        if not isinstance(answer, web.Response):
            return
        if answer.status >= REFUSED_FROM:
            self.refusals.values[answer.get(REASON, str(answer.status))] += 1
        self.latency.note(seconds)


TRAFFIC: Final[web.AppKey[Traffic]] = web.AppKey("traffic", Traffic)
