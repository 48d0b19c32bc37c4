"""What a request may change of an object, and the event that tells of it.

POST   /v1/subscriptions/sub_1            items[0][id]=si_1&items[0][quantity]=7
POST   /v1/subscription_items/si_1        quantity=7
DELETE /v1/subscriptions/sub_1            at once
POST   /v1/subscriptions/sub_1/pause      until it is resumed

The company's own life knows nothing of it: what it tells of the same object later on, it
tells as if there had been no such request.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import attrs

from replay.simulator.api import errors
from replay.simulator.api.shelf import Rendered

Form = Mapping[str, Any]
Alter = Callable[[Rendered, Form, str, int], None]

_TRUTH: Final = {"true": True, "false": False}
_OVER: Final = frozenset({"canceled", "incomplete_expired"})
_PRORATING: Final = frozenset({"proration_behavior", "proration_date", "payment_behavior"})


@attrs.frozen(kw_only=True)
class Change:
    """A request that changes an object.

    Attributes:
        asked: The kind of object the address names.
        told: The type of the event, about the object that changes.
        alter: Changes an object, given the form, the id asked for, and the second.
        understood: What the form may say.
        held_by: The key that names the object that changes, if it is another one.
    """

    asked: str
    told: str
    alter: Alter
    permission: str
    understood: frozenset[str] = frozenset()
    held_by: str | None = None


def nested(form: Mapping[str, str]) -> Form:
    """Return a form with ``items[0][id]=si_1`` as an object within an object."""
    whole: dict[str, Any] = {}
    for name, value in form.items():
        *outer, last = name.replace("]", "").split("[")
        inner = whole
        for step in outer:
            inner = inner.setdefault(step, {})
            if not isinstance(inner, dict):
                raise errors.unknown_parameter(name)
        inner[last] = value
    return whole


def _update_subscription(held: Rendered, form: Form, _asked: str, now: int) -> None:
    if held["status"] in _OVER:
        message = "A canceled subscription can only update its cancellation_details."
        raise errors.StripeError(400, message)
    for wish in _inner(form, "items").values():
        if not isinstance(wish, dict):
            raise errors.invalid_object("items")
        _update_item(held, wish, wish.get("id", ""), now)
    if "cancel_at_period_end" in form:
        _cancel_later(held, now, later=_truth(form, "cancel_at_period_end"))
    _update_metadata(held, form)


def _update_item(held: Rendered, form: Form, item_id: str, _now: int) -> None:
    items = held["items"]["data"]
    item = next((each for each in items if each["id"] == item_id), None)
    if item is None:
        raise errors.no_such("subscription_item", item_id, param="items", status=400)
    quantity = form.get("quantity", str(item["quantity"]))
    if not isinstance(quantity, str) or not quantity.isdecimal():
        raise errors.invalid_integer("quantity", str(quantity))
    item["quantity"] = int(quantity)
    if len(items) == 1 and "quantity" in held:
        held["quantity"] = int(quantity)


def _cancel_later(held: Rendered, now: int, *, later: bool) -> None:
    end = held.get("current_period_end") or held["items"]["data"][0]["current_period_end"]
    held["cancel_at_period_end"] = later
    held["cancel_at"] = end if later else None
    held["canceled_at"] = now if later else None


def _cancel(held: Rendered, _form: Form, asked: str, now: int) -> None:
    if held["status"] in _OVER:
        raise errors.no_such("subscription", asked, param="id")
    held |= {
        "cancel_at": None,
        "cancel_at_period_end": False,
        "canceled_at": now,
        "ended_at": now,
        "status": "canceled",
    }


def _pause(held: Rendered, _form: Form, _asked: str, now: int) -> None:
    held["status"] = "paused"
    if "status_details" in held:
        held["status_details"] = {
            "paused": {
                "subscription": {"type": "pause_requested"},
                "transitioned_at": now,
                "type": "subscription",
            }
        }


def _resume(held: Rendered, _form: Form, _asked: str, _now: int) -> None:
    if held["status"] != "paused":
        raise errors.StripeError(400, "Only a paused subscription can be resumed.")
    held["status"] = "active"
    if "status_details" in held:
        held["status_details"] = None


def _update_customer(known: Rendered, form: Form, _asked: str, _now: int) -> None:
    for name in ("email", "name"):
        known[name] = form.get(name, known[name]) or None
    method = _inner(form, "invoice_settings").get("default_payment_method")
    if method is not None:
        known["invoice_settings"]["default_payment_method"] = method or None
    _update_metadata(known, form)


def _update_metadata(known: Rendered, form: Form) -> None:
    """Set the keys the form names; an empty one goes."""
    named = known["metadata"] | _inner(form, "metadata")
    known["metadata"] = {key: value for key, value in named.items() if value}


def _inner(form: Form, name: str) -> Form:
    inner = form.get(name, {})
    if not isinstance(inner, dict):
        raise errors.invalid_object(name)
    return inner


def _truth(form: Form, name: str) -> bool:
    if form[name] not in _TRUTH:
        raise errors.StripeError(400, f"Invalid boolean: {form[name]}", param=name)
    return _TRUTH[form[name]]


_SUBSCRIPTION: Final = "rak_subscription_write"

# By method and path below /v1/.
CHANGES: Final[Mapping[tuple[str, str], Change]] = {
    ("POST", "subscriptions/{id}"): Change(
        asked="subscription",
        told="customer.subscription.updated",
        alter=_update_subscription,
        permission=_SUBSCRIPTION,
        understood=_PRORATING | {"items", "cancel_at_period_end", "metadata"},
    ),
    ("POST", "subscription_items/{id}"): Change(
        asked="subscription_item",
        told="customer.subscription.updated",
        alter=_update_item,
        permission=_SUBSCRIPTION,
        understood=_PRORATING | {"quantity"},
        held_by="subscription",
    ),
    ("DELETE", "subscriptions/{id}"): Change(
        asked="subscription",
        told="customer.subscription.deleted",
        alter=_cancel,
        permission=_SUBSCRIPTION,
        understood=frozenset({"invoice_now", "prorate"}),
    ),
    ("POST", "subscriptions/{id}/pause"): Change(
        asked="subscription",
        told="customer.subscription.paused",
        alter=_pause,
        permission=_SUBSCRIPTION,
        understood=frozenset({"type", "bill_for"}),
    ),
    ("POST", "subscriptions/{id}/resume"): Change(
        asked="subscription",
        told="customer.subscription.resumed",
        alter=_resume,
        permission=_SUBSCRIPTION,
        understood=frozenset({"billing_cycle_anchor"}) | _PRORATING,
    ),
    ("POST", "customers/{id}"): Change(
        asked="customer",
        told="customer.updated",
        alter=_update_customer,
        permission="rak_customer_write",
        understood=frozenset({"email", "name", "metadata", "invoice_settings"}),
    ),
}


def change_at(method: str, path: str) -> tuple[Change, str] | None:
    """Return what a request changes and the id it names; None if it changes nothing."""
    collection, _, rest = path.partition("/")
    object_id, _, verb = rest.partition("/")
    pattern = f"{collection}/{{id}}/{verb}" if verb else f"{collection}/{{id}}"
    change = CHANGES.get((method, pattern))
    return (change, object_id) if change and object_id else None
