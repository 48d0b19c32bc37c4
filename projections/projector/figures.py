"""What the projector shows of itself to Prometheus: how far, how many parked."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final

from ledger.errors import UnavailableError
from ledger.metrics import Counter, Gauge, Metrics
from projections.api.app import Api

EVERY_S: Final = 5.0


class Figures:
    """The latest figures, asked for every few seconds."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._head = self._lag = self._parked = self._replica_lag_ms = 0
        self._untranslated = Counter(
            "ledger_untranslated_events", "Stripe events that no translator reads", "type"
        )
        self.metrics = Metrics(
            Gauge("ledger_log_position", "How many events the log has", self._ask_head),
            Gauge("ledger_projection_lag", "Positions behind the log", self._ask_lag),
            Gauge(
                "ledger_parked_accounts", "Accounts that wait for a fix", self._ask_parked
            ),
            Gauge(
                "ledger_replica_lag_seconds",
                "How old what a replica shows may be",
                self._ask_replica_lag,
            ),
            self._untranslated,
        )

    async def follow(self, stop: asyncio.Event) -> None:
        """Ask for the figures until *stop* is set."""
        while not stop.is_set():
            with suppress(UnavailableError):
                await self._refresh()
            try:
                await asyncio.wait_for(stop.wait(), EVERY_S)
            except TimeoutError:
                continue

    async def _refresh(self) -> None:
        standings = await self._api.reader.standings()
        head = (await self._api.log.head()).position
        self._head = head
        self._lag = max(0, head - min(each.position for each in standings))
        self._parked = sum(each.parked for each in standings)
        beat = await self._api.reader.look()
        self._replica_lag_ms = beat.replica_lag_ms(self._api.clock()) or 0
        self._untranslated.values.update(await self._api.reader.untranslated())

    def _ask_head(self) -> float:
        return float(self._head)

    def _ask_lag(self) -> float:
        return float(self._lag)

    def _ask_replica_lag(self) -> float:
        return self._replica_lag_ms / 1000

    def _ask_parked(self) -> float:
        return float(self._parked)
