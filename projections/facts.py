"""Facts: what is read out of an event, and never stored in the log.

    SubscriptionObserved  an object as one Stripe event shows it, whole; likewise
                          CustomerObserved, PaymentMethodObserved, MandateObserved,
                          TaxIdObserved, InvoiceObserved, ScheduleObserved,
                          InvoiceItemObserved, CreditNoteObserved, DiscountObserved,
                          PaymentObserved, TieObserved
    WareShown             something of the catalogue, on its own or inside another object
    ReferenceSeen         an object that others refer to is this account's
    ReferenceMade         an object without a customer belongs where another one does
    ObjectHinted          an object changed, without a word about what
    FieldUnreadable       a field that is not what it should be
    SeatChanged           the product let one user in, or go
    SeatsCounted          the product named all its users, or only how many
    DeliveryConflicted    a Stripe event came again with other content
    AccountLinked         the product's account is this customer
    AccountClaimed        the same, as the customer's metadata says
    StripeChecked         a run over Stripe's own data came to its end
    TermsSet, PolicySet   the operator said what a price means, or what follows a failure

A fact says which account it belongs to (the stream) and which object of it. Facts are
kept in read models, by place of the field, so fields are only added at the end; any
other change is a new version of the projections that keep them.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Generic, TypeVar

import msgspec

from projections.models.charged import CreditNote, Discounting, InvoiceItem
from projections.objects import (
    Customer,
    Invoice,
    Item,
    Schedule,
    Subscription,
    TaxId,
    Value,
)
from projections.own_facts import (
    AccountClaimed,
    AccountLinked,
    DeliveryConflicted,
    PolicySet,
    SeatChanged,
    SeatsCounted,
    StripeChecked,
    TermsSet,
)
from projections.paths import paths
from projections.payment_objects import Mandate, Payment, PaymentMethod, Tie
from projections.translation.lifecycle import rank
from projections.wares import Ware

__all__ = [
    "AccountClaimed",
    "AccountLinked",
    "CreditNoteObserved",
    "CustomerObserved",
    "DeliveryConflicted",
    "DiscountObserved",
    "Fact",
    "FieldUnreadable",
    "InvoiceItemObserved",
    "InvoiceObserved",
    "Item",
    "MandateObserved",
    "ObjectHinted",
    "Observed",
    "PaymentMethodObserved",
    "PaymentObserved",
    "PolicySet",
    "ReferenceMade",
    "ReferenceSeen",
    "ScheduleObserved",
    "SeatChanged",
    "SeatsCounted",
    "StripeChecked",
    "Subscription",
    "SubscriptionObserved",
    "TaxIdObserved",
    "TermsSet",
    "TieObserved",
    "WareShown",
    "values_of",
]

V = TypeVar("V", bound=Value)
values_of = paths


class Observed(
    msgspec.Struct, Generic[V], frozen=True, array_like=True, kw_only=True, gc=False
):
    """An object as one Stripe event shows it; a `ledger.order.Told`.

    Attributes:
        earlier: The values that the event replaced, by path; None where its type tells
            none.
    """

    account: str
    object_id: str
    event_id: str
    type: str
    occurred_at: datetime
    position: int
    value: V
    earlier: dict[str, Any] | None = None

    @property
    def rank(self) -> int:
        """The place of the event's type in an object's life."""
        return rank(self.type)

    @property
    def values(self) -> Mapping[str, object]:
        """The object's values after the event."""
        return paths(self.value)

    @property
    def previous(self) -> Mapping[str, object] | None:
        """The values that it changed, before it."""
        return self.earlier

    @property
    def deletes(self) -> bool:
        """Whether the object is gone after it."""
        return self.type.endswith((".deleted", ".gone"))


class SubscriptionObserved(
    Observed[Subscription], frozen=True, array_like=True, kw_only=True
):
    """A subscription as one Stripe event shows it."""

    @property
    def subscription(self) -> Subscription:
        """The subscription after the event."""
        return self.value


class CustomerObserved(Observed[Customer], frozen=True, array_like=True, kw_only=True):
    """A customer as one Stripe event shows it."""


