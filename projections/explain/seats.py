"""Why so many seats are billed: how many were active, change by change, and the terms.

Billed 12            the highest of 11, then +1
  Active on 1 Nov 11
  +1  u_91             #37,733   by u_3
Included 10          by the metadata of the price
Extra 2              12 - 10
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Final

import attrs

from projections.account import Account
from projections.answer import Billing, SeatFigures, terms_of
from projections.explain.changes import by_instant
from projections.explain.tree import Node, Operation, Unit
from projections.history import Current
from projections.models.catalogue import Catalogue
from projections.objects import Subscription
from projections.seating.figures import Source
from projections.seating.history import levels, steps
from projections.terms import Counts, Terms
from projections.terms import Source as TermsSource

_MOST: Final = "the most at any moment since the period began"
_TERMS: Final = {
    TermsSource.SET: "as the operator set it",
    TermsSource.METADATA: "by the metadata in Stripe",
    TermsSource.INFERRED: "inferred from the prices",
}


@attrs.frozen(kw_only=True)
class _Asked:
    """What the figures are explained from."""

    account: Account
    told: Billing
    figures: SeatFigures
    terms: Terms | None

    @property
    def since(self) -> datetime | None:
        primary = self.told.primary
        return primary.period.start if primary and primary.period else None


def seats(account: Account, told: Billing) -> Node:
    """Return why the seats of *told* are what they are."""
    figures = told.seats
    if figures is None:
        return Node(label="Seats", detail="no subscription, and no seat change")
    asked = _Asked(
        account=account,
        told=told,
        figures=figures,
        terms=terms_of(account, told.primary, told.now),
    )
    if figures.source is Source.PRODUCT:
        parts = [*_of_product(asked)]
    else:
        parts = [*_of_stripe(asked)]
    return _headed(figures, parts)


def quantity(current: Current[Subscription] | None, item: str | None) -> Node | None:
    """Return Stripe's quantity of *item*, with the event since which it is so."""
    found: Node | None = None
    for mark in () if current is None else current.marks:
        sold = next((each for each in mark.sold if each.item == item), None)
        if sold is None or sold.quantity is None:
            found = None
        elif found is None or found.value != sold.quantity:
            found = Node(
                label="Stripe's quantity",
                value=sold.quantity,
                unit=Unit.SEATS,
                at=mark.at,
                evidence=(mark.position,),
            )
    return found


def terms_evidence(catalogue: Catalogue, terms: Terms, items: Iterable[str | None]) -> Node:
    """Return how many seats are included, and who says so."""
    names = [f"terms:{price}" for price in terms.prices]
    if terms.source is not TermsSource.SET:
        names = [f"price:{price}" for price in terms.prices]
        names += [f"product:{product}" for product in items if product]
    found = [catalogue.evidence(name)[:1] for name in names]
    return Node(
        label="Included",
        value=terms.included,
        unit=Unit.SEATS,
        detail=_TERMS[terms.source],
        evidence=tuple(sorted({at for each in found for at in each})),
    )


def _headed(figures: SeatFigures, parts: Sequence[Node]) -> Node:
    billed = next((each for each in parts if each.label == "Billed"), None)
    return Node(
        label="Seats billed",
        value=figures.billed,
        unit=Unit.SEATS,
        operation=None if billed is None else Operation.SAME,
        children=tuple(attrs.evolve(each, operand=each is billed) for each in parts),
    )


def _of_product(asked: _Asked) -> Iterator[Node]:
    figures = asked.figures
    changes = _changes(asked)
    active = _figure("Active", figures.active, "in the product now")
    if changes:
        # The same changes stand below what is billed, one by one.
        terse = [attrs.evolve(each, children=(), operation=None) for each in changes]
        active = attrs.evolve(active, operation=Operation.SUM, children=tuple(terse))
    included = _included(asked)
    if figures.billed is not None:
        yield _figure("Billed", figures.billed, _MOST, Operation.HIGHEST, changes)
        yield from _extra(asked, included)
    yield active
    if figures.freed_next_cycle is not None and figures.billed is not None:
        pair = (_figure("Billed", figures.billed), _figure("Active", figures.active))
        yield _figure(
            "Freed at the next cycle",
            figures.freed_next_cycle,
            "billed, no longer active",
            Operation.DIFFERENCE,
            pair,
        )
    yield from _compared(asked, included)


def _of_stripe(asked: _Asked) -> Iterator[Node]:
    figures, included = asked.figures, _included(asked)
    told = _quantity(asked)
    if figures.billed is not None and told is not None:
        counts_extra = figures.billed != figures.stripe_quantity
        operands = (told, included) if counts_extra and included else (told,)
        yield _figure(
            "Billed",
            figures.billed,
            "Stripe's word: the product has not told of all its users",
            Operation.SUM if len(operands) > 1 else Operation.SAME,
            operands,
        )
        yield from _extra(asked, included)
    elif told is not None:
        yield told


def _extra(asked: _Asked, included: Node | None) -> Iterator[Node]:
    if included is None:
        return
    yield included
    if asked.figures.extra is not None:
        pair = (_figure("Billed", asked.figures.billed), _bare(included))
        yield _figure("Extra", asked.figures.extra, None, Operation.EXCESS, pair)


def _compared(asked: _Asked, included: Node | None) -> Iterator[Node]:
    """Yield what Stripe's quantity is, what it should be, and what it lacks."""
    figures, terms, told = asked.figures, asked.terms, _quantity(asked)
    if told is not None:
        yield told
    if figures.wanted is None or terms is None:
        return
    active = _figure("Active", figures.active)
    is_all = terms.counts is Counts.ALL or included is None
    yield _figure(
        "Wanted",
        figures.wanted,
        "what Stripe's quantity should be",
        Operation.SAME if is_all else Operation.EXCESS,
        (active,) if is_all or included is None else (active, _bare(included)),
    )
    if figures.drift is not None and told is not None:
        pair = (_figure("Wanted", figures.wanted), _bare(told))
        yield _figure("Drift", figures.drift, None, Operation.DIFFERENCE, pair)


def _quantity(asked: _Asked) -> Node | None:
    primary, terms = asked.told.primary, asked.terms
    if primary is None or terms is None:
        return None
    return quantity(primary.current, terms.seat)


def _included(asked: _Asked) -> Node | None:
    primary, terms = asked.told.primary, asked.terms
    if primary is None or terms is None or terms.included is None:
        return None
    products = [each.product for each in primary.subscription.items]
    return terms_evidence(asked.account.catalogue, terms, products)


def _changes(asked: _Asked) -> tuple[Node, ...]:
    """Return how many were active when the period began, and each change since."""
    since, registers = asked.since, asked.account.registers
    told = steps(registers, asked.told.now)
    first: tuple[Node, ...] = ()
    if since is not None:
        # A period that is yet to begin starts with as many as there are.
        before = levels(registers, min(since, asked.told.now))
        past = [each.position for each in told if each.at <= since and each.delta]
        told = [each for each in told if each.at > since]
        first = (
            Node(
                label="Active when the period began",
                value=before[-1].active if before else 0,
                unit=Unit.SEATS,
                at=since,
                evidence=tuple(past[-1:]),
            ),
        )
    return (*first, *by_instant(told))


def _figure(
    label: str,
    value: int | None,
    detail: str | None = None,
    operation: Operation | None = None,
    children: tuple[Node, ...] = (),
) -> Node:
    return Node(
        label=label,
        value=value,
        unit=Unit.SEATS,
        detail=detail,
        operation=operation,
        children=children,
    )


def _bare(node: Node) -> Node:
    return Node(label=node.label, value=node.value, unit=node.unit)
