"""Who caused an event, as far as it says: a user, a request to Stripe, or Stripe itself."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from ledger.events import Event, StripeEvent, StripeObject

ITSELF: Final = "Stripe itself"


class _Asked(msgspec.Struct):
    """Stripe's envelope: what asked for the change; a plain id in old versions."""

    request: Any = None


_ENVELOPE: Final = msgspec.json.Decoder(_Asked)


def author(event: Event) -> str | None:
    """Return who caused *event*; None where nothing says so.

    A renewal, a retry of a payment and the like are of no request: they are Stripe's own.
    """
    if isinstance(event, StripeObject):
        return None
    if not isinstance(event, StripeEvent):
        return getattr(event, "actor", None)
    try:
        request = _ENVELOPE.decode(event.body).request
    except msgspec.MsgspecError:
        return None
    if isinstance(request, dict):
        request = request.get("id")
    return f"request {request}" if isinstance(request, str) else ITSELF
