"""What is asked of Stripe again and again while the ledger is served.

    at the start, then every hour    catch up with what no webhook brought
    after it, then every six hours   compare what is kept with what Stripe has; every
                                     hour, and at the start, while something differs

Nothing of it ends the process: what goes wrong is logged, and tried again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

import attrs

from ledger.errors import LedgerError
from ledger.events import Check, StripeChecked
from ledger.log import Log
from ledger.metrics import Gauge, Metrics
from ledger.settings import Mode, Settings
from webhooks.catching_up import NEAR, catch_up, reached
from webhooks.healing import heal
from webhooks.held import Held, held
from webhooks.reconciling import Read, Reconciliation
from webhooks.stripe_account import runs
from webhooks.stripe_client import StripeClient

CATCH_UP_EVERY: Final = timedelta(hours=1)
RECONCILE_EVERY: Final = timedelta(hours=6)
RETRY_S: Final = 300.0
_logger = logging.getLogger(__name__)


@attrs.frozen(kw_only=True)
class Place:
    """Where the rounds work.

    Attributes:
        log: Open for appending.
        covered: Waits until the read models have all that the log holds.
    """

    settings: Settings
    conninfo: str
    log: Log
    covered: Callable[[], Awaitable[None]]
    clock: Callable[[], datetime]


class Rounds:
    """Goes its rounds until it is told to stop.

    Args:
        retry_s: How long to wait after what went wrong.
    """

    def __init__(self, place: Place, *, retry_s: float = RETRY_S) -> None:
        self._place = place
        self._retry_s = retry_s
        self._caught_up = self._reconciled = self._differing = 0.0
        self.metrics = Metrics(
            Gauge(
                "ledger_caught_up_timestamp_seconds",
                "When Stripe's own events were last gone through",
                lambda: self._caught_up,
            ),
            Gauge(
                "ledger_reconciled_timestamp_seconds",
                "When the ledger was last compared with what Stripe has",
                lambda: self._reconciled,
            ),
            Gauge(
                "ledger_reconcile_differences",
                "What differed then, changes in flight left out",
                lambda: self._differing,
            ),
        )

    async def follow(self, stop: asyncio.Event) -> None:
        """Go round after round until *stop* is set."""
        while not stop.is_set():
            wait_s = CATCH_UP_EVERY.total_seconds()
            try:
                await self._round()
            except LedgerError as error:
                _logger.warning("stripe_not_asked", extra={"reason": str(error)})
                wait_s = self._retry_s
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), wait_s)

    async def _round(self) -> None:
        place = self._place
        async with StripeClient.of(place.settings) as client:
            await self._catch_up(client)
            await place.covered()
            if await heal(client, place.log, place.conninfo):
                await place.covered()
            last = await runs(place.log, Check.RECONCILE)
            if last:
                self._note_reconciled(last[-1].ended_at, len(last[-1].differing))
            if comparison_due(last[-1] if last else None, place.clock()):
                await self._reconcile(client)

    async def _catch_up(self, client: StripeClient) -> None:
        place = self._place
        last = reached(await runs(place.log))
        if last is not None and place.clock() - last > NEAR:
            # Stripe tells of 30 days: whoever reads this can still act.
            _logger.warning("catch_up_nears_limit", extra={"since": last.isoformat()})
        found = await catch_up(
            client,
            place.log,
            livemode=place.settings.mode is Mode.LIVE,
            clock=place.clock,
        )
        self._caught_up = found.begun_at.timestamp()
        if found.lost_from is not None:
            _logger.warning(
                "events_lost",
                extra={
                    "since": found.lost_from.isoformat(),
                    "advice": "bl reconcile --fix",
                },
            )
        counts = {"events": found.looked_at, "appended": found.appended}
        _logger.info("caught_up", extra=counts)

    async def _reconcile(self, client: StripeClient) -> None:
        place = self._place
        livemode = place.settings.mode is Mode.LIVE
        work = Reconciliation(client, place.log, self._read, place.clock, livemode=livemode)
        found = await work.run()
        self._note_reconciled(found.ended_at, len(found.left))
        counts = {"looked_at": found.looked_at, "differing": len(found.left)}
        _logger.log(
            logging.INFO if found.ok else logging.WARNING, "reconciled", extra=counts
        )

    @property
    def _read(self) -> Read:
        async def read() -> Held:
            await self._place.covered()
            return await held(self._place.conninfo)

        return read

    def _note_reconciled(self, at: datetime, differing: int) -> None:
        self._reconciled, self._differing = at.timestamp(), float(differing)


def comparison_due(last: StripeChecked | None, now: datetime) -> bool:
    """Tell whether a round that begins *now* compares; what differed is soon seen again."""
    return last is None or not last.ok or now - last.begun_at >= RECONCILE_EVERY
