"""What is sold, as Stripe's events show it: on its own, or inside another object.

price.updated                    the price
customer.subscription.updated    the price of each item, the coupon of each discount
invoice.paid                     the same of each line, until Stripe showed ids alone
promotion_code.created           the promotion code, and the coupon it stands for
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import attrs
import msgspec

from ledger.envelope import inner_event
from ledger.events import CATALOGUE, StripeEvent
from ledger.log import Recorded
from projections.facts import Fact, FieldUnreadable, WareShown
from projections.shapes.coupons import (
    StripeCoupon,
    StripePromotionCode,
    coupon,
    promotion_code,
)
from projections.shapes.fields import Listed, UnreadableError
from projections.shapes.wares import (
    StripePlan,
    StripePrice,
    StripeProduct,
    StripeTaxRate,
    plan,
    price,
    product,
    tax_rate,
)
from projections.wares import Ware


class _Source(msgspec.Struct):
    coupon: str | StripeCoupon | None = None


class _Discount(msgspec.Struct):
    coupon: str | StripeCoupon | None = None
    source: _Source | None = None


class _Item(msgspec.Struct):
    price: str | StripePrice | None = None
    plan: str | StripePlan | None = None
    discounts: list[str | _Discount] | None = None


class _Holder(msgspec.Struct):
    """An object that other objects of the catalogue stand in."""

    items: Listed[_Item] | None = None
    lines: Listed[_Item] | None = None
    price: str | StripePrice | None = None
    plan: str | StripePlan | None = None
    discount: _Discount | None = None
    discounts: list[str | _Discount] | None = None
    coupon: str | StripeCoupon | None = None
    promotion: _Source | None = None
    source: _Source | None = None


class _HolderData(msgspec.Struct):
    object: _Holder


class _ShownHolder(msgspec.Struct):
    data: _HolderData


@attrs.frozen
class _Shape:
    """How one kind of ware is read, where an event is about it."""

    kind: str
    wire: Any
    read: Callable[[Any], Ware]
    decoder: Any


class _Data(msgspec.Struct):
    object: msgspec.Raw


class _Shown(msgspec.Struct):
    data: _Data


_HOLDER: Final = msgspec.json.Decoder(_ShownHolder)
_LISTED: Final = msgspec.json.Decoder(Listed[_Item])
_OBJECT: Final = msgspec.json.Decoder(_Shown)


def _shape(kind: str, wire: Any, read: Callable[[Any], Ware]) -> _Shape:  # noqa: ANN401
    return _Shape(kind, wire, read, msgspec.json.Decoder(wire))


_SHAPES: Final = {
    "price": _shape("price", StripePrice, price),
    "plan": _shape("price", StripePlan, plan),
    "product": _shape("product", StripeProduct, product),
    "coupon": _shape("coupon", StripeCoupon, coupon),
    "promotion_code": _shape("promotion_code", StripePromotionCode, promotion_code),
    "tax_rate": _shape("tax_rate", StripeTaxRate, tax_rate),
}
KINDS: Final = frozenset(_SHAPES)
_BASIL: Final = "2025-03-31"
# What every price and plan has, and every coupon.
_SIGNS_OF_WARES: Final = (b'"billing_scheme"', b'"percent_off"')


def ware_shown(recorded: Recorded) -> Sequence[Fact]:
    """Read an event that is about something of the catalogue, and what stands in it."""
    event = recorded.event
    if not isinstance(event, StripeEvent) or event.stripe_type is None:
        return ()
    shape = _SHAPES[event.stripe_type.partition(".")[0]]
    try:
        raw = _OBJECT.decode(inner_event(event.body)).data.object
        shown = shape.decoder.decode(raw)
        deleted = event.stripe_type.endswith(".deleted")
        ware = None if deleted else shape.read(shown)
    except (msgspec.MsgspecError, UnreadableError) as error:
        return (_unreadable(recorded, event, shape.kind, error),)
    own = _fact(recorded, event, shape.kind, shown.id, ware, own=True)
    if shape.kind != "promotion_code":
        return (own,)
    return (own, *wares_within(recorded))


def wares_within(recorded: Recorded) -> Sequence[Fact]:
    """Read the prices and coupons inside another object; what is not whole is no news.

    A field that cannot be read there is a finding of the object that holds it.
    """
    event = recorded.event
    if not isinstance(event, StripeEvent):
        return ()
    try:
        holder = _HOLDER.decode(event.body).data.object
    except msgspec.MsgspecError:
        try:
            holder = _HOLDER.decode(inner_event(event.body)).data.object
        except msgspec.MsgspecError:
            return ()
    try:
        found = {(kind, name): ware for kind, name, ware in _within(holder)}
    except UnreadableError:
        return ()
    return [
        _fact(recorded, event, kind, name, ware, own=False)
        for (kind, name), ware in found.items()
    ]


def wares_billed(recorded: Recorded) -> Sequence[Fact]:
    """Read the same inside an invoice or an invoice item.

    Since basil Stripe's events name prices and coupons there by id alone.
    """
    event = recorded.event
    if not isinstance(event, StripeEvent):
        return ()
    told = not (event.stripe_type or "").endswith(".observed")
    if told and (event.api_version or "") >= _BASIL:
        return ()
    if not any(each in event.body for each in _SIGNS_OF_WARES):
        return ()
    return wares_within(recorded)


def wares_listed(raw: bytes) -> Mapping[tuple[str, str], Ware]:
    """Return what stands in a list of lines or items, by kind and id."""
    if not any(each in raw for each in _SIGNS_OF_WARES):
        return {}
    try:
        found = _Holder(lines=_LISTED.decode(raw))
        return {(kind, name): ware for kind, name, ware in _within(found)}
    except (msgspec.MsgspecError, UnreadableError):
        return {}


def ware_within(recorded: Recorded, kind: str, name: str, ware: Ware) -> WareShown:
    """Return what an event tells of something that stands inside its object."""
    event: Any = recorded.event
    return _fact(recorded, event, kind, name, ware, own=False)


def _within(holder: _Holder) -> Iterator[tuple[str, str, Ware]]:
    # An invoice item is what others have several of.
    shown: Sequence[_Item | _Holder] = _items(holder) or [holder]
    for item in shown:
        if isinstance(item.price, StripePrice):
            yield "price", item.price.id, price(item.price)
        elif isinstance(item.plan, StripePlan):
            yield "plan", item.plan.id, plan(item.plan)
    for named in _coupons(holder):
        if isinstance(named, StripeCoupon):
            yield "coupon", named.id, coupon(named)


def _items(holder: _Holder) -> Sequence[_Item]:
    listed = holder.items or holder.lines
    return () if listed is None else listed.data


def _coupons(holder: _Holder) -> Iterator[str | StripeCoupon | None]:
    yield holder.coupon
    for source in (holder.promotion, holder.source):
        if source is not None:
            yield source.coupon
    of_items = (each for item in _items(holder) for each in item.discounts or ())
    for discount in (holder.discount, *(holder.discounts or ()), *of_items):
        if isinstance(discount, _Discount):
            yield discount.coupon
            if discount.source is not None:
                yield discount.source.coupon


def _fact(
    recorded: Recorded,
    event: StripeEvent,
    kind: str,
    name: str,
    ware: Ware | None,
    *,
    own: bool,
) -> WareShown:
    return WareShown(
        account=CATALOGUE,
        kind=kind,
        id=name,
        event_id=event.event_id,
        type=event.stripe_type or "",
        occurred_at=event.occurred_at or recorded.recorded_at,
        position=recorded.position,
        ware=ware,
        own=own,
    )


def _unreadable(
    recorded: Recorded, event: StripeEvent, kind: str, error: Exception
) -> FieldUnreadable:
    field, reason = "data.object", str(error)
    if isinstance(error, UnreadableError):
        field, reason = f"data.object.{error.field}", error.reason
    return FieldUnreadable(
        account=CATALOGUE,
        object_id=f"{kind}:{event.object_id}",
        event_id=event.event_id,
        occurred_at=event.occurred_at,
        position=recorded.position,
        field=field,
        reason=reason,
        kind=kind,
    )
