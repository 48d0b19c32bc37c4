"""What accounts may do, kept for as long as nothing touches it: asked on every request.

    pulse ── where the read models are ── what events since then touched
      │
      ├── nothing of this account, and no date passed: the answer that is kept
      └── else: read it, decide it, keep it

What is kept is as true as what is read: every question is preceded by a look that began
after it, and that look by the events which it may show.
"""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime
from typing import Final

import attrs

from ledger.log import Log
from projections.account import Account
from projections.api.responses import Written
from projections.api.touches import Names, Touches, names
from projections.assembly import assembled, surrounded
from projections.models.checks import Checked
from projections.pulse import Beat, Pulse
from projections.reading import Found, Reader
from projections.rendering import access
from projections.status.entitlement import (
    Entitlement,
    deciding_needs,
    entitlement,
    holds_until,
)

KEPT_MAX: Final = 50_000
# Rather than read so many events, read the accounts again.
EVENTS_MAX: Final = 5_000


@attrs.frozen(kw_only=True)
class Kept:
    """An account's entitlement, and for how long it holds.

    Attributes:
        names: What touches it when events are about it.
        position: Every event up to here is in it.
        decided_at: The moment at which it was decided.
        until: The first moment at which a date may change it.
        written: What is answered.
    """

    names: Names
    position: int
    stale: bool
    reconciled: Checked | None
    decided_at: datetime
    until: datetime
    decided: Entitlement
    written: Written

    def holds(self, now: datetime) -> bool:
        """Tell whether no date has passed since, nor the clock gone back."""
        return self.decided_at <= now < self.until


class Entitlements:
    """The entitlements of the accounts that are asked for."""

    def __init__(self, reader: Reader, log: Log) -> None:
        self._reader = reader
        self._log = log
        self._kept: OrderedDict[str, Kept] = OrderedDict()
        self._touches = Touches(0)
        self._shown = ("", "")
        self.pulse: Pulse[Beat] = Pulse(self._look)

    async def find(self, account: str, now: datetime) -> Kept | None:
        """Return what *account* may do at *now*, as the last look or a later one shows it.

        None where too little is known of it to decide, such as of one that is not there.
        """
        kept = self._kept.get(account)
        if (
            kept is not None
            and kept.holds(now)
            and self._touches.untouched(kept.names, kept.position)
        ):
            self._kept.move_to_end(account)
            return kept
        read = await self._read(account, now)
        if read is not None:
            self._keep(account, read)
        return read

    def peek(self, account: str) -> Kept | None:
        """Return what is kept of *account*, whether it still holds or not."""
        return self._kept.get(account)

    async def _look(self) -> Beat:
        beat = await self._reader.look()
        shown = (beat.rows, beat.parked)
        touches = self._touches
        if shown != self._shown or beat.most - touches.position > EVENTS_MAX:
            self._shown = shown
            self._kept.clear()
            touches.forget(beat.most)
        elif beat.most > touches.position:
            reached, only = beat.most, touches.selection
            stream = self._log.read(after=touches.position, until=reached, only=only)
            recorded = [one async for batch in stream for one in batch]
            touches.note(recorded, reached)
        return beat

    async def _read(self, account: str, now: datetime) -> Kept | None:
        found = await self._reader.find_deciding(account)
        bare = assembled(found.linked, found.kept)
        if not bare.histories:
            return None
        around = await self._reader.around(deciding_needs(bare))
        whole = surrounded(bare, around)
        decided = entitlement(whole, now)
        return Kept(
            names=_names(account, found, whole),
            position=found.position,
            stale=found.stale,
            reconciled=whole.reconciled,
            decided_at=now,
            until=holds_until(whole, now),
            decided=decided,
            written=Written.of(access(decided)),
        )

    def _keep(self, account: str, kept: Kept) -> None:
        self._kept[account] = kept
        self._kept.move_to_end(account)
        if len(self._kept) > KEPT_MAX:
            self._kept.popitem(last=False)


def _names(account: str, found: Found, whole: Account) -> Names:
    """Return the streams and objects whose events may change the entitlement."""
    linked = {
        name
        for product, link in found.links.items()
        for name in (product, link.customer, *(claim.customer for claim in link.claims))
        if name
    }
    objects = {*whole.invoices, *whole.payments, *whole.ties}
    return names({account, *found.linked.streams, *linked, *objects})
