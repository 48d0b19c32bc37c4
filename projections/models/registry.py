"""Every projection there is; to add one, write its file and name it here."""

from __future__ import annotations

from typing import Any, Final

from projections.models.catalogue import CATALOGUE
from projections.models.checks import CHECKS
from projections.models.conflicts import CONFLICTS
from projections.models.credit_notes import CREDIT_NOTES
from projections.models.customers import CUSTOMERS
from projections.models.declaration import Projection
from projections.models.discounts import DISCOUNTS
from projections.models.invoice_items import INVOICE_ITEMS
from projections.models.invoices import INVOICES
from projections.models.links import LINKS
from projections.models.mandates import MANDATES
from projections.models.payment_methods import PAYMENT_METHODS
from projections.models.payments import PAYMENTS
from projections.models.routing import HINTS, REFERENCES, UNROUTED
from projections.models.schedules import SCHEDULES
from projections.models.seats import SEATS
from projections.models.subscriptions import SUBSCRIPTIONS
from projections.models.tax_ids import TAX_IDS
from projections.models.ties import TIES

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