class PaymentMethodObserved(
    Observed[PaymentMethod], frozen=True, array_like=True, kw_only=True
):
    """A payment method, or an older source, as one Stripe event shows it."""


class MandateObserved(Observed[Mandate], frozen=True, array_like=True, kw_only=True):
    """A mandate as one Stripe event shows it; its account is not known yet."""


class TaxIdObserved(Observed[TaxId], frozen=True, array_like=True, kw_only=True):
    """A tax id as one Stripe event shows it."""


class InvoiceObserved(Observed[Invoice], frozen=True, array_like=True, kw_only=True):
    """An invoice as one Stripe event shows it."""


class InvoiceItemObserved(
    Observed[InvoiceItem], frozen=True, array_like=True, kw_only=True
):
    """An invoice item as one Stripe event shows it."""


class CreditNoteObserved(Observed[CreditNote], frozen=True, array_like=True, kw_only=True):
    """A credit note as one Stripe event shows it."""


class DiscountObserved(Observed[Discounting], frozen=True, array_like=True, kw_only=True):
    """A discount as one Stripe event shows it."""


class ScheduleObserved(Observed[Schedule], frozen=True, array_like=True, kw_only=True):
    """A subscription's schedule as one Stripe event shows it."""


class PaymentObserved(Observed[Payment], frozen=True, array_like=True, kw_only=True):
    """A charge or a payment intent as one Stripe event shows it."""


class TieObserved(Observed[Tie], frozen=True, array_like=True, kw_only=True):
    """A refund, a dispute or an invoice payment; its account is not known yet."""


class WareShown(msgspec.Struct, frozen=True, array_like=True, kw_only=True):
    """Something of the catalogue, as one Stripe event shows it.

    Attributes:
        kind: ``price``, ``product``, ``coupon``, ``promotion_code`` or ``tax_rate``.
        ware: None where it was deleted.
        own: Whether the event is about it; else it stood inside another object.
    """

    account: str
    kind: str
    id: str
    event_id: str
    type: str
    occurred_at: datetime
    position: int
    ware: Ware | None
    own: bool

    @property
    def object_id(self) -> str:
        """Ids are unique within a kind: a coupon is called what somebody typed."""
        return f"{self.kind}:{self.id}"

    @property
    def rank(self) -> int:
        """The place of the event's type in an object's life."""
        return rank(self.type)


class ReferenceSeen(msgspec.Struct, frozen=True, array_like=True, kw_only=True):
    """A charge, intent, invoice or payment method is *account*'s: what names it is too."""

    account: str
    object_id: str
    occurred_at: datetime
    position: int


class ReferenceMade(msgspec.Struct, frozen=True, array_like=True, kw_only=True):
    """An object that names no customer, and whom it names instead.

    Attributes:
        account: The stream of what is still to be routed.
        references: The objects that tell whose it is, the surest first.
    """

    account: str
    object_id: str
    event_id: str
    type: str
    occurred_at: datetime
    position: int
    references: tuple[str, ...]


class ObjectHinted(msgspec.Struct, frozen=True, array_like=True, kw_only=True):
    """A thin event: the object changed, and only Stripe can say how. Never a figure.

    Attributes:
        url: Where Stripe shows the object, a path of its API.
    """

    account: str
    object_id: str
    event_id: str
    type: str
    occurred_at: datetime
    position: int
    url: str | None = None


class FieldUnreadable(msgspec.Struct, frozen=True, array_like=True, kw_only=True):
    """A field of a Stripe event that cannot be read; it counts as not given.

    Attributes:
        field: Its path in the event, such as ``items``.
        reason: What is expected there; never the value itself.
        kind: What kind of object it is a field of.
    """

    account: str
    object_id: str
    event_id: str
    occurred_at: datetime | None
    position: int
    field: str
    reason: str
    kind: str = "subscription"


Fact = (
    Observed[Any]
    | WareShown
    | ReferenceSeen
    | ReferenceMade
    | ObjectHinted
    | FieldUnreadable
    | SeatChanged
    | SeatsCounted
    | AccountLinked
    | DeliveryConflicted
    | AccountClaimed
    | TermsSet
    | PolicySet
    | StripeChecked
)
