"""Events of the log in sentences, for whoever wants to know what happened.

    customer.subscription.updated   Subscription sub_1: status active → past due
    invoice.payment_failed          Invoice JT-0007: the payment of USD 92.00 failed (…)
    seat_assigned                   u_88 was given a seat by u_3

A sentence names objects, amounts and the bank's reasons, never a person, an address or a
free text that somebody typed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from ledger.acts import ActDone, ActFailed, ActRequested
from ledger.events import (
    AccountLinked,
    DeliveryConflicted,
    Event,
    MonthClosed,
    SeatAssigned,
    SeatReleased,
    SeatsCounted,
    StripeChecked,
    StripeEvent,
    StripeObject,
)
from projections.amounts import amount

Shown = Mapping[str, Any]
"""An object as Stripe showed it, or a part of one."""

NAMED_MAX: Final = 6


def sentence(event: Event) -> str:
    """Return what *event* says happened."""
    if isinstance(event, StripeEvent):
        return _of_stripe(event)
    tell = _OWN.get(type(event))
    return "Something a later release knows of happened" if tell is None else tell(event)


def _of_stripe(event: StripeEvent) -> str:
    try:
        body = msgspec.json.decode(event.body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return "Stripe told something that cannot be read"
    shown, before = _object(body, "object"), _object(body, "previous_attributes")
    kind = event.stripe_type or ""
    name = event.object_id or "an object"
    tell = _STRIPE.get(kind)
    if tell is not None:
        return tell(name, shown, before)
    noun, _, verb = kind.rpartition(".")
    words = _words(noun.removeprefix("customer.")).capitalize()
    return f"{words or 'Stripe'} {name}: {_words(verb) or 'an event'}"


def _object(body: object, name: str) -> Shown:
    data = body.get("data") if isinstance(body, dict) else None
    found = data.get(name) if isinstance(data, dict) else None
    return found if isinstance(found, dict) else {}


def _words(name: str) -> str:
    return name.replace("_", " ").replace(".", " ")


def _plain(value: object) -> str:
    return _words(value) if isinstance(value, str) else "unknown"


def _started(name: str, shown: Shown, _before: Shown) -> str:
    return f"Subscription {name} began as {_plain(shown.get('status'))}"


def _updated(name: str, shown: Shown, before: Shown) -> str:
    changes = [
        change
        for change in (
            _status_change(shown, before),
            *_quantity_changes(shown, before),
            _end_change(shown, before),
            _renewed(shown, before),
            _collection(shown, before),
        )
        if change
    ]
    if not changes and before:
        changes = [f"{', '.join(_words(field) for field in sorted(before))[:120]} changed"]
    return f"Subscription {name}: {'; '.join(changes) or 'shown again'}"


def _status_change(shown: Shown, before: Shown) -> str | None:
    if "status" not in before:
        return None
    return f"status {_plain(before['status'])} → {_plain(shown.get('status'))}"


def _quantity_changes(shown: Shown, before: Shown) -> list[str]:
    earlier, later = _quantities(before), _quantities(shown)
    if not earlier:
        return []
    return [
        f"quantity of {_price(item)} "
        f"{earlier[name].get('quantity')} → {item.get('quantity')}"
        for name, item in sorted(later.items())
        if name in earlier and earlier[name].get("quantity") != item.get("quantity")
    ] + [
        f"{item.get('quantity', 1)} of {_price(item)} added"
        for name, item in sorted(later.items())
        if name not in earlier
    ]


def _quantities(shown: Shown) -> dict[str, Shown]:
    items = shown.get("items")
    data = items.get("data") if isinstance(items, dict) else None
    listed = data if isinstance(data, list) else ()
    found = [item for item in listed if isinstance(item, dict)]
    return {str(item["id"]): item for item in found if "id" in item}


def _price(item: Shown) -> str:
    price = item.get("price") or item.get("plan")
    return str(price.get("id")) if isinstance(price, dict) else "an item"


def _end_change(shown: Shown, before: Shown) -> str | None:
    if not {"cancel_at_period_end", "cancel_at"} & before.keys():
        return None
    ends = shown.get("cancel_at_period_end") or shown.get("cancel_at")
    return "set to end" if ends else "no longer set to end"


def _renewed(shown: Shown, before: Shown) -> str | None:
    past, now = _period_end(before), _period_end(shown)
    return "a new period began" if past and now and past < now else None


def _period_end(shown: Shown) -> int | None:
    ends = [shown.get("current_period_end")]
    ends += [item.get("current_period_end") for item in _quantities(shown).values()]
    return max((end for end in ends if isinstance(end, int)), default=None)


def _collection(shown: Shown, before: Shown) -> str | None:
    if "pause_collection" not in before:
        return None
    return "collection paused" if shown.get("pause_collection") else "collection resumed"


def _ended(name: str, shown: Shown, _before: Shown) -> str:
    details = shown.get("cancellation_details")
    reason = details.get("reason") if isinstance(details, dict) else None
    return f"Subscription {name} ended" + (f": {_plain(reason)}" if reason else "")


def _subscription(what: str) -> Callable[[str, Shown, Shown], str]:
    return lambda name, _shown, _before: f"Subscription {name} {what}"


def _invoice(what: str, figure: str) -> Callable[[str, Shown, Shown], str]:
    def tell(name: str, shown: Shown, _before: Shown) -> str:
        number = shown.get("number")
        called = number if isinstance(number, str) and number else name
        return (
            f"Invoice {called} {what}: {amount(shown.get(figure), shown.get('currency'))}"
        )

    return tell


def _payment_failed(name: str, shown: Shown, _before: Shown) -> str:
    figure = amount(shown.get("amount_due", shown.get("amount")), shown.get("currency"))
    number = shown.get("number")
    called = number if isinstance(number, str) and number else name
    attempt = shown.get("attempt_count")
    which = f" (attempt {attempt})" if isinstance(attempt, int) and attempt else ""
    return f"Invoice {called}: the payment of {figure} failed{which}"


def _charge_failed(name: str, shown: Shown, _before: Shown) -> str:
    figure = amount(shown.get("amount"), shown.get("currency"))
    reason = shown.get("failure_code")
    outcome = shown.get("last_payment_error")
    if isinstance(outcome, dict):
        reason = outcome.get("decline_code") or outcome.get("code")
    told = f": {_plain(reason)}" if reason else ""
    return f"Payment {name} of {figure} failed{told}"


def _paid(name: str, shown: Shown, _before: Shown) -> str:
    figure = amount(shown.get("amount"), shown.get("currency"))
    return f"Payment {name} of {figure} succeeded"


def _method(what: str) -> Callable[[str, Shown, Shown], str]:
    def tell(name: str, shown: Shown, _before: Shown) -> str:
        kind = shown.get("type")
        details = shown.get(kind) if isinstance(kind, str) else None
        last4 = details.get("last4") if isinstance(details, dict) else None
        ending = f" ending in {last4}" if isinstance(last4, str) and last4 else ""
        return f"Payment method {name} ({_plain(kind)}{ending}) {what}"

    return tell


def _assigned(event: Any) -> str:  # noqa: ANN401 - a row of the table below
    return f"{event.user} was given a seat{_by(event.actor)}"


def _released(event: Any) -> str:  # noqa: ANN401 - a row of the table below
    return f"{event.user}'s seat was freed{_by(event.actor)}"


def _counted(event: Any) -> str:  # noqa: ANN401 - a row of the table below
    if event.users is None:
        return f"{event.count} users were counted{_by(event.actor)}"
    names = ", ".join(sorted(event.users)[:NAMED_MAX])
    more = len(event.users) - NAMED_MAX
    rest = f" and {more} more" if more > 0 else ""
    return f"All active users were named{_by(event.actor)}: {names or 'nobody'}{rest}"


def _linked(event: Any) -> str:  # noqa: ANN401 - a row of the table below
    return f"{event.account} was linked to {event.customer}"


def _asked(event: Any) -> str:  # noqa: ANN401 - a row of the table below
    return f"{_words(event.act).capitalize()} was asked for{_by(event.actor)}"


def _done(event: Any) -> str:  # noqa: ANN401 - a row of the table below
    return f"{_words(event.act).capitalize()} was opened by Stripe"


def _failed(event: Any) -> str:  # noqa: ANN401 - a row of the table below
    reason = f" ({_words(event.code)})" if event.code else ""
    return f"{_words(event.act).capitalize()} was refused by Stripe{reason}"


def _conflicted(event: Any) -> str:  # noqa: ANN401 - a row of the table below
    return f"{event.event_id} came again with other content; the first stays"


def _by(actor: str | None) -> str:
    return f" by {actor}" if actor else ""


def _shown_as_is(event: Any) -> str:  # noqa: ANN401 - a row of the table below
    return f"Stripe was asked for {_words(event.kind)} {event.object_id}, as it was then"


def _checked(event: Any) -> str:  # noqa: ANN401 - a row of the table below
    outcome = "nothing is left to do" if event.ok else "something is left to do"
    return f"Stripe's own data was gone through ({_words(event.check)}): {outcome}"


def _closed(event: Any) -> str:  # noqa: ANN401 - a row of the table below
    return f"{event.month} was closed{_by(event.actor)}, as known at #{event.position:,}"


_OWN: Final[Mapping[type[Event], Callable[[Any], str]]] = {
    SeatAssigned: _assigned,
    SeatReleased: _released,
    SeatsCounted: _counted,
    AccountLinked: _linked,
    StripeObject: _shown_as_is,
    StripeChecked: _checked,
    ActRequested: _asked,
    ActDone: _done,
    ActFailed: _failed,
    MonthClosed: _closed,
    DeliveryConflicted: _conflicted,
}
_STRIPE: Final[Mapping[str, Callable[[str, Shown, Shown], str]]] = {
    "customer.subscription.created": _started,
    "customer.subscription.updated": _updated,
    "customer.subscription.deleted": _ended,
    "customer.subscription.paused": _subscription("was paused"),
    "customer.subscription.resumed": _subscription("was resumed"),
    "customer.subscription.trial_will_end": _subscription("will end its trial"),
    "invoice.created": _invoice("was drafted", "total"),
    "invoice.finalized": _invoice("was finalized", "total"),
    "invoice.sent": _invoice("was sent", "amount_due"),
    "invoice.paid": _invoice("is paid", "amount_paid"),
    "invoice.payment_succeeded": _invoice("was paid", "amount_paid"),
    "invoice.payment_failed": _payment_failed,
    "invoice.voided": _invoice("was voided", "total"),
    "invoice.marked_uncollectible": _invoice("was written off", "amount_remaining"),
    "invoice.overdue": _invoice("is overdue", "amount_remaining"),
    "charge.failed": _charge_failed,
    "charge.succeeded": _paid,
    "payment_intent.payment_failed": _charge_failed,
    "payment_intent.succeeded": _paid,
    "payment_method.attached": _method("was attached"),
    "payment_method.detached": _method("was detached"),
    "payment_method.updated": _method("was changed"),
    "payment_method.automatically_updated": _method("was refreshed by its bank"),
}
