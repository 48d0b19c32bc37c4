"""What is going to change by itself: an end that is set, phases of a schedule, a resume.

1 Apr   change   1 of price_pro, 4 of price_seat      a downgrade, at the period's end
1 May   cancel
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

import attrs

from projections.facts import Subscription
from projections.models.catalogue import Catalogue
from projections.objects import Phase, Schedule
from projections.status.access import ends, is_live

_AT_WORK: Final = frozenset({"active", "not_started"})


class Kind(enum.StrEnum):
    """What happens then."""

    CANCEL = "cancel"
    CHANGE = "change"
    QUANTITY = "quantity"
    RESUME = "resume"


@attrs.frozen
class Wanted:
    """One price of what the subscription is to be, and how many of it.

    Attributes:
        name: What its product is called, where the catalogue knows.
    """

    price: str | None
    quantity: int | None
    name: str | None = None


@attrs.frozen(kw_only=True)
class Scheduled:
    """A change that comes unless somebody takes it back.

    Attributes:
        items: What the subscription is then; empty where that does not change.
        prorated: Whether the difference is charged for the rest of a period.
    """

    at: datetime
    kind: Kind
    items: tuple[Wanted, ...] = ()
    prorated: bool | None = None


def scheduled(
    name: str, shown: Subscription, schedules: Iterable[Schedule], now: datetime
) -> tuple[Scheduled, ...]:
    """Return what is to change of the subscription *name* after *now*, the first first.

    Args:
        schedules: Of its account; those of other subscriptions are passed over.
    """
    found = [
        change
        for schedule in schedules
        if schedule.subscription == name and schedule.status in _AT_WORK
        for change in _of_schedule(schedule, shown)
    ]
    end = ends(shown)
    if end is not None:
        found.append(Scheduled(at=end, kind=Kind.CANCEL))
    if shown.pause_resumes_at is not None and is_live(shown.status):
        found.append(Scheduled(at=shown.pause_resumes_at, kind=Kind.RESUME))
    coming = {(one.at, one.kind): one for one in found if one.at > now}
    return tuple(coming[key] for key in sorted(coming))


def named(
    changes: Iterable[Scheduled], catalogue: Catalogue, now: datetime
) -> tuple[Scheduled, ...]:
    """Return *changes* with the names by which *catalogue* knows what is sold then."""
    return tuple(
        attrs.evolve(
            each,
            items=tuple(
                attrs.evolve(item, name=_name(item.price, catalogue, now))
                for item in each.items
            ),
        )
        for each in changes
    )


def _name(price: str | None, catalogue: Catalogue, now: datetime) -> str | None:
    shown = None if price is None else catalogue.price(price, now)
    if shown is None:
        return None
    product = None if shown.product is None else catalogue.product(shown.product, now)
    return (None if product is None else product.name) or shown.nickname


def _of_schedule(schedule: Schedule, shown: Subscription) -> list[Scheduled]:
    found = []
    before: Sequence[Wanted] = _sorted(
        Wanted(item.price, item.quantity) for item in shown.items
    )
    for phase in schedule.phases:
        items = _items(phase)
        if phase.start is not None and items != before:
            found.append(_change(phase, phase.start, before, items))
        before = items
    last = schedule.phases[-1].end if schedule.phases else None
    if last is not None and schedule.end_behavior == "cancel":
        found.append(Scheduled(at=last, kind=Kind.CANCEL))
    return found


def _change(
    phase: Phase, start: datetime, before: Sequence[Wanted], items: tuple[Wanted, ...]
) -> Scheduled:
    same = [each.price for each in before] == [each.price for each in items]
    behavior = phase.proration_behavior
    return Scheduled(
        at=start,
        kind=Kind.QUANTITY if same else Kind.CHANGE,
        items=items,
        prorated=None if behavior is None else behavior != "none",
    )


def _items(phase: Phase) -> tuple[Wanted, ...]:
    return _sorted(Wanted(item.price, item.quantity) for item in phase.items)


def _sorted(items: Iterable[Wanted]) -> tuple[Wanted, ...]:
    return tuple(sorted(items, key=_price))


def _price(item: Wanted) -> tuple[str, int]:
    return item.price or "", item.quantity or 0
