"""What accounts may do, read with no more than decides it: asked on every request."""

from __future__ import annotations

from datetime import datetime

from ledger.horizon import Horizon
from projections.account import Account
from projections.api.kept_answers import Kept, KeptAnswers, LiveSource, Watch
from projections.api.responses import Written
from projections.api.touches import Names
from projections.aside import answering
from projections.assembly import assembled, surrounded
from projections.reading import Found
from projections.rendering import access
from projections.status.entitlement import (
    Entitlement,
    deciding_needs,
    entitlement,
)


def entitlements(reader: LiveSource, watch: Watch) -> KeptAnswers[str, Entitlement]:
    """Return what accounts may do, kept while it holds."""

    async def read(account: str, now: datetime) -> Kept[Entitlement] | None:
        found = await reader.find_deciding(account)
        bare = assembled(found.linked, found.kept)
        if not bare.histories:
            return None
        around = await reader.around(deciding_needs(bare))
        whole = surrounded(bare, around)
        horizon = Horizon(now)
        decided = await answering(found.objects, entitlement, whole, horizon.now)
        written = Written.of(access(decided))
        return Kept(
            asked=account,
            names=Names.of(named(account, found, whole), deciding=True),
            position=found.position,
            account=Account(linked=found.linked, reconciled=whole.reconciled),
            stale=found.stale,
            decided_at=now,
            until=horizon.until,
            answer=decided,
            written=written,
        )

    return KeptAnswers(watch, read)


def named(account: str, found: Found, whole: Account) -> set[str]:
    """Return the streams and objects whose events may change what the account may do."""
    linked = {
        name
        for product, link in found.links.items()
        for name in (product, link.customer, *(claim.customer for claim in link.claims))
        if name
    }
    objects = {*whole.invoices, *whole.payments, *whole.ties}
    return {account, *found.linked.streams, *linked, *objects}
