"""A company's own data: its name, mail, address, tax, and its end as a customer."""

from __future__ import annotations

from typing import Final

from replay.simulator import cancellation
from replay.simulator.account import Account
from replay.simulator.customers import FIRST_WORDS, SECOND_WORDS, Address
from replay.simulator.objects.customers import tax_id

_CITIES: Final = (
    Address(city="Berlin", country="DE", line1="Lindenallee 4", postal_code="10115"),
    Address(city="Lyon", country="FR", line1="Rue Haute 12", postal_code="69001"),
    Address(city="Austin", country="US", line1="5 Cedar Street", postal_code="78701"),
    Address(city="Osaka", country="JP", line1="3-1 Umeda", postal_code="530-0001"),
)
UNION: Final = frozenset({"DE", "FR"})
_EXEMPT: Final = ("none", "exempt", "reverse")
_VERIFIED_DAYS: Final = (1, 3)


def address_in(country: str) -> Address:
    """Return an address in *country*."""
    return next(address for address in _CITIES if address.country == country)


def change_mail(account: Account, at: int) -> None:
    """Have bills sent elsewhere."""
    account.customer.email = f"accounts-{account.ids.number(5)}@example.com"
    _update(account, at)


def rename(account: Account, at: int) -> None:
    """Take another name."""
    chance = account.chance
    account.customer.name = f"{chance.pick(FIRST_WORDS)} {chance.pick(SECOND_WORDS)} Ltd"
    _update(account, at)


def move(account: Account, at: int) -> None:
    """Move, which may change how it is taxed."""
    account.customer.address = account.chance.pick(_CITIES)
    # Drawn wherever it moves, so that the rest of its life is the same.
    exempt = account.chance.pick(_EXEMPT)
    in_union = account.customer.address.country in UNION
    account.customer.tax_exempt = exempt if in_union else "none"
    _update(account, at)
    for held in account.live:
        held.rates = account.rates
        account.tell_subscription("customer.subscription.updated", held)


def enter_tax_id(account: Account, at: int) -> None:
    """Enter a tax id; the office verifies it, or not, some days later."""
    known = account.customer
    country = known.address.country if known.address else "DE"
    prefix = "DE" if country == "US" else country
    made = account.ids.dated("txi", at)
    value = f"{prefix}{account.ids.number(9)}"
    account.outbox.begin(at, requested=True)
    rendered = tax_id(known, made, value, at, status="pending", shape=account.shape)
    account.outbox.tell("customer.tax_id.created", rendered)

    def verify(moment: int) -> None:
        status = account.chance.pick(("verified", "verified", "unverified"))
        account.outbox.begin(moment, requested=False)
        told = tax_id(known, made, value, at, status=status, shape=account.shape)
        account.outbox.tell("customer.tax_id.updated", told)
        account.outbox.forget(made)

    account.agenda.plan(account.later(at, _VERIFIED_DAYS), verify)


def delete(account: Account, at: int) -> None:
    """Be deleted by the seller: what is live ends first, and nothing follows."""
    account.outbox.begin(at, requested=True)
    for held in account.live:
        cancellation.end(account, held, at, "cancellation_requested")
    account.customer.deleted = True
    account.tell_customer("customer.deleted")
    account.agenda.clear()


def _update(account: Account, at: int) -> None:
    account.outbox.begin(at, requested=True)
    account.tell_customer("customer.updated")
