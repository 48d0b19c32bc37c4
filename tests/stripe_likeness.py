"""A ledger imported from Stripe beside one that heard every webhook: what may differ.

Stripe's objects say what they are, and of what they were only what they keep. Each row of
`UNKNOWABLE` names what no object keeps, or what only the API shows, and of which accounts
that is; everything else must be equal.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import attrs

from projections.answer import Billing
from projections.models.traces import ACTION_REQUIRED
from stripe_outside import differences

DEBITS: Final = frozenset({"sepa_debit", "bacs_debit", "us_bank_account"})
Rendered = Mapping[str, Any]


@attrs.frozen
class Side:
    """An account as one ledger answers: the values, and as the read API gives them."""

    billing: Billing
    rendered: Rendered

    @property
    def customer(self) -> str | None:
        """The customer it is, whichever name it was asked by."""
        return self.billing.linked.customer


def asked_to_confirm(live: Side, _: Side) -> bool:
    return any(
        attempt.outcome == ACTION_REQUIRED
        for timeline in live.billing.dunning
        for attempt in timeline.attempts
    )


def failed_by_debit(_: Side, imported: Side) -> bool:
    return any(one.tried for each in imported.billing.dunning for one in each.attempts)


def was_paused(live: Side, _: Side) -> bool:
    primary = live.billing.primary
    return primary is not None and any(
        mark.status == "paused" for mark in primary.current.marks
    )


def has_ended(live: Side, _: Side) -> bool:
    primary = live.billing.primary
    return primary is not None and primary.current.ended


def stands_still(live: Side, imported: Side) -> bool:
    primary = live.billing.primary
    still = primary is not None and primary.subscription.status in ("paused", "unpaid")
    return still or has_ended(live, imported)


def was_stopped(live: Side, _: Side) -> bool:
    return any(
        mark.status in ("unpaid", "paused")
        for each in live.billing.subscriptions
        for mark in each.current.marks
    )


def hides_why_it_ended(live: Side, imported: Side) -> bool:
    """No event told why a subscription ended, and the API does."""
    told = {each.id: each.subscription for each in live.billing.subscriptions}
    return any(
        each.subscription.cancellation_reason is not None
        and each.id in told
        and told[each.id].cancellation_reason is None
        for each in imported.billing.subscriptions
    )


def ended_after_a_write_off(live: Side, imported: Side) -> bool:
    first, second = live.rendered["dunning"], imported.rendered["dunning"]
    return (
        has_ended(live, imported)
        and None not in (first, second)
        and first["reason"] != "written_off"
        and second["reason"] == "written_off"
    )


def raised_uncharged(live: Side, _: Side) -> bool:
    """Seats were added within the period, and nothing charged them."""
    total = live.billing.period_total
    return total is not None and any(
        line.source == "estimate" and line.proration for line in total.lines
    )


def hides_item_discounts(live: Side, imported: Side) -> bool:
    """An item has, or had, a discount that no event showed on it."""
    return _item_discounts(imported) > _item_discounts(live) or _went_unseen(live, imported)


def _went_unseen(live: Side, imported: Side) -> bool:
    """Tell whether a discount was made that nothing shows, of an item that is no more."""
    primary, books = live.billing.primary, live.billing.books
    if primary is None or books is None:
        return False
    shown = {each.id for each in primary.subscription.discounts}
    shown |= _item_discounts(live) | _item_discounts(imported)
    return any(
        each.value.subscription == primary.id and each.value.item is None
        for name, each in books.discounts.items()
        if not each.deleted and name not in shown
    )


def _item_discounts(side: Side) -> set[str]:
    primary = side.billing.primary
    items = () if primary is None else primary.subscription.items
    return {each.id for item in items for each in item.discounts}


def any_account(_: Side, __: Side) -> bool:
    return True


def lacks_a_lasting_reason(live: Side, imported: Side) -> bool:
    return live.rendered["access"]["reason"] == "paused" and was_paused(live, imported)


LAST_STEP: Final = tuple(
    f".dunning.steps[].{field}" for field in ("kind", "due_at", "outcome")
)
Applies = Callable[[Side, Side], bool]
# What may differ; of whom; why nothing can tell.
UNKNOWABLE: Final[tuple[tuple[tuple[str, ...], Applies, str], ...]] = (
    (
        (".payment_methods[].mandate_status",),
        any_account,
        "Stripe lists no mandates",
    ),
    (
        (".dunning", ".access.since", ".access.next_change.at"),
        asked_to_confirm,
        "nothing keeps that an owner was asked to confirm a payment, nor when",
    ),
    (
        (".dunning", ".access.since", ".access.next_change.at"),
        failed_by_debit,
        "a debit keeps the day on which it was tried, and fails days later",
    ),
    (
        (".notices[].due_at",),
        failed_by_debit,
        "nor is it known sooner when access was taken for it",
    ),
    (
        (".access.since",),
        was_paused,
        "a subscription does not keep when a pause began or ended",
    ),
    (
        (".access.since", ".dunning.deviation", ".dunning.steps[].happened_at"),
        was_stopped,
        "nor since when it is unpaid, which takes access sooner than the policy",
    ),
    (
        (".dunning.stage", ".dunning.reason", ".dunning.deviation", *LAST_STEP),
        hides_why_it_ended,
        "webhooks of the oldest versions do not say why a subscription ended",
    ),
    (
        (".dunning.stage", ".dunning.reason", ".dunning.ended_at", ".dunning.steps"),
        ended_after_a_write_off,
        "what has ended does not keep whether it owed until then",
    ),
    (
        (".access.reason",),
        lacks_a_lasting_reason,
        "kinds of pause are shown since endive, and webhooks come in older versions",
    ),
    (
        (".period_total", ".subscription.next_charge"),
        raised_uncharged,
        "no object keeps since when a seat is there that nothing has charged",
    ),
    (
        (".seats.included", ".seats.billed", ".period_total.lines[].included"),
        stands_still,
        "a price does not keep the metadata it had when a past period began",
    ),
    (
        (
            ".period_total.discount",
            ".period_total.tax",
            ".period_total.tax_included",
            ".period_total.total",
            ".period_total.lines",
            ".subscription.next_charge.amount",
        ),
        hides_item_discounts,
        "webhooks of the oldest versions hide discounts of items, also when they go",
    ),
)
FINDINGS: Final[tuple[tuple[str, Applies, str], ...]] = (
    ("ambiguous_order", any_account, "of deliveries, and there were none"),
    ("dunning_deviation", asked_to_confirm, "as above"),
    ("dunning_assumed", asked_to_confirm, "as above"),
    ("dunning_deviation", failed_by_debit, "as above"),
    ("dunning_assumed", failed_by_debit, "as above"),
    ("dunning_deviation", was_stopped, "as above"),
    ("dunning_deviation", hides_why_it_ended, "as above"),
)
# What only who heard it all can find; an import must not find anything of it.
FOUND_LIVE: Final[tuple[tuple[str, str, Applies, str], ...]] = (
    (
        "shadow_difference",
        "(proration)",
        any_account,
        "no object keeps what a part of a period was reduced by when it was credited",
    ),
    ("shadow_difference", "(coupon)", hides_item_discounts, "as above"),
)


def unlike(live: Side, imported: Side) -> Iterator[tuple[str, Any, Any]]:
    """Yield what differs though both should know it."""
    allowed = [
        path
        for paths, applies, _ in UNKNOWABLE
        if applies(live, imported)
        for path in paths
    ]
    first = {**live.rendered, "findings": None}
    second = {**imported.rendered, "findings": None}
    for path, one, other in differences(first, second):
        if not any(
            path == each or path.startswith((f"{each}.", f"{each}[")) for each in allowed
        ) and (ONLY_IMPORTED.get(path, ...) != one):
            yield path, one, other
    yield from _findings(live, imported)


# Where the import knows what webhooks leave out, and what is answered without.
ONLY_IMPORTED: Final = {
    ".period_total.lines[].unit_amount_decimal": None,
    ".dunning.steps[].guess": True,
    ".subscription.pause.type": None,
}


def _findings(live: Side, imported: Side) -> Iterator[tuple[str, Any, Any]]:
    allowed = {code for code, applies, _ in FINDINGS if applies(live, imported)}
    only_live = [
        (code, words) for code, words, applies, _ in FOUND_LIVE if applies(live, imported)
    ]
    heard, shown = _told(live), _told(imported)
    for (code, message), count in sorted((heard - shown).items()):
        known = any(code == each and words in message for each, words in only_live)
        if code not in allowed and not known:
            yield f".findings.{code}", message, count
    for (code, message), count in sorted((shown - heard).items()):
        if code not in allowed:
            yield f".findings.{code}", message, -count


def _told(side: Side) -> Counter[tuple[str, str]]:
    return Counter((each.code, each.message) for each in side.billing.findings)
