"""Which account of the product is which customer of Stripe: the last link wins.

    #10  shop-17 → cus_1        shop-17 is cus_1
    #25  shop-17 → cus_2        shop-17 is cus_2, cus_1 has no account of the product
    #30  shop-44 → cus_2        shop-44 is cus_2, shop-17 stands alone

One account is one customer, both ways. Order is by position: a link is a decision of the
product, taken when the log took it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import attrs
import msgspec

from projections.declaration import Projection, on, table
from projections.facts import AccountLinked


class Link(msgspec.Struct, frozen=True, array_like=True, kw_only=True):
    """An account's own last word; *customer* is None before the first."""

    customer: str | None = None
    position: int = 0


@attrs.frozen(kw_only=True)
class Linked:
    """Who belongs together.

    Attributes:
        customer: The Stripe customer; None for an account of the product on its own.
        product: The product's own account id; None for a customer on its own.
        loose: Whether an account of the product is no customer's, or no longer.
    """

    customer: str | None
    product: str | None

    @property
    def account(self) -> str:
        """The name the account goes by: the customer's where there is one."""
        return self.customer or self.product or ""

    @property
    def streams(self) -> frozenset[str]:
        """The accounts in the log whose events are this account's."""
        return frozenset(name for name in (self.customer, self.product) if name)


def linked(link: Link, fact: AccountLinked) -> Link:
    """Take the link, unless a later one is known."""
    if fact.position <= link.position:
        return link
    return Link(customer=fact.customer, position=fact.position)


def resolve(account: str, links: Mapping[str, Link]) -> Linked:
    """Return who *account*, a customer or an account of the product, belongs to.

    Args:
        links: By account of the product; at least its own and those that name the same
            customer.
    """
    own = links.get(account)
    customer = account if own is None or own.customer is None else own.customer
    holder = _holder(customer, links)
    if account in (customer, holder):
        if own is None and holder is None and not is_customer(account):
            return Linked(customer=None, product=account)
        return Linked(customer=customer, product=holder)
    return Linked(customer=None, product=account)


def is_customer(account: str) -> bool:
    """Tell a Stripe customer by its id; the product's own ids never look like one."""
    return account.startswith("cus_")


def _holder(customer: str, links: Mapping[str, Link]) -> str | None:
    claims = {
        link.position: account
        for account, link in links.items()
        if link.customer == customer
    }
    return claims[max(claims)] if claims else None


def _customer(link: Link) -> str | None:
    return link.customer


LINKS: Final = Projection(
    name="links",
    version=1,
    state=Link,
    initial=Link(),
    handlers=table(on(AccountLinked, linked)),
    refers=_customer,
    counts=True,
)
