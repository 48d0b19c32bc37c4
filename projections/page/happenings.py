"""What happened to an account as its admins would say it: no ids, their own figures.

    invoice.payment_failed   A payment of $92.00 failed (try 2): Your card was declined.
    invoice.paid             Invoice JT-0007 was paid: $92.00
    seat_assigned            u_88 was given a seat by u_3

What is not in these tables says nothing to an admin, or something that is said better by
what comes with it: a charge that failed, for example, is the bank's word on an invoice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from ledger.acts import Act, ActFailed, ActRequested
from ledger.events import (
    AccountLinked,
    Event,
    SeatAssigned,
    SeatReleased,
    SeatsCounted,
    StripeEvent,
)
from ledger.masking import masked
from projections.page.figures import money
from projections.page.methods import named
from projections.page.readers import Reader
from projections.story.sentences import Shown, sentence

SUBSCRIPTION: Final = "customer.subscription."


def happening(
    event: Event, story: str | None, reason: str | None, reader: Reader
) -> str | None:
    """Return what *event* says to an admin; None if that is nothing.

    Args:
        story: What the subscription's own story says of it, where that is known.
        reason: The bank's, for a payment that failed.
    """
    if not isinstance(event, StripeEvent):
        tell = _OWN.get(type(event))
        return None if tell is None else tell(event)
    kind = event.stripe_type or ""
    if kind.startswith(SUBSCRIPTION) and kind not in _STRIPE:
        return story
    say = _STRIPE.get(kind)
    said = None if say is None else say(_shown(event), reason, reader)
    return None if said is None else masked(said)


def _shown(event: StripeEvent) -> Shown:
    try:
        body = msgspec.json.decode(event.body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return {}
    data = body.get("data") if isinstance(body, dict) else None
    found = data.get("object") if isinstance(data, dict) else None
    return found if isinstance(found, dict) else {}


def _figure(shown: Shown, name: str, reader: Reader) -> str | None:
    """Return an amount of *shown* as the reader writes it; None if there is none."""
    minor, currency = shown.get(name), shown.get("currency")
    if not isinstance(minor, int) or not isinstance(currency, str):
        return None
    return money(minor, currency, reader)


def _invoice(what: str, figure: str) -> Callable[[Shown, str | None, Reader], str]:
    def tell(shown: Shown, _reason: str | None, reader: Reader) -> str:
        amount = _figure(shown, figure, reader)
        return f"{_name(shown)} {what}" + (f": {amount}" if amount else "")

    return tell


def _name(shown: Shown) -> str:
    number = shown.get("number")
    return f"Invoice {number}" if isinstance(number, str) and number else "An invoice"


def _failed(shown: Shown, reason: str | None, reader: Reader) -> str:
    amount = _figure(shown, "amount_due", reader)
    count = shown.get("attempt_count")
    which = f" (try {count})" if isinstance(count, int) and count > 1 else ""
    why = f": {reason}" if reason else ""
    return f"A payment{f' of {amount}' if amount else ''} failed{which}{why}"


def _refunded(shown: Shown, _reason: str | None, reader: Reader) -> str:
    amount = _figure(shown, "amount_refunded", reader)
    return f"{amount or 'A payment'} was refunded"


def _of_amount(what: str, figure: str) -> Callable[[Shown, str | None, Reader], str]:
    def tell(shown: Shown, _reason: str | None, reader: Reader) -> str:
        amount = _figure(shown, figure, reader)
        return what.format(f" of {amount}" if amount else "")

    return tell


def _method(what: str) -> Callable[[Shown, str | None, Reader], str]:
    def tell(shown: Shown, _reason: str | None, _reader: Reader) -> str:
        kind = shown.get("type")
        details = shown.get(kind) if isinstance(kind, str) else None
        known: Mapping[str, Any] = details if isinstance(details, dict) else {}
        last4 = known.get("last4")
        ending = f" ending in {last4}" if isinstance(last4, str) and last4 else ""
        return f"{named(str(kind or 'card'), known.get('brand'))}{ending} {what}"

    return tell


def _plain(said: str) -> Callable[[Shown, str | None, Reader], str]:
    return lambda _shown, _reason, _reader: said


def _asked(event: Any) -> str:  # noqa: ANN401 - a row of the table below
    page = {Act.PORTAL_SESSION: "the billing portal", Act.CHECKOUT_SESSION: "the checkout"}
    return f"{event.actor or 'Somebody'} opened {page.get(event.act, 'a page of Stripe')}"


_OWN: Final[Mapping[type[Event], Callable[[Any], str]]] = {
    SeatAssigned: sentence,
    SeatReleased: sentence,
    SeatsCounted: sentence,
    AccountLinked: lambda _event: "Billing was connected to Stripe",
    ActRequested: _asked,
    ActFailed: lambda _event: "Stripe did not open its page",
}
_STRIPE: Final[Mapping[str, Callable[[Shown, str | None, Reader], str | None]]] = {
    "customer.created": _plain("Billing was set up"),
    "customer.discount.created": _plain("A discount was added"),
    "customer.discount.deleted": _plain("A discount ended"),
    "customer.tax_id.created": _plain("A tax id was added"),
    "customer.tax_id.deleted": _plain("A tax id was removed"),
    "customer.subscription.trial_will_end": _plain("The trial ends soon"),
    "invoice.finalized": _invoice("was issued", "total"),
    "invoice.paid": _invoice("was paid", "amount_paid"),
    "invoice.payment_failed": _failed,
    "invoice.payment_action_required": _plain("The bank asks you to confirm a payment"),
    "invoice.voided": _invoice("was voided", "total"),
    "invoice.marked_uncollectible": _invoice("was written off", "amount_remaining"),
    "invoice.overdue": _invoice("is overdue", "amount_remaining"),
    "credit_note.created": _of_amount("A credit{} was given", "total"),
    "charge.refunded": _refunded,
    "charge.dispute.created": _of_amount("A payment{} was disputed", "amount"),
    "charge.dispute.closed": _of_amount("The dispute over a payment{} ended", "amount"),
    "payment_method.attached": _method("was added"),
    "payment_method.detached": _method("was removed"),
    "payment_method.automatically_updated": _method("was renewed by its bank"),
    "customer.source.expiring": _plain("A card expires soon"),
}
