"""Each figure that can be explained, and what explains it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from projections.account import Account
from projections.answer import Billing
from projections.explain import dunning as explained_dunning
from projections.explain import seats as explained_seats
from projections.explain import status as explained_status
from projections.explain import total as of_total
from projections.explain.tree import Explanation, Figure, Node, Unit
from projections.totals.period_total import PeriodTotal

EXPLAINED: Final[Mapping[Figure, Callable[[Account, Billing], Node]]] = {
    Figure.STATUS: explained_status.status,
    Figure.SEATS: explained_seats.seats,
    Figure.DUNNING: explained_dunning.dunning,
}
_TITLES: Final = {
    Figure.STATUS: "Status and access",
    Figure.SEATS: "Seats of this period",
    Figure.DUNNING: "What follows the failed payment",
}


def explanation(account: Account, told: Billing, figure: Figure) -> Explanation:
    """Return why *figure* is what *told* says of *account*; of the current period."""
    if figure is Figure.TOTAL:
        return total_explanation(account, told, told.period_total)
    timeline = told.foremost if figure is Figure.DUNNING else None
    return Explanation(
        account=told.linked.account,
        figure=figure,
        title=_TITLES[figure] + (f" of {timeline.invoice}" if timeline else ""),
        currency=timeline.shown.currency if timeline else None,
        root=EXPLAINED[figure](account, told),
        beside=_other_timelines(account, told) if figure is Figure.DUNNING else (),
    )


def _other_timelines(account: Account, told: Billing) -> tuple[Node, ...]:
    """Return why each other one that goes on is at its stage."""
    foremost = told.foremost
    among = foremost.shown.currency if foremost else None
    return tuple(
        explained_dunning.stage(account, each, among=among or "")
        for each in told.dunning
        if each.open and each is not foremost
    )


def total_explanation(
    account: Account, told: Billing, total: PeriodTotal | None
) -> Explanation:
    """Return why *total*, of any period of the primary subscription, is what it is."""
    current = total is None or total == told.period_total
    title = "This period's total" if current else "The period's total"
    if total is None:
        root = Node(label="Total", unit=Unit.MONEY, detail="there is no period to bill")
        return Explanation(
            account=told.linked.account, figure=Figure.TOTAL, title=title, root=root
        )
    return Explanation(
        account=told.linked.account,
        figure=Figure.TOTAL,
        title=title,
        currency=total.currency,
        period=(total.period.start, total.period.end),
        root=of_total.total(account, told, total),
        beside=tuple(of_total.beside(total)),
    )
