"""An account put together from its objects: those kept, or those of its events so far."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final, TypeVar

import attrs
import msgspec

from ledger.events import Check
from ledger.log import Recorded
from projections.account import Account
from projections.account_wares import charged, reductions
from projections.facts import AccountLinked, Fact
from projections.history import History
from projections.models.catalogue import CATALOGUE, Catalogue
from projections.models.checks import CHECKS, last_run
from projections.models.conflicts import CONFLICTS
from projections.models.credit_notes import CREDIT_NOTES
from projections.models.customers import CUSTOMERS
from projections.models.declaration import Projection
from projections.models.discounts import DISCOUNTS
from projections.models.invoice_items import INVOICE_ITEMS
from projections.models.invoices import INVOICES
from projections.models.links import Linked
from projections.models.mandates import MANDATES
from projections.models.payment_methods import PAYMENT_METHODS
from projections.models.payments import PAYMENTS
from projections.models.schedules import SCHEDULES
from projections.models.seats import SEATS
from projections.models.subscriptions import SUBSCRIPTIONS
from projections.models.tax_ids import TAX_IDS
from projections.models.ties import TIES
from projections.projector.folding import Key, fold
from projections.translation.translate import translation
from projections.wares import Price

H = TypeVar("H", bound=History[Any, Any])
Kept = Mapping[str, Mapping[Key, Any]]
"""States by projection, then by object."""

# What an account is made of, all of it from its own streams.
OWN: Final[tuple[Projection[Any], ...]] = (
    SUBSCRIPTIONS,
    SEATS,
    CUSTOMERS,
    PAYMENT_METHODS,
    TAX_IDS,
    INVOICES,
    INVOICE_ITEMS,
    CREDIT_NOTES,
    DISCOUNTS,
    SCHEDULES,
    PAYMENTS,
    CONFLICTS,
)
# What names no customer, and is found by what it names.
ROAMING: Final[tuple[Projection[Any], ...]] = (MANDATES, TIES)
_OF_PRICES: Final = ("price", "plan", "terms")
_TRANSLATION: Final = translation(fact for each in OWN for fact in each.handlers)


@attrs.frozen(kw_only=True)
class Needs:
    """What an account's objects name that is kept outside its streams.

    Attributes:
        wares: Objects of the catalogue, such as ``price:price_1`` and its terms.
        referred: Objects that something without a customer may name, such as a payment
            method, whose mandate is asked for.
    """

    wares: frozenset[str] = frozenset()
    referred: frozenset[str] = frozenset()


def assembled(linked: Linked, kept: Kept) -> Account:
    """Return the account of *linked* from what is *kept* of its streams.

    The catalogue and what names no customer are those among *kept*, whosever they are.
    """
    streams = linked.streams

    def own(projection: Projection[Any]) -> dict[str, Any]:
        states = kept.get(projection.name, {})
        return {key[1]: states[key] for key in sorted(states) if key[0] in streams}

    def of_all(projection: Projection[Any]) -> dict[str, Any]:
        states = kept.get(projection.name, {})
        return {key[1]: states[key] for key in sorted(states)}

    seats = kept.get(SEATS.name, {})
    return Account(
        linked=linked,
        histories=own(SUBSCRIPTIONS),
        registers=tuple(seats[key] for key in sorted(seats) if key[0] in streams),
        customers=own(CUSTOMERS),
        payment_methods=own(PAYMENT_METHODS),
        mandates=of_all(MANDATES),
        tax_ids=own(TAX_IDS),
        invoices=own(INVOICES),
        invoice_items=own(INVOICE_ITEMS),
        credit_notes=own(CREDIT_NOTES),
        discounts=own(DISCOUNTS),
        schedules=own(SCHEDULES),
        payments=own(PAYMENTS),
        conflicts=own(CONFLICTS),
        ties=of_all(TIES),
        catalogue=Catalogue(entries=of_all(CATALOGUE)),
        reconciled=last_run(kept.get(CHECKS.name, {}), Check.RECONCILE),
    )


def as_of(linked: Linked, recorded: Iterable[Recorded], moment: datetime | None) -> Account:
    """Return the account as what had happened by *moment* makes it; None is all of it.

    What stands outside its streams is left to `surrounded`.

    Args:
        recorded: The events of its streams up to where they are known, by position.
    """
    return folded(linked, facts_by(recorded, moment))


def facts_by(recorded: Iterable[Recorded], moment: datetime | None) -> list[Fact]:
    """Return what *recorded* tells of an account that had happened by *moment*."""
    return [
        fact
        for fact in _TRANSLATION.facts(recorded)
        if moment is None or _happened(fact, moment)
    ]


def folded(linked: Linked, facts: Iterable[Fact]) -> Account:
    """Return the account that *facts*, in any order, make from nothing."""
    placed = [(fact.position, fact) for fact in facts]
    return assembled(linked, {each.name: fold(each, placed) for each in OWN})


def surrounded(
    account: Account,
    kept: Kept,
    *,
    known: int | None = None,
    moment: datetime | None = None,
) -> Account:
    """Return *account* with what `needs` named, as it was known and true then.

    Args:
        kept: The rows of the catalogue and of what names no customer, of now.
        known: The last position that counts; None is all.
    """
    entries = {key[1]: entry for key, entry in kept.get(CATALOGUE.name, {}).items()}

    def then(projection: Projection[Any]) -> dict[str, Any]:
        return {
            key[1]: _until(history, known, moment)
            for key, history in sorted(kept.get(projection.name, {}).items())
        }

    return account.within(
        catalogue=Catalogue(entries=entries, known=known),
        mandates=then(MANDATES),
        ties=then(TIES),
        reconciled=last_run(kept.get(CHECKS.name, {}), Check.RECONCILE, known),
    )


def needs(account: Account) -> Needs:
    """Return what *account* names that is kept outside its streams."""
    prices: set[str | None] = set()
    products: set[str | None] = set()
    for current in account.currents(account.histories).values():
        for mark in current.marks:
            prices |= {sold.price for sold in mark.sold}
            products |= {sold.product for sold in mark.sold}
    for planned in account.currents(account.schedules).values():
        for phase in planned.value.phases:
            prices |= {item.price for item in phase.items}
    sold = tuple(charged(account))
    prices |= {each.price for each in sold}
    products |= {each.product for each in sold}
    wares = {f"{kind}:{name}" for name in prices if name for kind in _OF_PRICES}
    wares |= {f"product:{name}" for name in products if name}
    wares |= set(reductions(account))
    referred = {*account.payment_methods, *account.invoices, *account.payments}
    return Needs(wares=frozenset({"policy", *wares}), referred=frozenset(referred))


def named_products(kept: Kept) -> frozenset[str]:
    """Return the products of the prices among *kept*, as `Needs.wares` names them."""
    return frozenset(
        f"product:{sighting.ware.product}"
        for entry in kept.get(CATALOGUE.name, {}).values()
        for sighting in entry.sightings
        if isinstance(sighting.ware, Price) and sighting.ware.product
    )


def _until(history: H, known: int | None, moment: datetime | None) -> H:
    if known is None and moment is None:
        return history
    recent = tuple(
        one
        for one in history.recent
        if (known is None or one.position <= known)
        and (moment is None or one.occurred_at <= moment)
    )
    return msgspec.structs.replace(history, recent=recent)


def _happened(fact: Fact, moment: datetime) -> bool:
    """Links are not dated: who is who is asked of the present."""
    if isinstance(fact, AccountLinked):
        return True
    return fact.occurred_at is None or fact.occurred_at <= moment
