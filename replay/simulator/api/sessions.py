"""What is made by a request: sessions of the checkout and of the billing portal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from replay.simulator.api import errors
from replay.simulator.api.shelf import Rendered, Shelf
from replay.simulator.identities import Identities

_CHECKOUT_S: Final = 86400

Form = Mapping[str, str]


def checkout_session(form: Form, shelf: Shelf, ids: Identities, now: int) -> Rendered:
    """Return a new session that asks for payment details.

    Raises:
        StripeError: The customer is not known.
    """
    session_id = ids.dated("cs_test", now)
    mode = _needed(form, "mode")
    return {
        "id": session_id,
        "object": "checkout.session",
        "cancel_url": form.get("cancel_url"),
        "client_reference_id": form.get("client_reference_id"),
        "created": now,
        "currency": None,
        "customer": _customer(form, shelf, needed=False),
        "expires_at": now + _CHECKOUT_S,
        "livemode": False,
        "metadata": _metadata(form),
        "mode": mode,
        "payment_status": "no_payment_required" if mode == "setup" else "unpaid",
        "status": "open",
        "subscription": None,
        "success_url": form.get("success_url"),
        "url": f"https://checkout.stripe.com/c/pay/{session_id}",
    }


def portal_session(form: Form, shelf: Shelf, ids: Identities, now: int) -> Rendered:
    """Return a new session of the billing portal.

    Raises:
        StripeError: There is no customer, or it is not known.
    """
    session_id = ids.dated("bps", now)
    flow = form.get("flow_data[type]")
    return {
        "id": session_id,
        "object": "billing_portal.session",
        "configuration": form.get("configuration") or ids.dated("bpc", now),
        "created": now,
        "customer": _customer(form, shelf, needed=True),
        "customer_account": None,
        "flow": {"type": flow} if flow else None,
        "livemode": False,
        "locale": form.get("locale"),
        "on_behalf_of": None,
        "return_url": form.get("return_url"),
        "url": f"https://billing.stripe.com/p/session/{session_id}",
    }


Maker = Callable[[Form, Shelf, Identities, int], Rendered]

# By path below /v1/: what makes it, and the permission a restricted key needs.
MAKERS: Final[Mapping[str, tuple[Maker, str]]] = {
    "checkout/sessions": (checkout_session, "rak_checkout_session_write"),
    "billing_portal/sessions": (portal_session, "rak_customer_portal_write"),
}


def _needed(form: Form, name: str) -> str:
    if not form.get(name):
        raise errors.missing_parameter(name)
    return form[name]


def _customer(form: Form, shelf: Shelf, *, needed: bool) -> str | None:
    customer_id = _needed(form, "customer") if needed else form.get("customer")
    if customer_id is None:
        return None
    kept = shelf.find("customer", customer_id)
    if kept is None or kept.deleted:
        raise errors.no_such("customer", customer_id, param="customer", status=400)
    return customer_id


def _metadata(form: Form) -> dict[str, str]:
    return {
        name[len("metadata[") : -1]: value
        for name, value in form.items()
        if name.startswith("metadata[")
    }
