"""What the read API shows of the whole ledger's recurring revenue.

GET /v1/movements?from=2026-01&to=2026-12     scope read, no token of one account

opening + new + expansion + reactivation - contraction - churn = closing: what goes is
told by how much it is, where ``bl movements`` writes it with its sign.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from typing import Final

import attrs
from aiohttp import web

from ledger.book_months import BookMonth, BookMonthError
from ledger.moments import rfc3339
from ledger.problems import bad_request, nothing_here, require
from ledger.tokens import Scope
from projections.accounting.movements import Movement, Row, Span
from projections.api.coverage import covered
from projections.api.questions import question
from projections.api.responses import Json, told
from projections.book_report import Asked, movements, rendered, spans
from projections.pulse import Beat, Pulse
from projections.reading import Reader

ASKED: Final = ("from", "to", "at_least")
GOING: Final = (Movement.CONTRACTION, Movement.CHURN)


@attrs.frozen(kw_only=True)
class MovementsApi:
    """The handler of the path.

    Attributes:
        zone: Where a month of the books begins.
    """

    reader: Reader
    pulse: Pulse[Beat]
    clock: Callable[[], datetime]
    zone: tzinfo = UTC
    # All customers are gone through for each answer: one after another will do.
    turn: asyncio.Lock = attrs.Factory(asyncio.Lock)

    async def movements(self, request: web.Request) -> web.Response:
        """Answer with a row for each month and currency."""
        grant = require(request, Scope.READ)
        asked = question(request, ASKED)
        if grant.account is not None:
            raise nothing_here()
        now = self.clock()
        months = self._months(asked.chosen, now)
        position = (await covered(self.pulse, asked)).least
        async with self.turn:
            found = await movements(self.reader, Asked(months=months), now)
        body = {
            "data": [_shown(row) for row in found.rows],
            "unpriced": list(found.unpriced),
        }
        meta = {"position": position, "as_of": rfc3339(now), "zone": str(self.zone)}
        return told(request, body, position, beside=meta)

    def _months(self, chosen: Mapping[str, str], now: datetime) -> Sequence[Span]:
        current = str(BookMonth.of(now, self.zone))
        try:
            last = BookMonth.parse(chosen.get("to", current))
            first = BookMonth.parse(chosen.get("from", str(last)))
            return spans(first, last, self.zone, now)
        except BookMonthError as error:
            raise bad_request(str(error)) from None


def _shown(row: Row) -> Json:
    found = rendered(row)
    return {**found, **{str(cell): -found[cell] for cell in GOING}}


def routes(api: MovementsApi) -> list[web.RouteDef]:
    """Return the routes of *api*."""
    return [web.get("/v1/movements", api.movements)]
