"""Every projection there is; to add one, write its file and name it here."""

from __future__ import annotations

from typing import Any, Final

from projections.catalogue import CATALOGUE
from projections.checks import CHECKS
from projections.conflicts import CONFLICTS
from projections.credit_notes import CREDIT_NOTES
from projections.customers import CUSTOMERS
from projections.declaration import Projection
from projections.discounts import DISCOUNTS
from projections.invoice_items import INVOICE_ITEMS
from projections.invoices import INVOICES
from projections.links import LINKS
from projections.mandates import MANDATES
from projections.payment_methods import PAYMENT_METHODS
from projections.payments import PAYMENTS
from projections.routing import HINTS, REFERENCES, UNROUTED
from projections.schedules import SCHEDULES
from projections.seats import SEATS
from projections.subscriptions import SUBSCRIPTIONS
from projections.tax_ids import TAX_IDS
from projections.ties import TIES

PROJECTIONS: Final[tuple[Projection[Any], ...]] = (
    SUBSCRIPTIONS,
    SEATS,
    LINKS,
    CUSTOMERS,
    PAYMENT_METHODS,
    MANDATES,
    TAX_IDS,
    INVOICES,
    INVOICE_ITEMS,
    CREDIT_NOTES,
    DISCOUNTS,
    SCHEDULES,
    PAYMENTS,
    TIES,
    CONFLICTS,
    CATALOGUE,
    CHECKS,
    REFERENCES,
    UNROUTED,
    HINTS,
)
