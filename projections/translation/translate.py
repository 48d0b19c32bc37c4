"""Translation: which events are read, and into which facts.

    customer.subscription.*       SubscriptionObserved, WareShown
    customer.created …            CustomerObserved, AccountClaimed, WareShown
    payment_method.*, mandate.*   PaymentMethodObserved, MandateObserved
    invoice.*, invoiceitem.*      InvoiceObserved, InvoiceItemObserved, WareShown
    credit_note.*                 CreditNoteObserved
    customer.discount.*           DiscountObserved, WareShown
    subscription_schedule.*       ScheduleObserved
    price.*, product.*, coupon.*  WareShown
    charge.*, payment_intent.*    PaymentObserved, ReferenceSeen
    charge.dispute.*, refund.*    TieObserved, ReferenceMade
    v1.* (thin)                   ObjectHinted
    stripe_object                 what an event about the object gives, and its dates
    stripe_checked                StripeChecked
    seat_assigned, seat_released  SeatChanged
    seats_counted                 SeatsCounted
    account_linked                AccountLinked
    delivery_conflicted           DeliveryConflicted
    terms_set, policy_set         TermsSet, PolicySet

Beside each stands FieldUnreadable for what cannot be read: it has happened, and is a
fact as well, never an error. A type without a row gives no fact; its body is not even
decoded.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain
from typing import Final

import attrs

from ledger.errors import EventUnreadableError, LedgerError
from ledger.events import (
    TOPIC_OF,
    AccountLinked,
    DeliveryConflicted,
    Event,
    PolicySet,
    SeatAssigned,
    SeatReleased,
    SeatsCounted,
    StripeChecked,
    StripeEvent,
    StripeObject,
    TermsSet,
    UnknownEvent,
    Verdict,
)
from ledger.log import Recorded, Selection
from projections import facts
from projections.facts import Fact
from projections.shapes.stripe_objects import (
    CREDIT_NOTE,
    CUSTOMER,
    DISCOUNT,
    INVOICE,
    INVOICE_ITEM,
    MANDATE,
    PAYMENT,
    PAYMENT_METHOD,
    SCHEDULE,
    SUBSCRIPTION,
    TAX_ID,
    TIE,
)
from projections.translation.from_catalogue import ware_shown, wares_billed, wares_within
from projections.translation.from_objects import observations, observing
from projections.translation.from_product import (
    account_linked,
    delivery_conflicted,
    policy_set,
    seat_changed,
    seats_counted,
    stripe_checked,
    terms_set,
    unknown_topic,
)
from projections.translation.from_references import (
    object_hinted,
    reference_made,
    reference_seen,
)
from projections.translation.stripe_types import (
    CREDIT_NOTES,
    CUSTOMERS,
    DISCOUNTS,
    INVOICE_ITEMS,
    INVOICES,
    LOOSE,
    MANDATES,
    PAYMENT_METHODS,
    PAYMENTS,
    SCHEDULES,
    SUBSCRIPTIONS,
    TAX_IDS,
    THIN,
    TIES,
    WARES,
)

Translate = Callable[[Recorded], Sequence[Fact]]
Kind = str | type[Event] | None
"""What decides how an event is read: Stripe's type of it, or its own class."""


@attrs.frozen(kw_only=True)
class Translator:
    """How events of one type are read.

    Attributes:
        gives: The fact it may give, so that a projection can pass over the others; what
            is unreadable comes beside it.
        also: Others, read with it.
    """

    translate: Translate
    gives: type[Fact]
    also: tuple[type[Fact], ...] = ()


def _rows(
    types: Iterable[str], *translators: Translator
) -> dict[str, tuple[Translator, ...]]:
    names = frozenset(types)
    return dict.fromkeys(names | observations(names), translators)


_WITHIN: Final = Translator(translate=wares_within, gives=facts.WareShown)
_BILLED: Final = Translator(translate=wares_billed, gives=facts.WareShown)
_MADE: Final = Translator(translate=reference_made, gives=facts.ReferenceMade)
_READERS: Final = (
    _rows(
        SUBSCRIPTIONS,
        Translator(
            translate=SUBSCRIPTION.whole,
            gives=facts.SubscriptionObserved,
            also=(facts.WareShown,),
        ),
    ),
    _rows(
        CUSTOMERS,
        Translator(
            translate=CUSTOMER.whole,
            gives=facts.CustomerObserved,
            also=(facts.AccountClaimed, facts.WareShown),
        ),
    ),
    _rows(
        PAYMENT_METHODS,
        Translator(translate=PAYMENT_METHOD, gives=facts.PaymentMethodObserved),
    ),
    _rows(MANDATES, Translator(translate=MANDATE, gives=facts.MandateObserved)),
    _rows(TAX_IDS, Translator(translate=TAX_ID, gives=facts.TaxIdObserved)),
    _rows(
        INVOICES,
        Translator(
            translate=INVOICE.whole, gives=facts.InvoiceObserved, also=(facts.WareShown,)
        ),
    ),
    _rows(
        INVOICE_ITEMS,
        Translator(translate=INVOICE_ITEM, gives=facts.InvoiceItemObserved),
        _BILLED,
    ),
    _rows(CREDIT_NOTES, Translator(translate=CREDIT_NOTE, gives=facts.CreditNoteObserved)),
    _rows(SCHEDULES, Translator(translate=SCHEDULE, gives=facts.ScheduleObserved)),
    _rows(WARES, Translator(translate=ware_shown, gives=facts.WareShown)),
    _rows(
        DISCOUNTS,
        Translator(translate=DISCOUNT, gives=facts.DiscountObserved),
        _WITHIN,
    ),
    _rows(
        PAYMENTS,
        Translator(translate=reference_seen, gives=facts.ReferenceSeen),
        Translator(translate=PAYMENT, gives=facts.PaymentObserved),
    ),
    _rows(LOOSE, _MADE),
    _rows(TIES, _MADE, Translator(translate=TIE, gives=facts.TieObserved)),
    _rows(THIN, Translator(translate=object_hinted, gives=facts.ObjectHinted)),
)
_SEAT: Final = Translator(translate=seat_changed, gives=facts.SeatChanged)

