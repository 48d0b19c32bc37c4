"""Everything about an account as it is answered, kept while it holds."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from ledger.horizon import Horizon
from projections import rendering
from projections.answer import answer
from projections.api.entitlements import named
from projections.api.kept_answers import Kept, KeptAnswers, Watch
from projections.api.responses import Written
from projections.api.touches import Names
from projections.dunning.wrongful import WrongfulPause
from projections.reading import Reader
from projections.views import View, Views


def billings(
    reader: Reader, views: Views, watch: Watch
) -> KeptAnswers[Sequence[WrongfulPause]]:
    """Return what ``/billing`` answers, beside it the pauses that were wrong."""

    async def read(account: str, now: datetime) -> Kept[Sequence[WrongfulPause]] | None:
        found = await reader.find(account)
        if not found.known:
            return None
        whole, wares = await views.present(found)
        horizon = Horizon(now)
        view = View(
            linked=found.linked, account=whole, now=horizon.now, position=found.position
        )
        told = answer(whole, horizon.now)
        view = await views.with_wrongful(view, told)
        written = Written.of(rendering.billing(told))
        # Where the catalogue may have news that are not noted, the answer is not kept.
        entries = whole.catalogue.entries
        settled = watch.touches.watch(wares, entries, found.position)
        return Kept(
            asked=account,
            names=Names.of(
                {
                    *named(account, found, whole),
                    *whole.payment_methods,
                    *whole.mandates,
                    *wares,
                }
            ),
            position=found.position,
            linked=found.linked,
            stale=found.stale,
            reconciled=whole.reconciled,
            decided_at=now,
            until=horizon.until if settled else now,
            answer=view.wrongful,
            written=written,
        )

    return KeptAnswers(watch, read)
