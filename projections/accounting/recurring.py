"""What an account is worth a month, over time: its recurring revenue, step by step.

    1 Mar 09:00    usd      0 -> 9,900     sub_1 active, 99.00 a month
    9 Mar 14:10    usd  9,900 -> 11,500    two more seats
    1 Apr 00:00    usd 11,500 -> 9,200     20 % off begins

Subscriptions count while they are active or past due: a trial, a pause and what was never
paid come to nothing. A year is spread over 12 months, a week is 52/12 of one and a day
365/12. Coupons that last are taken off; one for a single invoice is not, nor is usage.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Final

import attrs
import msgspec

from ledger.coupons import Base, Duration, Reduction, ends_at, take
from ledger.money import rounded
from ledger.pricing import NoPriceError, price
from projections.account import Account
from projections.history import Current
from projections.marks import Mark, Sold
from projections.objects import Discount, Subscription
from projections.totals.books import Books, tariff_of

COUNTED: Final = frozenset({"active", "past_due"})
MONTHLY: Final = {
    "day": Fraction(365, 12),
    "week": Fraction(52, 12),
    "month": Fraction(1),
    "year": Fraction(1, 12),
}
_EVER: Final = datetime.max.replace(tzinfo=UTC)
_BEFORE_ALL: Final = datetime.min.replace(tzinfo=UTC)


@attrs.frozen(kw_only=True)
class Step:
    """A change of what an account is worth a month, in minor units of *currency*.

    Attributes:
        subscriptions: Those that changed.
        evidence: The events that made them what they are from *at* on.
    """

    at: datetime
    currency: str
    before: int
    after: int
    subscriptions: tuple[str, ...] = ()
    evidence: tuple[int, ...] = ()


@attrs.frozen(kw_only=True)
class Recurring:
    """An account's steps, in order of time, and prices whose amount is not known."""

    steps: tuple[Step, ...] = ()
    unpriced: frozenset[str] = frozenset()


@attrs.frozen(kw_only=True)
class _Window:
    """A coupon at work in [start, end)."""

    start: datetime
    end: datetime
    reduction: Reduction
    evidence: tuple[int, ...]
    customers: bool = False


def recurring(account: Account, now: datetime) -> Recurring:
    """Return what *account* was worth a month, up to *now*."""
    levels: defaultdict[tuple[str, str], int] = defaultdict(int)
    changes: defaultdict[tuple[datetime, str], list[_Change]] = defaultdict(list)
    unpriced: set[str] = set()
    for books in _books(account, now):
        for change in _changes(books, unpriced):
            if change.at <= now:
                changes[change.at, change.currency].append(change)
    steps = []
    for (at, currency), together in sorted(changes.items(), key=lambda one: one[0]):
        before = sum(each for key, each in levels.items() if key[1] == currency)
        for change in together:
            levels[change.subscription, currency] = change.amount
        after = sum(each for key, each in levels.items() if key[1] == currency)
        if after != before:
            steps.append(
                Step(
                    at=at,
                    currency=currency,
                    before=before,
                    after=after,
                    subscriptions=tuple(sorted({each.subscription for each in together})),
                    evidence=tuple(sorted({p for each in together for p in each.evidence})),
                )
            )
    return Recurring(steps=tuple(steps), unpriced=frozenset(unpriced))


@attrs.frozen(kw_only=True)
class _Change:
    at: datetime
    subscription: str
    currency: str
    amount: int
    evidence: tuple[int, ...]


def _books(account: Account, now: datetime) -> Iterator[Books]:
    customer = account.currents(account.customers).get(account.linked.customer or "")
    for name, current in account.currents(account.histories).items():
        yield Books(
            id=name,
            current=current,
            invoices=account.alive(account.invoices),
            discounts=account.currents(account.discounts),
            stops=account.stops,
            customer=None if customer is None else customer.value,
            catalogue=account.catalogue,
            now=now,
        )


def _changes(books: Books, unpriced: set[str]) -> Iterator[_Change]:
    """Yield what the subscription is worth each time that may have changed."""
    marks = _dated(books.current)
    windows = list(_windows(books))
    edges = {each.at for each in marks}
    first = marks[0].at
    for each in windows:
        edges |= {at for at in (each.start, each.end) if first < at < _EVER}
    place, known = 0, dict[str, int]()
    for at in sorted(edges):
        while place + 1 < len(marks) and marks[place + 1].at <= at:
            place += 1
        mark = marks[place]
        working = [each for each in windows if each.start <= at < each.end]
        currency, amount = _worth(books, mark, working, unpriced)
        told = [mark.position] if mark.at == at else []
        told += [
            position
            for each in windows
            if at in (each.start, each.end)
            for position in each.evidence
        ]
        # A subscription that comes to another currency leaves nothing behind in the old.
        for name, value in {**dict.fromkeys(known, 0), currency: amount}.items():
            if value != known.get(name, 0):
                yield _Change(
                    at=at,
                    subscription=books.id,
                    currency=name,
                    amount=value,
                    evidence=tuple(told),
                )
            known[name] = value


