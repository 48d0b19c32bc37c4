"""Which kinds of Stripe's objects are read, each with its shape and its fact."""

from __future__ import annotations

from typing import Final

from projections.facts import (
    CreditNoteObserved,
    CustomerObserved,
    DiscountObserved,
    InvoiceItemObserved,
    InvoiceObserved,
    MandateObserved,
    PaymentMethodObserved,
    PaymentObserved,
    ScheduleObserved,
    SubscriptionObserved,
    TaxIdObserved,
    TieObserved,
)
from projections.shapes.charges import (
    StripeCreditNote,
    StripeDiscounting,
    StripeInvoiceItem,
    credit_note,
    discounting,
    invoice_item,
)
from projections.shapes.customers import StripeCustomer, StripeTaxId, customer, tax_id
from projections.shapes.invoices import StripeInvoice, SwiftInvoice, fill_lines, invoice
from projections.shapes.payment_methods import (
    StripeMandate,
    StripePaymentMethod,
    mandate,
    payment_method,
)
from projections.shapes.payments import StripePayment, StripeTie, payment, tie
from projections.shapes.schedules import StripeSchedule, schedule
from projections.shapes.sold import (
    SwiftSubscription,
    beside_customer,
    billed_beside,
    fill,
    wares_beside,
)
from projections.shapes.subscriptions import StripeSubscription, subscription
from projections.translation.from_stripe import Reader, Shape

SUBSCRIPTION: Final = Reader(
    Shape(
        kind="subscription",
        wire=StripeSubscription,
        read=subscription,
        fact=SubscriptionObserved,
        needed=("status",),
        swift=SwiftSubscription,
        fill=fill,
        beside=wares_beside,
    )
)
CUSTOMER: Final = Reader(
    Shape(
        kind="customer",
        wire=StripeCustomer,
        read=customer,
        fact=CustomerObserved,
        beside=beside_customer,
    )
)
PAYMENT_METHOD: Final = Reader(
    Shape(
        kind="payment_method",
        wire=StripePaymentMethod,
        read=payment_method,
        fact=PaymentMethodObserved,
        roams=True,
    )
)
MANDATE: Final = Reader(
    Shape(
        kind="mandate",
        wire=StripeMandate,
        read=mandate,
        fact=MandateObserved,
        needed=("status",),
        roams=True,
    )
)
TAX_ID: Final = Reader(
    Shape(
        kind="tax_id",
        wire=StripeTaxId,
        read=tax_id,
        fact=TaxIdObserved,
        needed=("type",),
    )
)
INVOICE: Final = Reader(
    Shape(
        kind="invoice",
        wire=StripeInvoice,
        read=invoice,
        fact=InvoiceObserved,
        swift=SwiftInvoice,
        fill=fill_lines,
        beside=billed_beside,
    )
)
INVOICE_ITEM: Final = Reader(
    Shape(
        kind="invoice_item",
        wire=StripeInvoiceItem,
        read=invoice_item,
        fact=InvoiceItemObserved,
        needed=("amount",),
    )
)
CREDIT_NOTE: Final = Reader(
    Shape(
        kind="credit_note",
        wire=StripeCreditNote,
        read=credit_note,
        fact=CreditNoteObserved,
    )
)
DISCOUNT: Final = Reader(
    Shape(
        kind="discount",
        wire=StripeDiscounting,
        read=discounting,
        fact=DiscountObserved,
        nameless=True,
    )
)
SCHEDULE: Final = Reader(
    Shape(
        kind="schedule",
        wire=StripeSchedule,
        read=schedule,
        fact=ScheduleObserved,
        needed=("status",),
    )
)
PAYMENT: Final = Reader(
    Shape(
        kind="payment",
        wire=StripePayment,
        read=payment,
        fact=PaymentObserved,
        passing=True,
    )
)
TIE: Final = Reader(
    Shape(
        kind="tie",
        wire=StripeTie,
        read=tie,
        fact=TieObserved,
        roams=True,
        passing=True,
    )
)
