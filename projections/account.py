"""All of an account that a question can be about: its objects, each by id."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cached_property
from itertools import chain
from typing import Any, TypeVar

import attrs

from projections import discount_ends
from projections.history import Current, History, Told, told
from projections.models.catalogue import Catalogue
from projections.models.checks import Checked
from projections.models.conflicts import Conflict
from projections.models.credit_notes import CreditNoteHistory
from projections.models.customers import CustomerHistory
from projections.models.discounts import DiscountHistory
from projections.models.invoice_items import InvoiceItemHistory
from projections.models.invoices import InvoiceHistory
from projections.models.links import Linked
from projections.models.mandates import MandateHistory
from projections.models.payment_methods import PaymentMethodHistory
from projections.models.payments import PaymentHistory
from projections.models.schedules import ScheduleHistory
from projections.models.seats import Register
from projections.models.subscriptions import History as SubscriptionHistory
from projections.models.tax_ids import TaxIdHistory
from projections.models.ties import TieHistory
from projections.objects import Value
from projections.seating.terms import billed_otherwise

V = TypeVar("V", bound=Value)


@attrs.frozen(kw_only=True, slots=False)
class Account:
    """An account's objects, from all of its streams, each by id.

    Attributes:
        histories: Its subscriptions.
        registers: What is known of its seats, in any order.
        mandates: Those of its payment methods; others do no harm.
        payments: Its charges and intents.
        ties: What hangs on its payments and invoices; others do no harm.
        conflicts: Its Stripe events that were delivered in two ways.
        catalogue: What its prices are, and mean.
        reconciled: When the ledger was last compared with what Stripe has.
    """

    linked: Linked
    histories: Mapping[str, SubscriptionHistory] = attrs.Factory(dict)
    registers: Sequence[Register] = ()
    customers: Mapping[str, CustomerHistory] = attrs.Factory(dict)
    payment_methods: Mapping[str, PaymentMethodHistory] = attrs.Factory(dict)
    mandates: Mapping[str, MandateHistory] = attrs.Factory(dict)
    tax_ids: Mapping[str, TaxIdHistory] = attrs.Factory(dict)
    invoices: Mapping[str, InvoiceHistory] = attrs.Factory(dict)
    invoice_items: Mapping[str, InvoiceItemHistory] = attrs.Factory(dict)
    credit_notes: Mapping[str, CreditNoteHistory] = attrs.Factory(dict)
    discounts: Mapping[str, DiscountHistory] = attrs.Factory(dict)
    schedules: Mapping[str, ScheduleHistory] = attrs.Factory(dict)
    payments: Mapping[str, PaymentHistory] = attrs.Factory(dict)
    ties: Mapping[str, TieHistory] = attrs.Factory(dict)
    conflicts: Mapping[str, Conflict] = attrs.Factory(dict)
    catalogue: Catalogue = attrs.Factory(Catalogue)
    reconciled: Checked | None = None

    def told(self, histories: Mapping[str, History[Any, V]]) -> Mapping[str, Told[V]]:
        """Return what each of *histories*, which are the account's, says; asked once."""
        # The account holds them, so that no other can come to have their identity.
        key = id(histories)
        if key not in self._told:
            says = {name: told(histories[name]) for name in sorted(histories)}
            self._told[key] = {name: one for name, one in says.items() if one is not None}
        return self._told[key]

    def currents(self, histories: Mapping[str, History[Any, V]]) -> dict[str, Current[V]]:
        """Return the objects of *histories* as they are, deleted ones as well."""
        return {name: one.current for name, one in self.told(histories).items()}

    def alive(self, histories: Mapping[str, History[Any, V]]) -> dict[str, Current[V]]:
        """Return the objects of *histories* that were not deleted."""
        found = self.currents(histories)
        return {name: each for name, each in found.items() if not each.deleted}

    def within(self, **around: Any) -> Account:  # noqa: ANN401 - fields of any type
        """Return the account with what stands *around* it, by field.

        What its own histories say stays told: it costs the most, and does not change.
        """
        whole = attrs.evolve(self, **around)
        own = {id(each) for each in vars(whole).values()}
        kept = {key: says for key, says in self._told.items() if key in own}
        whole._told.update(kept)  # noqa: SLF001 -- of its own kind
        return whole

    @property
    def objects(self) -> Sequence[Mapping[str, History[Any, Any]]]:
        """Those of every kind that a finding may be about."""
        return (
            self.histories,
            self.customers,
            self.payment_methods,
            self.tax_ids,
            self.invoices,
            self.invoice_items,
            self.credit_notes,
            self.discounts,
            self.schedules,
            self.payments,
        )

    @property
    def size(self) -> int:
        """How many objects it has."""
        return sum(map(len, self.objects))

    @cached_property
    def billed_otherwise(self) -> frozenset[str]:
        """Its subscriptions' items that an invoice has another quantity of than 1."""
        return billed_otherwise(self.alive(self.invoices).values())

    @cached_property
    def stops(self) -> Mapping[str, datetime]:
        """When discounts ended, as events or what they were on tell."""
        customer = self.currents(self.customers).get(self.linked.customer or "")
        subscriptions = self.currents(self.histories)
        unheard = discount_ends.unheard(self.discounts, subscriptions, customer)
        return dict(chain(unheard, discount_ends.heard(self.discounts)))

    @cached_property
    def _told(self) -> dict[int, dict[str, Any]]:
        return {}
