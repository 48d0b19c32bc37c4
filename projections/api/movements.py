"""What the read API shows of the whole ledger's recurring revenue.

GET /v1/movements?from=2026-01&to=2026-12     scope read, no token of one account
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, tzinfo
from typing import Final

import attrs
from aiohttp import web

from ledger.book_months import BookMonth, BookMonthError
from ledger.moments import rfc3339
from ledger.problems import Problem, bad_request, require
from ledger.tokens import Scope
from projections.api.questions import question
from projections.api.responses import written
from projections.book_report import Asked, movements, rendered, spans
from projections.reading import Reader

ASKED: Final = ("from", "to")


@attrs.frozen(kw_only=True)
class MovementsApi:
    """The handler of the path.

    Attributes:
        zone: Where a month of the books begins.
    """

    reader: Reader
    clock: Callable[[], datetime]
    zone: tzinfo = UTC

    async def movements(self, request: web.Request) -> web.Response:
        """Answer with a row for each month and currency."""
        grant = require(request, Scope.READ)
        chosen = question(request, ASKED).chosen
        if grant.account is not None:
            raise Problem(status=404, slug="not-found", detail="there is nothing here")
        now = self.clock()
        current = str(BookMonth.of(now, self.zone))
        try:
            last = BookMonth.parse(chosen.get("to", current))
            first = BookMonth.parse(chosen.get("from", str(last)))
            months = spans(first, last, self.zone, now)
        except BookMonthError as error:
            raise bad_request(str(error)) from None
        position = await self.reader.position()
        told = await movements(self.reader, Asked(months=months), now)
        return written(
            {
                "data": [rendered(row) for row in told.rows],
                "unpriced": list(told.unpriced),
                "meta": {
                    "position": position,
                    "as_of": rfc3339(now),
                    "zone": str(self.zone),
                },
            }
        )


def routes(api: MovementsApi) -> list[web.RouteDef]:
    """Return the routes of *api*."""
    return [web.get("/v1/movements", api.movements)]