_BY_NAME: Final = {name: row for rows in _READERS for name, row in rows.items()}
_OBSERVED: Final = observations(_BY_NAME)
STRIPE: Final[Mapping[str, tuple[Translator, ...]]] = {
    name: row for name, row in _BY_NAME.items() if name not in _OBSERVED
}
OWN: Final[Mapping[type[Event], Translator]] = {
    SeatAssigned: _SEAT,
    SeatReleased: _SEAT,
    SeatsCounted: Translator(translate=seats_counted, gives=facts.SeatsCounted),
    DeliveryConflicted: Translator(
        translate=delivery_conflicted, gives=facts.DeliveryConflicted
    ),
    AccountLinked: Translator(translate=account_linked, gives=facts.AccountLinked),
    StripeChecked: Translator(translate=stripe_checked, gives=facts.StripeChecked),
    TermsSet: Translator(translate=terms_set, gives=facts.TermsSet),
    PolicySet: Translator(translate=policy_set, gives=facts.PolicySet),
}


@attrs.frozen(kw_only=True)
class Translation:
    """The rows of the table that give any of the facts somebody asks for.

    Attributes:
        rows: Of each kind of event its readers, one by one.
    """

    stripe: Mapping[str | None, Translate]
    own: Mapping[type[Event], Translate]
    rows: Mapping[Kind, Sequence[Translate]]

    @property
    def selection(self) -> Selection:
        """The events that it reads."""
        return Selection(
            stripe_types=frozenset(name for name in self.stripe if name),
            topics=frozenset(TOPIC_OF[kind] for kind in self.own if kind in TOPIC_OF),
        )

    def of(self, event: Event) -> Translate | None:
        """Return how *event* is read; None if it gives no fact that is asked for."""
        if type(event) is StripeEvent:
            if event.verdict is not Verdict.ACCEPTED:
                return None
            return self.stripe.get(event.stripe_type)
        return self.own.get(type(event))

    def facts(self, recorded: Iterable[Recorded]) -> list[Fact]:
        """Return the facts of *recorded*, in its order.

        Raises:
            EventUnreadableError: One of them is not what its columns say.
            UnknownTopicError: A later release wrote one of them.
        """
        found: list[Fact] = []
        for one in recorded:
            translate = self.of(one.event)
            if translate is None:
                continue
            try:
                found += translate(one)
            except LedgerError:
                raise
            except Exception as error:
                raise EventUnreadableError(
                    f"#{one.position:,} cannot be read ({type(error).__name__}); bl verify "
                    "tells whether it was altered, else please report it"
                ) from error
        return found


def translation(wanted: Iterable[type[Fact]]) -> Translation:
    """Return the part of the table that gives *wanted*, and stops at unknown topics."""
    kinds = frozenset(wanted)
    stripe: defaultdict[str, list[Translate]] = defaultdict(list)
    for name, row in _BY_NAME.items():
        for translator in row:
            if not kinds.isdisjoint((translator.gives, *translator.also)):
                stripe[name].append(translator.translate)
    readers = {name: _one_after_another(each) for name, each in stripe.items()}
    own: dict[type[Event], Translate] = {
        kind: row.translate for kind, row in OWN.items() if row.gives in kinds
    }
    if any(name in _OBSERVED for name in readers):
        own[StripeObject] = observing(readers)
    own[UnknownEvent] = unknown_topic
    rows: dict[Kind, Sequence[Translate]] = {kind: (each,) for kind, each in own.items()}
    rows.update((name, each) for name, each in stripe.items() if name not in _OBSERVED)
    return Translation(
        stripe={name: each for name, each in readers.items() if name not in _OBSERVED},
        own=own,
        rows=rows,
    )


def _one_after_another(translators: Sequence[Translate]) -> Translate:
    if len(translators) == 1:
        return translators[0]

    def translate(recorded: Recorded) -> Sequence[Fact]:
        return tuple(chain.from_iterable(each(recorded) for each in translators))

    return translate
