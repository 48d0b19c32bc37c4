"""When a subscription came to its status, as far as its invoices tell.

    first invoice paid           incomplete → active
    a renewal failed             active → past_due
    its last attempt failed      past_due → unpaid
    paid after all, or let go     past_due → active

An imported subscription says what it is and not since when; its invoices and charges have
kept their dates. Where events told of the status, these have the word.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from projections.dunning.attempts import FIRST_INVOICE
from projections.dunning.outcomes import FORGIVEN, WRITTEN_OFF
from projections.dunning.timelines import SENT, Timeline
from projections.history import Current
from projections.models.traces import PAID, VOID
from projections.objects import Invoice
from projections.status.access import Turn
from projections.status.standings import Listed

# Stripe gives a first invoice so long; one that is paid later began as active.
INCOMPLETE_FOR: Final = timedelta(hours=23)


def turns(
    listed: Listed | None,
    invoices: Mapping[str, Current[Invoice]],
    timelines: Sequence[Timeline],
) -> tuple[Turn, ...]:
    """Return when the subscription *listed* came to a status, oldest first.

    Args:
        invoices: Of its account, as are the *timelines*.
    """
    if listed is None or not any(mark.inferred for mark in listed.current.marks):
        return ()
    own = [each for each in timelines if each.subscription == listed.id]
    billed = [
        each.value for each in invoices.values() if each.value.subscription == listed.id
    ]
    recovered = list(_recovered(billed, own))
    found = [*_begun(billed), *recovered, *_let_go(own, recovered), *_failed(own)]
    return tuple(sorted(found, key=_when))


def _begun(billed: Iterable[Invoice]) -> Iterator[Turn]:
    for shown in billed:
        if (
            shown.billing_reason == FIRST_INVOICE
            and shown.collection_method != SENT
            and shown.paid_at is not None
            and shown.created is not None
            and shown.paid_at - shown.created < INCOMPLETE_FOR
        ):
            yield Turn(shown.paid_at, "active")


def _recovered(billed: Sequence[Invoice], own: Sequence[Timeline]) -> Iterator[Turn]:
    """Yield when the newest invoice of the time was paid, while something had failed."""
    made = sorted(each.created for each in billed if each.created is not None)
    for shown in billed:
        paid_at, created = shown.paid_at, shown.created
        if paid_at is None or created is None:
            continue
        newest = not any(created < at <= paid_at for at in made)
        if newest and any(_was_open(each, paid_at) for each in own):
            yield Turn(paid_at, "active")


def _let_go(own: Sequence[Timeline], recovered: Sequence[Turn]) -> Iterator[Turn]:
    """Yield when the last that had failed was paid, made void or forgiven.

    It may have been active again before, since a newer one was paid.
    """
    for each in own:
        ended = each.outcome
        if ended is None or not _lets_go_on(ended.reason, each.shown):
            continue
        others = (one for one in own if one is not each and _was_open(one, ended.at))
        before = (each.first_failed_at < turn.at <= ended.at for turn in recovered)
        if not any(others) and not any(before):
            yield Turn(ended.at, "active")


def _lets_go_on(reason: str, shown: Invoice) -> bool:
    forgiven = reason == WRITTEN_OFF and shown.uncollectible_reason == FORGIVEN
    return reason in (PAID, VOID) or forgiven


def _was_open(each: Timeline, moment: datetime) -> bool:
    ended = each.outcome
    return each.first_failed_at < moment and (ended is None or ended.at >= moment)


def _failed(own: Iterable[Timeline]) -> Iterator[Turn]:
    for each in own:
        yield Turn(each.first_failed_at, "past_due")
        if each.attempts:
            yield Turn(each.attempts[-1].at, "unpaid")


def _when(turn: Turn) -> datetime:
    return turn.at
