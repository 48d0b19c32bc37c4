"""What befell an invoice or a payment: the few events that its later states hide.

1 Apr 01:00   failed             attempt 1, next on 4 Apr
4 Apr 01:00   failed             attempt 2
4 Apr 09:30   paid
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, Final

import msgspec

from projections.facts import InvoiceObserved, Observed, PaymentObserved

FAILED: Final = "failed"
ACTION_REQUIRED: Final = "action_required"
PAID: Final = "paid"
VOID: Final = "void"
UNCOLLECTIBLE: Final = "uncollectible"


class Trace(msgspec.Struct, frozen=True, array_like=True, kw_only=True):
    """Something that befell an object at *at*.

    Attributes:
        position: Of the first event that told it.
        what: ``failed``, ``action_required``, or the status that it came to.
        attempt: Stripe's own count; it counts automatic attempts only.
        announced: When Stripe said that it would try again.
        charge: The charge that failed, as its intent names it.
    """

    at: datetime
    position: int
    what: str
    attempt: int | None = None
    announced: datetime | None = None
    charge: str | None = None
    code: str | None = None
    decline_code: str | None = None
    message: str | None = None


def traced(traces: tuple[Trace, ...], event: Observed[Any]) -> tuple[Trace, ...]:
    """Return *traces* with what *event* tells, each thing once; few kinds have any."""
    read = _READ.get(type(event))
    if read is None:
        return traces
    for trace in read(event):
        traces = _with(traces, trace)
    return traces


def _with(traces: tuple[Trace, ...], trace: Trace) -> tuple[Trace, ...]:
    for place, known in enumerate(traces):
        if not _same(known, trace):
            continue
        if known.position <= trace.position:
            return traces
        sooner = msgspec.structs.replace(known, position=trace.position)
        return (*traces[:place], sooner, *traces[place + 1 :])
    return (*traces, trace)


def _same(known: Trace, other: Trace) -> bool:
    """Tell whether both tell one thing: a status is come to once, a failure has a time."""
    if known.what != other.what:
        return False
    if known.what not in _FAILURES:
        return True
    return (known.at, known.attempt, known.charge) == (
        other.at,
        other.attempt,
        other.charge,
    )


def _of_invoice(event: InvoiceObserved) -> Iterator[Trace]:
    shown = event.value
    failure = _INVOICE_FAILURES.get(event.type)
    if failure is not None:
        yield Trace(
            at=event.occurred_at,
            position=event.position,
            what=failure,
            attempt=shown.attempt_count,
            announced=shown.next_payment_attempt,
        )
    if shown.status in _ENDINGS:
        own = getattr(shown, _ENDINGS[shown.status])
        at = own or event.occurred_at
        yield Trace(at=at, position=event.position, what=shown.status)


def _of_payment(event: PaymentObserved) -> Iterator[Trace]:
    failure = _INTENT_FAILURES.get(event.type)
    if failure is not None:
        shown = event.value
        yield Trace(
            at=event.occurred_at,
            position=event.position,
            what=failure,
            charge=shown.charge,
            code=shown.code,
            decline_code=shown.decline_code,
            message=shown.message,
        )


_FAILURES: Final = frozenset({FAILED, ACTION_REQUIRED})
_INVOICE_FAILURES: Final = {
    "invoice.payment_failed": FAILED,
    "invoice.payment_action_required": ACTION_REQUIRED,
}
_INTENT_FAILURES: Final = {
    "payment_intent.payment_failed": FAILED,
    "payment_intent.requires_action": ACTION_REQUIRED,
}
# What an invoice comes to, and the field that dates it.
_ENDINGS: Final = {
    PAID: "paid_at",
    VOID: "voided_at",
    UNCOLLECTIBLE: "uncollectible_at",
}
_READ: Final[dict[type[Observed[Any]], Callable[[Any], Iterator[Trace]]]] = {
    InvoiceObserved: _of_invoice,
    PaymentObserved: _of_payment,
}
