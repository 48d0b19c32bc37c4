"""What somebody should know of an account's unpaid invoices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from projections.dunning.steps import deviation
from projections.dunning.timelines import Stage, Timeline
from projections.findings import Finding, info, warning
from projections.history import Current
from projections.payment_objects import Tie

_SETTLED: Final = frozenset({"won", "lost", "warning_closed", "prevented"})


def of_timelines(timelines: Sequence[Timeline]) -> list[Finding]:
    """Return where policy and Stripe differ, and what is only assumed."""
    found = []
    for told in timelines:
        name = told.invoice
        if told.open and told.stage is Stage.CANCELED:
            message = f"{name} came to day {told.policy.cancel_day}; Stripe has not ended "
            message += "its subscription"
            found.append(warning("cancel_not_executed", message, _evidence(told)))
        if not told.open and told.stage is not Stage.CANCELED:
            continue
        differs = deviation(told)
        if differs is not None:
            found.append(info("dunning_deviation", f"{name}: {differs}"))
        if told.assumed:
            message = f"{name} failed before it was known; its day 0 is assumed"
            found.append(info("dunning_assumed", message))
    return found


def of_disputes(
    ties: Mapping[str, Current[Tie]], own: Mapping[str, object]
) -> list[Finding]:
    """Return the disputes that are open on payments of the account.

    Args:
        own: The account's payments, by id.
    """
    return [
        warning(
            "disputed",
            f"{name} disputes {tie.value.charge or tie.value.payment_intent}",
            [tie.position],
        )
        for name, tie in sorted(ties.items())
        if tie.value.kind == "dispute"
        and tie.value.status not in _SETTLED
        and (tie.value.charge in own or tie.value.payment_intent in own)
    ]


def _evidence(told: Timeline) -> tuple[int, ...]:
    return tuple(sorted({at for each in told.attempts for at in each.evidence}))
