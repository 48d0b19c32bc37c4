"""Gaps in what was told of an object: something happened, and nobody brought it.

    quantity 3 → 5, then "it was 4 before"    an event is missing in between
    created, then "attempt 3 failed"          so are two failures
    draft, then paid                          it was finalized, and nobody said so
    updated, and never created                though its account was listened to

A gap is open until Stripe shows the object as it is; what was lost stays unknown.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

from projections.facts import InvoiceObserved, Observed, SubscriptionObserved
from projections.objects import Value
from projections.translation import lifecycle

CHAIN: Final = "chain"
ATTEMPTS: Final = "attempts"
FINALIZED: Final = "finalized"
BIRTH: Final = "birth"

KEPT_MAX: Final = 20
_BEGINNINGS: Final = (".created", ".attached", ".deleted", *lifecycle.SHOWN)
# A charge has no event of its creation, a mandate and an invoice's payment have but one,
# and what an intent comes to is told at once as often as not.
_FIRST: Final = frozenset(
    {
        "payment_intent.succeeded",
        "payment_intent.payment_failed",
        "payment_intent.requires_action",
        "payment_intent.processing",
        "charge.succeeded",
        "charge.pending",
        "charge.failed",
        "invoice_payment.paid",
        "mandate.updated",
    }
)
_AFTER_DRAFT: Final = frozenset(
    {"invoice.paid", "invoice.payment_succeeded", "invoice.payment_failed"}
)
_WATCHED: Final[Mapping[type[Any], frozenset[str]]] = {
    SubscriptionObserved: frozenset({"status", "cancel_at_period_end", "items"}),
    InvoiceObserved: frozenset({"status", "attempt_count", "amount_remaining"}),
}


class Gap(msgspec.Struct, frozen=True, array_like=True, kw_only=True):
    """Before the event at *position* something is missing.

    Attributes:
        what: What gives it away.
        healed: Where the object was next shown as it is; 0 while it was not.
    """

    position: int
    at: datetime
    what: str
    healed: int = 0


def is_inferred(event: Observed[Any]) -> bool:
    """Tell whether it is no event, but what a date of the object is sure of."""
    return lifecycle.is_inferred(event.type)


def gapped(
    gaps: tuple[Gap, ...], before: Value | None, event: Observed[Any], *, opens: bool
) -> tuple[Gap, ...]:
    """Return *gaps* after *event*, with what it gives away, or healed by it.

    Args:
        before: What the object was; None where that is not known, or only inferred.
        opens: Whether it is the first of its second: of the others nobody knows for sure
            which came before which, so that their chain breaks without a loss.
    """
    if type(event) not in _WATCHED or is_inferred(event):
        return gaps
    if is_shown(event):
        return tuple(
            gap if gap.healed else msgspec.structs.replace(gap, healed=event.position)
            for gap in gaps
        )
    what = _missing(before, event)
    if what is None or (what == CHAIN and not opens):
        return gaps
    gap = Gap(position=event.position, at=event.occurred_at, what=what)
    return (*gaps, gap)[-KEPT_MAX:]


def _missing(before: Value | None, event: Observed[Any]) -> str | None:
    if before is None:
        return None
    if event.earlier and _is_broken(before, event):
        return CHAIN
    if not isinstance(event, InvoiceObserved):
        return None
    if event.type in _AFTER_DRAFT and getattr(before, "status", None) == "draft":
        return FINALIZED
    if event.type == "invoice.payment_failed":
        counted = getattr(before, "attempt_count", None) or 0
        if (event.value.attempt_count or 0) > counted + 1:
            return ATTEMPTS
    return None


def born(event: Observed[Any]) -> bool:
    """Tell whether an object may begin with *event*, the first that is known of it."""
    return event.type.endswith(_BEGINNINGS) or event.type in _FIRST or is_inferred(event)


def is_shown(event: Observed[Any]) -> bool:
    """Tell whether it is no event, but what Stripe answered when it was asked."""
    return lifecycle.is_shown(event.type)


def _is_broken(before: Value, event: Observed[Any]) -> bool:
    watched = _WATCHED[type(event)]
    return any(
        path.partition(".")[0] in watched and _differs(before, path, old)
        for path, old in (event.earlier or {}).items()
    )


def _differs(before: Value, path: str, old: object) -> bool:
    """Tell whether *before* has another value at *path* than the event says it had."""
    name, _, rest = path.partition(".")
    current = getattr(before, name, None)
    if not rest:
        return not isinstance(current, tuple) and current is not None and current != old
    part, _, field = rest.partition(".")
    if field != "quantity" or not isinstance(current, tuple):
        return False
    known = next((each for each in current if each.id == part), None)
    return known is not None and known.quantity is not None and known.quantity != old
