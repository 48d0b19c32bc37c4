"""Which account of the product is which customer of Stripe: the last link wins.

    #10  shop-17 → cus_1        shop-17 is cus_1
    #25  shop-17 → cus_2        shop-17 is cus_2, cus_1 has no account of the product
    #30  shop-44 → cus_2        shop-44 is cus_2, shop-17 stands alone

One account is one customer, both ways. Order is by position: a link is a decision of the
product, taken when the log took it. A customer whose metadata names an account claims
it; the earliest claim is taken while neither side has a link, and no claim moves one.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

import attrs
import msgspec

from projections.facts import AccountClaimed, AccountLinked
from projections.models.declaration import Projection, on, table


class Claim(msgspec.Struct, frozen=True, array_like=True, kw_only=True):
    """A customer's claim to an account, by the event that first made it."""

    customer: str
    at: datetime
    event_id: str
    position: int


class Link(msgspec.Struct, frozen=True, array_like=True, kw_only=True):
    """An account's own last word; *customer* is None before the first.

    Attributes:
        claims: Of each customer that ever claimed it, the earliest first; also what
            was known before the log learnt of an earlier one.
    """

    customer: str | None = None
    position: int = 0
    claims: tuple[Claim, ...] = ()


@attrs.frozen(kw_only=True)
class Linked:
    """Who belongs together.

    Attributes:
        customer: The Stripe customer; None for an account of the product on its own.
        product: The product's own account id; None for a customer on its own.
        conflicts: Positions of the claims to either side that stand against this.
    """

    customer: str | None
    product: str | None
    conflicts: tuple[int, ...] = ()

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
    return Link(customer=fact.customer, position=fact.position, claims=link.claims)


def claimed(link: Link, fact: AccountClaimed) -> Link:
    """Take a customer's claim, unless it was known sooner and made earlier."""
    claim = Claim(
        customer=fact.customer,
        at=fact.occurred_at,
        event_id=fact.event_id,
        position=fact.position,
    )
    if any(_covers(known, claim) for known in link.claims):
        return link
    claims = [known for known in link.claims if not _covers(claim, known)]
    return Link(
        customer=link.customer,
        position=link.position,
        claims=tuple(sorted((*claims, claim), key=_made)),
    )


def resolve(account: str, links: Mapping[str, Link]) -> Linked:
    """Return who *account*, a customer or an account of the product, belongs to.

    Args:
        links: By account of the product; at least its own and those that name the same
            customer.
    """
    taken = _taken(links)
    customer: str | None = taken.get(account, account)
    holder = next((each for each, whose in taken.items() if whose == customer), None)
    if holder is None and not is_customer(account):
        customer, holder = None, account
    return Linked(
        customer=customer,
        product=holder,
        conflicts=_conflicts(customer, holder, links),
    )


def is_customer(account: str) -> bool:
    """Tell a Stripe customer by its id; the product's own ids never look like one."""
    return account.startswith("cus_")


def _taken(links: Mapping[str, Link]) -> dict[str, str]:
    """Return the customer of each account: by its last link, else by the first claim."""
    last: dict[str, str] = {}
    for account in sorted(links, key=lambda name: links[name].position):
        customer = links[account].customer
        if customer is not None:
            last = {each: whose for each, whose in last.items() if whose != customer}
            last[account] = customer
    linked_customers = {link.customer for link in links.values()}
    claims = sorted(
        ((claim, account) for account, link in links.items() for claim in link.claims),
        key=lambda made: (*_made(made[0]), made[1]),
    )
    for claim, account in claims:
        unlinked = links[account].customer is None and account not in last
        if unlinked and claim.customer not in (*last.values(), *linked_customers):
            last[account] = claim.customer
    return last


def _conflicts(
    customer: str | None, holder: str | None, links: Mapping[str, Link]
) -> tuple[int, ...]:
    """Return the claims to one side that name another than the other side."""
    return tuple(
        sorted(
            claim.position
            for account, link in links.items()
            for claim in link.claims
            if (account == holder) != (claim.customer == customer)
        )
    )


def _covers(known: Claim, other: Claim) -> bool:
    return (
        known.customer == other.customer
        and _made(known) <= _made(other)
        and known.position <= other.position
    )


def _made(claim: Claim) -> tuple[datetime, str]:
    return claim.at, claim.event_id


def _customer(link: Link) -> str | None:
    """Return whose rows lead here; before a link, whose the first claim is."""
    if link.customer is None and link.claims:
        return link.claims[0].customer
    return link.customer


LINKS: Final = Projection(
    name="links",
    version=2,
    state=Link,
    initial=Link(),
    handlers=table(on(AccountLinked, linked), on(AccountClaimed, claimed)),
    refers=_customer,
    counts=True,
)
