"""Linking: the product's own account id belongs to a Stripe customer."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import msgspec

from ledger.events import AccountLinked, Command, CommandEvent
from ledger.problems import bad_request
from projections.openapi.parts import Name
from webhooks.commands import convert, readable_id

CUSTOMER_PREFIX: Final = "cus_"
_CUSTOMER: Final = re.compile(r"cus_[A-Za-z0-9_]{1,250}")


class Link(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which customer the account of the path is."""

    customer: str
    actor: Name | None = None


def link(account: str, body: object, command: Command) -> Sequence[CommandEvent]:
    """Read a link."""
    asked = convert(body, Link)
    if account.startswith(CUSTOMER_PREFIX):
        raise bad_request("ids of the product's own do not start with cus_")
    if not _CUSTOMER.fullmatch(asked.customer):
        raise bad_request("customer is not a Stripe customer's id, cus_…")
    actor = None if asked.actor is None else readable_id("actor", asked.actor)
    return [
        AccountLinked(
            account=account, command=command, customer=asked.customer, actor=actor
        )
    ]
