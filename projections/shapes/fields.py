"""What the shapes of Stripe's objects are made of, and how it is read.

Only the fields that are used are declared, so only they are decoded. Times are Stripe's
whole seconds; a number with a fraction is no whole number here; a decimal keeps every
digit that was sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Annotated, Final, Generic, TypeVar

import msgspec
from msgspec import Meta

from ledger.masking import masked
from projections.objects import Discount

# Up to the last second of 9998: in every zone, and a month later, that is still a date.
Seconds = Annotated[int, Meta(ge=0, le=253_370_764_799)]
Quantity = Annotated[int, Meta(ge=0, le=2**53)]
Amount = Annotated[int, Meta(ge=-(2**53), le=2**53)]
# Stripe sells three years at most; what is far beyond is no rhythm of anything.
Intervals = Annotated[int, Meta(ge=1, le=1200)]
Month = Annotated[int, Meta(ge=1, le=12)]
Year = Annotated[int, Meta(ge=1, le=9999)]

DIGITS_MAX: Final = 40


class UnreadableError(ValueError):
    """A field of a shape has the right type and no meaning; leave it out and go on."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(field, reason)
        self.field = field
        self.reason = reason


class Expanded(msgspec.Struct):
    """An object in a place where mostly only its id stands."""

    id: str


Reference = str | Expanded | None
T = TypeVar("T")


class Listed(msgspec.Struct, Generic[T]):
    """A list as Stripe wraps it."""

    data: list[T]


class DiscountSource(msgspec.Struct):
    """Where a discount comes from, since clover."""

    coupon: Reference = None


class StripeDiscount(Expanded):
    """A discount where it stands whole."""

    coupon: Reference = None
    source: DiscountSource | None = None
    promotion_code: Reference = None
    start: Seconds | None = None
    end: Seconds | None = None


# The same few times stand in event after event: periods, creations, anchors.
@lru_cache(maxsize=16384)
def moment(seconds: int | None) -> datetime | None:
    """Return Stripe's *seconds* since 1970 as a time."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def id_of(reference: Reference) -> str | None:
    """Return the id that *reference* is or holds."""
    return reference.id if isinstance(reference, Expanded) else reference


# What a customer typed stands in each of its events.
@lru_cache(maxsize=16384)
def text(typed: str | None) -> str | None:
    """Return what somebody *typed*, without card numbers."""
    return None if typed is None else masked(typed)


def exact(field: str, number: Decimal | None) -> str | None:
    """Return *number* as plain digits, none added and none lost.

    Raises:
        UnreadableError: It is no number that an amount or a percentage can be.
    """
    if number is None:
        return None
    if not number.is_finite() or abs(number.adjusted()) > DIGITS_MAX:
        raise UnreadableError(field, "Expected a decimal number")
    written = f"{number:f}"
    return written.rstrip("0").rstrip(".") if "." in written else written


def discounts(
    one: StripeDiscount | None, several: Sequence[str | StripeDiscount] | None
) -> tuple[Discount, ...]:
    """Return the discounts of an object, in order: the list, or the one of old shapes."""
    if one is None and not several:
        return ()
    found = [_discount(each) for each in several or ()]
    if one is not None:
        whole = _discount(one)
        known = [each.id for each in found]
        if whole.id in known:
            found[known.index(whole.id)] = whole
        else:
            found.append(whole)
    return tuple(found)


def _discount(shown: str | StripeDiscount) -> Discount:
    if isinstance(shown, str):
        return Discount(id=shown)
    source = shown.source
    return Discount(
        id=shown.id,
        coupon=id_of(shown.coupon if source is None else source.coupon or shown.coupon),
        promotion_code=id_of(shown.promotion_code),
        start=moment(shown.start),
        end=moment(shown.end),
    )
