"""One object of Stripe's, as it is now; or that Stripe says that there is none.

sub_1     200   as it is
cus_1     200   {"id": "cus_1", "object": "customer", "deleted": true}
SAVE20    404   resource_missing: Stripe forgets what was deleted of this kind
sub_1     404   without a name: Stripe lacks the resource, which says nothing of it
"""

from __future__ import annotations

from datetime import datetime

import attrs
import msgspec

from ledger.events import Source, StripeObject
from ledger.shown_objects import Showing, UnreadableObjectError, absent, stripe_object
from webhooks.stripe_client import StripeClient
from webhooks.stripe_errors import NotThereError
from webhooks.stripe_resources import NAMES, PATHS, one_of
from webhooks.whole_invoices import whole


@attrs.frozen(kw_only=True)
class Look:
    """What there is of an object at Stripe.

    Attributes:
        shown: None where nothing can be read of it.
        missing_since: When Stripe said that it has none of that name; None if it has, or
            did not say.
    """

    shown: StripeObject | None = None
    missing_since: datetime | None = None


async def look(client: StripeClient, kind: str, name: str, *, source: Source) -> Look:
    """Ask for one object.

    Args:
        kind: One of `webhooks.stripe_resources.PATHS`.

    Raises:
        StripeUnavailableError: Stripe does not answer.
        StripeKeyError: The key may not read it.
    """
    path = f"{PATHS[kind]}/{name}"
    try:
        answer = await client.get(path, one_of(kind), _as_it_came)
    except NotThereError as error:
        return Look(missing_since=error.asked_at)
    showing = Showing(source=source, at=answer.asked_at, api_version=answer.api_version)
    raw = answer.content
    if kind == "invoice":
        raw = await whole(client, raw)
    try:
        return Look(shown=stripe_object(raw, showing))
    except UnreadableObjectError:
        return Look()


async def retrieved(
    client: StripeClient, kind: str, name: str, *, source: Source
) -> StripeObject | None:
    """Return one object as Stripe shows it now; None where it shows none."""
    return (await look(client, kind, name, source=source)).shown


def gone(
    kind: str, name: str, account: str | None, *, source: Source, at: datetime
) -> StripeObject:
    """Return what tells that Stripe had no object of that name *at* that time."""
    body = absent(NAMES.get(kind, kind), name, account)
    return stripe_object(body, Showing(source=source, at=at))


def _as_it_came(body: bytes) -> bytes:
    msgspec.json.decode(body)  # half an answer is asked for again
    return body
