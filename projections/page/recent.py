"""What happened lately, said once for each reader while nothing else happens.

The newest event of the account, its figures and the clock tell whether what was said
still holds: saying it costs as much as all the rest of the page.
"""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime
from typing import Any, Final

import attrs

from ledger.horizon import Horizon
from ledger.log import Log
from projections.api.kept_answers import Kept
from projections.page.activity import SHOWN, Lately, lately, reasons
from projections.page.readers import Reader
from projections.page.showing import Shown

SAID_MAX: Final = 500
# How often it is read on where there was little to say.
FURTHER_MAX: Final = 6


@attrs.frozen(kw_only=True)
class _Said:
    """What was said at *said_at*, beside the answer *kept*, after the event *newest*."""

    kept: Kept[Any]
    newest: int
    said_at: datetime
    until: datetime
    lately: Lately


class Recent:
    """Tells readers what happened lately."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._said: OrderedDict[tuple[str, Reader], _Said] = OrderedDict()

    async def before(
        self, shown: Shown, reader: Reader, position: int | None = None
    ) -> Lately:
        """Return what happened before *position*; None is lately.

        Objects that an import brought are nothing that happened: it is looked behind them.
        """
        if shown.view is None:
            return Lately(entries=(), next=None)
        said = reasons(shown.dunning)
        found = await lately(self._log, shown.view, reader, reasons=said, before=position)
        for _ in range(FURTHER_MAX):
            if found.next is None or len(found.entries) >= SHOWN:
                break
            found = found.and_older(
                await lately(
                    self._log, shown.view, reader, reasons=said, before=int(found.next)
                )
            )
        return found

    async def lately(self, shown: Shown, reader: Reader) -> Lately:
        """Return what happened lately, as it was said before where that still holds."""
        if shown.view is None or shown.kept is None:
            return await self.before(shown, reader)
        key = (shown.kept.asked, reader)
        newest = await self._log.newest(
            accounts=shown.view.linked.streams, before=shown.view.position + 1, limit=1
        )
        last, now = newest[0].position if newest else 0, shown.view.now
        said = self._said.get(key)
        if (
            said is None
            or said.kept is not shown.kept
            or said.newest != last
            or not said.said_at <= now < said.until
        ):
            horizon = Horizon(now)
            view = attrs.evolve(shown.view, now=horizon.now)
            found = await self.before(attrs.evolve(shown, view=view), reader)
            said = _Said(
                kept=shown.kept,
                newest=last,
                said_at=now,
                until=horizon.until,
                lately=found,
            )
        self._keep(key, said)
        return said.lately

    def _keep(self, key: tuple[str, Reader], said: _Said) -> None:
        self._said[key] = said
        self._said.move_to_end(key)
        if len(self._said) > SAID_MAX:
            self._said.popitem(last=False)
