"""Discounts given and taken away: by campaigns, as goodwill, by code, and by themselves."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Final

from replay.simulator.account import Account
from replay.simulator.coupons import Code, Coupon, Discount, Duration
from replay.simulator.objects import reductions
from replay.simulator.renewals import DAY_S
from replay.simulator.subscriptions import Item, Subscription

_AT_START_PER_MILLE: Final = 220
_REDEEM_BY_S: Final = 30 * DAY_S
_GOODWILL: Final = ("10", "15.5", "33.33", "100")
_MANY: Final = 2


def at_start(account: Account, held: Subscription, at: int) -> list[Discount]:
    """Let some subscriptions begin with a coupon; the caller tells of the discounts."""
    money = account.habits.money
    if not money.eventful or not account.luck.happens(_AT_START_PER_MILLE):
        return []
    coupon = _campaign(account, at)
    return [_give(account, held, coupon, at, on=_on_subscription)] if coupon else []


def tell_given(account: Account, given: Discount) -> None:
    """Tell of a new discount; it ends by itself when its months are over."""
    rendered = reductions.discount(given, account.shape)
    account.outbox.tell("customer.discount.created", rendered)
    if given.end is not None:
        account.agenda.plan(given.end, partial(_end, account, given))


def redeem(account: Account, held: Subscription, at: int) -> None:
    """Redeem a coupon of a campaign: on the subscription, an item, or the customer."""
    coupon = _campaign(account, at)
    if not held.healthy or coupon is None or len(held.discounts) > _MANY:
        return
    target = account.luck.pick((_on_subscription, _on_item, _on_customer))
    if target is _on_customer and account.customer.discount is not None:
        target = _on_subscription
    account.outbox.begin(at, requested=True)
    tell_given(account, _give(account, held, coupon, at, on=target))
    _tell_holders(account, held)


def be_generous(account: Account, held: Subscription, at: int) -> None:
    """Make a coupon for this customer alone, who redeems it by its code at once."""
    if not held.healthy or len(held.discounts) > _MANY:
        return
    ids, outbox = account.ids, account.outbox
    coupon = Coupon(
        coupon_id=ids.capitals(8),
        created=at,
        name="Sorry",
        duration=account.luck.pick((Duration.ONCE, Duration.FOREVER)),
        percent_off=Decimal(account.luck.pick(_GOODWILL)),
        max_redemptions=1,
        redeem_by=at + _REDEEM_BY_S,
    )
    code = Code(
        code_id=ids.dated("promo", at),
        code=ids.capitals(8),
        coupon=coupon,
        created=at,
        customer_id=account.customer.customer_id,
        expires_at=coupon.redeem_by,
        max_redemptions=1,
    )
    outbox.begin(at, requested=True)
    outbox.tell("coupon.created", reductions.coupon(coupon, at))
    outbox.tell(
        "promotion_code.created", reductions.promotion_code(code, at, account.shape)
    )
    given = _give(account, held, coupon, at, on=_on_subscription)
    given.code_id = code.code_id
    coupon.times_redeemed = code.times_redeemed = 1
    code.active = False
    tell_given(account, given)
    outbox.tell("coupon.updated", reductions.coupon(coupon, at))
    outbox.tell(
        "promotion_code.updated", reductions.promotion_code(code, at, account.shape)
    )
    outbox.forget(coupon.coupon_id)
    outbox.forget(code.code_id)
    _tell_holders(account, held)


def take_back(account: Account, held: Subscription, at: int) -> None:
    """Remove a discount within the period; what is billed stays as it is."""
    given = [*held.discounts, *(each for item in held.items for each in item.discounts)]
    if held.ended or not given:
        return
    account.outbox.begin(at, requested=True)
    _drop(account, account.luck.pick(given))
    _tell_holders(account, held)


def drop_used(account: Account, held: Subscription) -> None:
    """Drop what was for once, now that it was used; the caller has begun the events."""
    used = [
        each
        for each in _given(account)
        if each.used and each.coupon.duration is Duration.ONCE
    ]
    for each in used:
        _drop(account, each)
    if used:
        _tell_holders(account, held)


def _end(account: Account, given: Discount, at: int) -> None:
    """End a discount whose months are over, if it is still there."""
    if given not in _given(account):
        return
    account.outbox.begin(at, requested=False)
    _drop(account, given)
    for held in account.live:
        _tell_holders(account, held)


def _campaign(account: Account, at: int) -> Coupon | None:
    """Choose a coupon that everybody may have, of the customer's currency if of any."""
    currency = account.plan.currency
    fit = [
        coupon
        for coupon in account.offers.coupons
        if coupon.currency in {None, currency} and coupon.valid(at)
    ]
    return account.luck.pick(fit) if fit else None


_Target = Callable[[Account, Subscription, Discount], None]


def _give(
    account: Account, held: Subscription, coupon: Coupon, at: int, *, on: _Target
) -> Discount:
    codes = [each for each in account.offers.codes if each.coupon is coupon]
    given = Discount(
        discount_id=account.ids.dated("di", at),
        coupon=coupon,
        customer_id=account.customer.customer_id,
        start=at,
        code_id=codes[0].code_id if codes else None,
        end=coupon.end(at),
    )
    on(account, held, given)
    return given


def _on_subscription(_account: Account, held: Subscription, given: Discount) -> None:
    given.subscription_id = held.subscription_id
    held.discounts.append(given)


def _on_item(account: Account, held: Subscription, given: Discount) -> None:
    item: Item = account.luck.pick(held.items)
    given.subscription_id = held.subscription_id
    given.item_id = item.item_id
    item.discounts.append(given)


def _on_customer(account: Account, _held: Subscription, given: Discount) -> None:
    account.customer.discount = given


def _given(account: Account) -> list[Discount]:
    """Return all discounts there are on what is live."""
    general = account.customer.discount
    found = [] if general is None else [general]
    for held in account.live:
        found += held.discounts
        for item in held.items:
            found += item.discounts
    return found


def _drop(account: Account, given: Discount) -> None:
    if account.customer.discount is given:
        account.customer.discount = None
    for held in account.live:
        for discounts in (held.discounts, *(item.discounts for item in held.items)):
            if given in discounts:
                discounts.remove(given)
    rendered = reductions.discount(given, account.shape)
    account.outbox.tell("customer.discount.deleted", rendered)
    account.outbox.forget(given.discount_id)


def _tell_holders(account: Account, held: Subscription) -> None:
    account.tell_customer("customer.updated")
    account.tell_subscription("customer.subscription.updated", held)
