"""How an account can be charged, and which of its methods is.

the subscription's own default, else the customer's, else an older default source,
else the only method there is
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import attrs

from projections.facts import Subscription
from projections.history import Current
from projections.objects import Customer
from projections.payment_objects import Mandate, PaymentMethod


@attrs.frozen(kw_only=True)
class WayToPay:
    """A payment method of the account.

    Attributes:
        default: Whether it is the one that is charged.
        mandate_status: Whether it may be debited; None where that is not asked for.
    """

    id: str
    method: PaymentMethod
    default: bool
    mandate_status: str | None


def ways_to_pay(
    methods: Mapping[str, Current[PaymentMethod]],
    mandates: Mapping[str, Current[Mandate]],
    *,
    customer: Customer | None,
    primary: Subscription | None,
) -> tuple[WayToPay, ...]:
    """Return the attached methods, the default first, then the newest.

    Args:
        methods: By id; detached ones are passed over.
        mandates: By id, of any payment method.
    """
    attached = {
        name: current
        for name, current in methods.items()
        if current.value.customer is not None and not current.deleted
    }
    default = _default(attached, customer, primary)
    names = sorted(attached)
    names.sort(key=lambda name: _began(attached[name]), reverse=True)
    names.sort(key=lambda name: name != default)
    return tuple(
        WayToPay(
            id=name,
            method=attached[name].value,
            default=name == default,
            mandate_status=_mandate_status(name, attached[name].value, mandates),
        )
        for name in names
    )


def _default(
    attached: Mapping[str, object], customer: Customer | None, primary: Subscription | None
) -> str | None:
    wanted = [None if primary is None else primary.default_payment_method]
    if customer is not None:
        wanted += [customer.default_payment_method, customer.default_source]
    for name in wanted:
        if name in attached:
            return name
    return next(iter(attached)) if len(attached) == 1 else None


def _mandate_status(
    name: str, method: PaymentMethod, mandates: Mapping[str, Current[Mandate]]
) -> str | None:
    named = None if method.mandate is None else mandates.get(method.mandate)
    own = [one for one in mandates.values() if one.value.payment_method == name]
    latest = named or max(own, key=_since, default=None)
    return None if latest is None else latest.value.status


def _since(current: Current[Mandate]) -> datetime:
    return current.since


def _began(current: Current[PaymentMethod]) -> datetime:
    return current.value.created or current.first_at
