"""Which status each subscription had, and when: so what an account was at any time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import attrs

from replay.simulator.subscriptions import Status

_RANKS: Final = {status: rank for rank, status in enumerate(Status)}


@attrs.frozen(kw_only=True)
class Standing:
    """A subscription's status from *since* on, whole seconds since 1970."""

    since: int
    subscription_id: str
    created: int
    status: Status


@attrs.frozen
class Standings:
    """Every change of status of one account, in the order in which they were told."""

    _told: list[Standing] = attrs.field(factory=list)
    _latest: dict[str, Standing] = attrs.field(factory=dict)

    def record(self, standing: Standing) -> None:
        """Keep *standing*, unless it is what was known."""
        known = self._latest.get(standing.subscription_id)
        if known is None or known.status is not standing.status:
            self._told.append(standing)
            self._latest[standing.subscription_id] = standing

    def primary(self, at: int | None = None) -> Standing | None:
        """Return the standing that counts at *at*, or now; None before the first."""
        if at is None:
            return primary(self._latest)
        known = {
            standing.subscription_id: standing
            for standing in self._told
            if standing.since <= at
        }
        return primary(known)


def primary(standings: Mapping[str, Standing]) -> Standing | None:
    """Return the one of the best status; of several such, the newest subscription."""
    candidates: Iterable[Standing] = standings.values()
    return min(candidates, key=_precedence, default=None)


def _precedence(standing: Standing) -> tuple[int, int, str]:
    return _RANKS[standing.status], -standing.created, standing.subscription_id
