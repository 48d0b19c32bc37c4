"""Objects that Stripe is to be asked for, as they are now.

    an event before it is missing         a gap in its chain, attempts that nobody told
    its first event is no beginning       what came before was lost
    lines left out of an invoice
    a thin event, and nothing since       it says that something changed, and not what

What was lost in between stays unknown; what the object is from here on is known again,
and the log says that it was asked for, and when.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any, Final

import attrs

from ledger.events import UNROUTED, Source
from ledger.log import Log
from projections.history import Current, History, told
from projections.holdings import holdings
from projections.models.catalogue import CATALOGUE
from projections.models.credit_notes import CREDIT_NOTES
from projections.models.customers import CUSTOMERS
from projections.models.declaration import Projection
from projections.models.invoice_items import INVOICE_ITEMS
from projections.models.invoices import INVOICES
from projections.models.payment_methods import PAYMENT_METHODS
from projections.models.payments import PAYMENTS
from projections.models.routing import HINTS
from projections.models.schedules import SCHEDULES
from projections.models.subscriptions import SUBSCRIPTIONS
from projections.models.ties import TIES
from projections.objects import Invoice
from projections.payment_objects import Payment, Tie
from webhooks.retrieving import retrieved
from webhooks.stripe_client import StripeClient
from webhooks.stripe_resources import PATHS

# Payments and what hangs on them say themselves of which kind they are.
HEALED: Final[tuple[tuple[str, Projection[Any]], ...]] = (
    ("customer", CUSTOMERS),
    ("subscription", SUBSCRIPTIONS),
    ("schedule", SCHEDULES),
    ("invoice", INVOICES),
    ("invoiceitem", INVOICE_ITEMS),
    ("credit_note", CREDIT_NOTES),
    ("payment_method", PAYMENT_METHODS),
    ("payment", PAYMENTS),
    ("tie", TIES),
)
AT_MOST: Final = 1000
_KINDS: Final = {path: kind for kind, path in PATHS.items()}
_LATEST: Final = "%Y%m%dT%H%M%S.%f"
# Older ways to pay, which are no payment methods, are shown under their customer only.
_METHOD: Final = "pm_"

Hints = dict[tuple[str, str], datetime]


async def heal(client: StripeClient, log: Log, conninfo: str) -> int:
    """Append each object to be asked for as Stripe shows it; return how many there were.

    Raises:
        StripeUnavailableError: Stripe does not answer.
        UnavailableError: The read models cannot be read now.
    """
    healed = 0
    async for kind, name, account in gaps(conninfo):
        shown = await retrieved(client, kind, name, source=Source.CATCH_UP)
        if shown is None:
            continue
        known = await log.find(shown.id)
        # What was detached names nobody any more, but is of who had it.
        whose = shown.account or account
        await log.append([attrs.evolve(shown, account=whose, version=len(known) + 1)])
        healed += 1
        if healed == AT_MOST:
            break
    return healed


async def gaps(conninfo: str) -> AsyncIterator[tuple[str, str, str | None]]:
    """Yield kind, id and owner of each object of which something is missing."""
    hints = await hinted(conninfo)
    for held, projection in HEALED:
        async for account, name, state in holdings(conninfo, projection):
            says = told(state)
            if says is None:
                continue
            kind = _kind(held, says.current.value)
            since = hints.pop((kind, name), None)
            if is_asked_for(kind, name) and (
                _has_gap(says.current) or _is_older(state, since)
            ):
                yield kind, name, None if account == UNROUTED else account
    async for _, held, ware in holdings(conninfo, CATALOGUE):
        kind, _, name = held.partition(":")
        since = hints.get((kind, name))
        if since is not None and any(each.at >= since for each in ware.sightings):
            del hints[kind, name]
    for kind, name in hints:
        yield kind, name, None


async def hinted(conninfo: str) -> Hints:
    """Return when the last thin event was about each object, whole seconds."""
    found: Hints = {}
    async for _, name, hint in holdings(conninfo, HINTS):
        collection, _, rest = (hint.url or "").removeprefix("/v1/").partition("/")
        kind, at = _KINDS.get(collection), hint.latest.partition(" ")[0]
        if kind is not None and rest == name and is_asked_for(kind, name):
            found[kind, name] = datetime.strptime(at, _LATEST).replace(
                microsecond=0, tzinfo=UTC
            )
    return found


def is_asked_for(kind: str, name: str) -> bool:
    """Tell whether Stripe shows such an object by its id alone."""
    return kind in PATHS and (kind != "payment_method" or name.startswith(_METHOD))


def _kind(held: str, value: object) -> str:
    return value.kind if isinstance(value, Payment | Tie) else held


def _is_older(state: History[Any, Any], hinted_at: datetime | None) -> bool:
    """Tell whether nothing was told of it since the hint."""
    if hinted_at is None:
        return False
    return not state.recent or state.recent[-1].occurred_at < hinted_at


def _has_gap(current: Current[Any]) -> bool:
    if current.deleted:
        return False
    shown = current.value
    hidden = isinstance(shown, Invoice) and shown.more and shown.status != "draft"
    return bool(current.open_gaps) or current.unborn or hidden