def _dated(current: Current[Subscription]) -> list[Mark]:
    """Return the marks; the first from when the subscription began, if told later."""
    first, *rest = current.marks
    shown = current.value
    begun = shown.start_date or shown.created or first.at
    if shown.trial_end is not None and shown.trial_end <= first.at:
        begun = max(begun, shown.trial_end)
    if begun < first.at:
        first = msgspec.structs.replace(first, at=begun)
    return [first, *rest]


def _worth(
    books: Books, mark: Mark, windows: Sequence[_Window], unpriced: set[str]
) -> tuple[str, int]:
    """Return what the items of *mark* come to a month, rounded half up, once for all."""
    currency = mark.currency or books.currency
    if mark.status not in COUNTED:
        return currency, 0
    bases, factors = [], []
    for sold in mark.sold:
        found = _priced(books, sold, mark.at, unpriced)
        if found is not None:
            bases.append(found[0])
            factors.append(found[1])
    nets = [each.amount for each in bases]
    reductions = [each.reduction for each in _applying(windows)]
    for taken in take(bases, reductions, currency):
        if taken is not None:
            nets = [net - off for net, off in zip(nets, taken.shares, strict=True)]
    exact = sum(
        (net * factor for net, factor in zip(nets, factors, strict=True)), Fraction()
    )
    return currency, rounded(exact, currency)


def _priced(
    books: Books, sold: Sold, at: datetime, unpriced: set[str]
) -> tuple[Base, Fraction] | None:
    """Return what an item costs in its own rhythm, and how often a month that is."""
    shown = books.price(sold.price, at)
    if sold.quantity is None or (shown is not None and shown.usage_type == "metered"):
        return None
    tariff = tariff_of(shown)
    factor = MONTHLY.get((shown and shown.interval) or "")
    if shown is None or tariff is None or factor is None:
        unpriced.add(sold.price or sold.item)
        return None
    try:
        amount = price(tariff, sold.quantity)
    except NoPriceError:
        unpriced.add(sold.price or sold.item)
        return None
    base = Base(amount=amount, product=sold.product or shown.product, item=sold.item)
    return base, factor / (shown.interval_count or 1)


def _applying(windows: Sequence[_Window]) -> Sequence[_Window]:
    """Return those of the subscription; the customer's only where it has none itself."""
    own = [each for each in windows if not each.customers]
    if any(each.reduction.item is None for each in own):
        return own
    return [*own, *(each for each in windows if each.customers)]


def _windows(books: Books) -> Iterator[_Window]:
    """Yield each lasting coupon once, with when it works."""
    seen: set[str] = set()
    for discount, item, customers in _attached(books):
        if discount.id in seen:
            continue
        seen.add(discount.id)
        known = books.known_discounts.get(discount.id, (discount, 0))[0]
        whole = discount if discount.coupon is not None else known
        coupon = books.coupon(whole.coupon)
        if coupon is None or coupon.duration == Duration.ONCE:
            continue
        start = whole.start or known.start
        ends = ends_at(coupon.duration, coupon.duration_in_months, start)
        stop = books.stops.get(discount.id)
        told = [each for each in (whole.end, known.end, ends, stop) if each is not None]
        yield _Window(
            start=start or _BEFORE_ALL,
            end=min(told, default=_EVER),
            reduction=Reduction(
                percent=None if coupon.percent_off is None else Decimal(coupon.percent_off),
                amounts=dict(coupon.amounts_off),
                products=None if coupon.products is None else frozenset(coupon.products),
                item=item,
            ),
            evidence=books.coupon_evidence(discount.id),
            customers=customers,
        )


def _attached(books: Books) -> Iterable[tuple[Discount, str | None, bool]]:
    """Yield every discount that is or was on the subscription, or on its customer."""
    shown = books.subscription
    for item in shown.items:
        yield from ((each, item.id, False) for each in item.discounts)
    yield from ((each, None, False) for each in shown.discounts)
    yield from (
        (each, None, True) for each in (books.customer.discounts if books.customer else ())
    )
    for name, told in sorted(books.discounts.items()):
        value = told.value
        if value.invoice is not None or value.subscription not in {None, books.id}:
            continue
        discount = Discount(
            id=name,
            coupon=value.coupon,
            promotion_code=value.promotion_code,
            start=value.start,
            end=value.end,
        )
        yield discount, value.item, value.subscription is None
