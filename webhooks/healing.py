"""Objects whose events have a gap, asked for as they are now.

What was lost in between stays unknown; what the object is from here on is known again,
and the log says that it was asked for, and when.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Final

import attrs

from ledger.events import Source
from ledger.log import Log
from projections.history import Current, told
from projections.holdings import holdings
from projections.models.credit_notes import CREDIT_NOTES
from projections.models.customers import CUSTOMERS
from projections.models.declaration import Projection
from projections.models.invoice_items import INVOICE_ITEMS
from projections.models.invoices import INVOICES
from projections.models.schedules import SCHEDULES
from projections.models.subscriptions import SUBSCRIPTIONS
from projections.objects import Invoice
from webhooks.reconciling import retrieved
from webhooks.stripe_client import StripeClient

# Those whose first event says that they were created, so that another one is a gap.
HEALED: Final[tuple[tuple[str, Projection[Any]], ...]] = (
    ("customer", CUSTOMERS),
    ("subscription", SUBSCRIPTIONS),
    ("schedule", SCHEDULES),
    ("invoice", INVOICES),
    ("invoiceitem", INVOICE_ITEMS),
    ("credit_note", CREDIT_NOTES),
)
AT_MOST: Final = 1000


async def heal(client: StripeClient, log: Log, conninfo: str) -> int:
    """Append each object with an open gap as Stripe shows it; return how many there were.

    Raises:
        StripeUnavailableError: Stripe does not answer.
        UnavailableError: The read models cannot be read now.
    """
    healed = 0
    async for kind, name in gaps(conninfo):
        shown = await retrieved(client, kind, name, source=Source.CATCH_UP)
        if shown is None:
            continue
        known = await log.find(shown.id)
        await log.append([attrs.evolve(shown, version=len(known) + 1)])
        healed += 1
        if healed == AT_MOST:
            break
    return healed


async def gaps(conninfo: str) -> AsyncIterator[tuple[str, str]]:
    """Yield kind and id of each object with a gap that nothing has healed.

    Lines that Stripe left out of an invoice's events are one.
    """
    for kind, projection in HEALED:
        async for _, name, state in holdings(conninfo, projection):
            says = told(state)
            if says is not None and _has_gap(says.current):
                yield kind, name


def _has_gap(current: Current[Any]) -> bool:
    if current.deleted:
        return False
    shown = current.value
    hidden = isinstance(shown, Invoice) and shown.more and shown.status != "draft"
    return bool(current.open_gaps) or current.unborn or hidden
