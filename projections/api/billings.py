"""Everything about an account as it is answered, kept while it holds."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from itertools import chain
from typing import Final

import attrs

from ledger.horizon import Horizon
from projections import rendering
from projections.account import Account
from projections.api.entitlements import named
from projections.api.kept_answers import (
    BESIDE_BYTES,
    Kept,
    KeptAnswers,
    LiveSource,
    Watch,
)
from projections.api.responses import Written
from projections.api.touches import Names
from projections.dunning.timelines import Timeline
from projections.dunning.wrongful import WrongfulPause
from projections.reading import Found
from projections.views import View, Views

TIMELINE_BYTES: Final = 4_000


@attrs.frozen(kw_only=True)
class Beside:
    """What is asked for beside the answer that is written.

    Attributes:
        dunning: All timelines, the oldest first.
    """

    wrongful: tuple[WrongfulPause, ...]
    dunning: tuple[Timeline, ...]


def billings(reader: LiveSource, views: Views, watch: Watch) -> KeptAnswers[str, Beside]:
    """Return what ``/billing`` answers, beside it the pauses that were wrong."""

    async def read(account: str, now: datetime) -> Kept[Beside] | None:
        found = await reader.find(account)
        if not found.known:
            return None
        present = await watched(views, found, now)
        whole = present.view.account
        told = await present.view.answered()
        view = await views.with_wrongful(present.view, told)
        written = Written.of(rendering.billing(told))
        return Kept(
            asked=account,
            names=names_of(account, found, present),
            position=found.position,
            account=Account(
                linked=found.linked,
                catalogue=whole.catalogue,
                reconciled=whole.reconciled,
            ),
            stale=found.stale,
            decided_at=now,
            until=present.until(watch, now),
            answer=Beside(
                wrongful=view.wrongful,
                dunning=tuple(attrs.evolve(each, now=now) for each in told.dunning),
            ),
            written=written,
            beside_bytes=BESIDE_BYTES + TIMELINE_BYTES * len(told.dunning),
        )

    return KeptAnswers(watch, read)


@attrs.frozen(kw_only=True)
class Watched:
    """All of an account as it is now, seen by a moment that notes what it is held against.

    Attributes:
        wares: What of the catalogue it names.
    """

    view: View
    wares: Collection[str]
    horizon: Horizon

    def until(self, watch: Watch, now: datetime) -> datetime:
        """Return until when what was made of it at *now* holds, unless it is touched.

        Where the catalogue may have news that are not noted, that is not at all.
        """
        entries = self.view.account.catalogue.entries
        settled = watch.touches.watch(self.wares, entries, self.view.position)
        return self.horizon.until if settled else now


async def watched(views: Views, found: Found, now: datetime) -> Watched:
    """Return all of the account that was *found*, at *now*."""
    whole, wares = await views.present(found)
    horizon = Horizon(now)
    view = View(
        linked=found.linked, account=whole, now=horizon.now, position=found.position
    )
    return Watched(view=view, wares=wares, horizon=horizon)


def names_of(account: str, found: Found, present: Watched) -> Names:
    """Return all that touches what is told of an account."""
    whole = present.view.account
    around = (whole.payment_methods, whole.mandates, present.wares)
    return Names.of({*named(account, found, whole), *chain(*around)})
