"""Why a period costs what it does: each line, what made it, and who took the seats.

Total                        92.00    99.00 + 16.00 - 23.00
  Base plan                  99.00    1 x 99.00
  Extra seats                16.00    2 x 8.00, 2 = 12 - 10 included
    u_88 +1                           #36,120
    u_91 +1                           #37,733
  Coupon LAUNCH20           -23.00    -20 % of 115.00

What an invoice says is copied, so its arithmetic is shown where it agrees; an estimate is
our own and always does.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Final

import attrs

from ledger.money import rounded, step
from ledger.pricing import Part
from projections.account import Account
from projections.answer import Billing
from projections.explain.changes import holders
from projections.explain.tree import Node, Operation, Unit, adds_up
from projections.terms import Counts
from projections.totals.period_lines import Kind, PeriodLine, SeatsRaised, Source
from projections.totals.period_total import PeriodTotal

_LABELS: Final = {
    Kind.BASE: "Base plan",
    Kind.SEAT: "Seats",
    Kind.OTHER: "Other",
    Kind.DISCOUNT: "Coupon",
    Kind.TAX: "Tax",
}
_PRICED: Final = frozenset({Kind.BASE, Kind.SEAT, Kind.OTHER})


@attrs.frozen(kw_only=True)
class _Asked:
    """What a total is explained from.

    Attributes:
        counts_extra: Whether Stripe's quantity counts only seats above the included.
        plan: What the base is called, where its line does not say.
    """

    account: Account
    told: PeriodTotal
    counts_extra: bool
    plan: str | None


def total(account: Account, billing: Billing, told: PeriodTotal) -> Node:
    """Return why *told*, a period of the primary subscription, comes to its total."""
    counts_extra = False
    if billing.books is not None:
        mark = billing.books.mark(told.period)
        terms = billing.books.terms(mark, told.period.start)
        counts_extra = terms.counts is Counts.EXTRA
    asked = _Asked(account=account, told=told, counts_extra=counts_extra, plan=billing.plan)
    return Node(
        label="Total",
        value=told.total,
        unit=Unit.MONEY,
        operation=Operation.SUM,
        children=tuple(_line(asked, place) for place in range(len(told.lines))),
    )


def beside(told: PeriodTotal) -> Iterator[Node]:
    """Yield what stands beside a total and is no part of it."""
    for label, amount in (
        ("Tax included", told.tax_included),
        ("Credited since", told.credited),
    ):
        if amount:
            yield Node(label=label, value=amount, unit=Unit.MONEY)


def _line(asked: _Asked, place: int) -> Node:
    line = asked.told.lines[place]
    plan = asked.plan if line.kind is Kind.BASE else None
    node = Node(
        label=_label(asked, line),
        value=line.amount,
        unit=Unit.MONEY,
        step=step(asked.told.currency),
        detail=line.description or plan,
        source=line.source,
        until=line.coupon.until if line.coupon else None,
        evidence=line.evidence,
    )
    if line.kind is Kind.DISCOUNT:
        return _checked(line, _discount(line, node), node)
    if line.kind is Kind.TAX:
        return _checked(line, _tax(line, node), node)
    if line.raised:
        return attrs.evolve(
            node, operation=Operation.ROUNDED, children=tuple(_raised(asked, line))
        )
    return _checked(line, _priced(asked, line, node), node)


def _label(asked: _Asked, line: PeriodLine) -> str:
    label = _LABELS[line.kind]
    if line.kind is Kind.SEAT and asked.counts_extra:
        label = "Extra seats"
    return f"{label}, prorated" if line.proration else label


def _checked(line: PeriodLine, made: Node, plain: Node) -> Node:
    """Return *made*; where Stripe reckoned otherwise, what it says, as a leaf."""
    if line.source is Source.ESTIMATE or adds_up(made):
        return made
    told = tuple(attrs.evolve(each, operand=False) for each in made.children)
    whose = tuple(each for one in told for each in one.children if not each.operand)
    return attrs.evolve(plain, children=whose)


def _priced(asked: _Asked, line: PeriodLine, node: Node) -> Node:
    if line.parts:
        return _of_parts(asked, line, node)
    if line.quantity is None or line.unit_amount is None:
        if line.quantity is None or line.kind is not Kind.SEAT:
            return node
        return attrs.evolve(node, children=tuple(_whose(asked, line)))
    product = _product(_quantity(asked, line), Fraction(Decimal(line.unit_amount)))
    return attrs.evolve(node, operation=Operation.ROUNDED, children=(product,))


def _of_parts(asked: _Asked, line: PeriodLine, node: Node) -> Node:
    """Explain an estimate; a tiered price is base and seats, each a part of the whole."""
    parts = tuple(_part(asked, line, part) for part in line.parts)
    exact = sum((part.exact for part in line.parts), Fraction())
    whole_price = rounded(exact, asked.told.currency)
    if whole_price == line.amount:
        return attrs.evolve(node, operation=Operation.ROUNDED, children=parts)
    if line.kind is Kind.BASE:
        return attrs.evolve(node, detail=f"{line.description}, the flat first tier")
    base = next(
        (
            each.amount
            for each in asked.told.lines
            if each.kind is Kind.BASE and each.parts and each.item == line.item
        ),
        0,
    )
    whole = Node(
        label="Price of all",
        value=whole_price,
        unit=Unit.MONEY,
        step=step(asked.told.currency),
        operation=Operation.ROUNDED,
        children=parts,
    )
    pair = (whole, Node(label="Base plan", value=base, unit=Unit.MONEY))
    return attrs.evolve(node, operation=Operation.DIFFERENCE, children=pair)


def _part(asked: _Asked, line: PeriodLine, part: Part) -> Node:
    quantity = Node(label="quantity", value=part.quantity, unit=Unit.NUMBER)
    if line.kind is Kind.SEAT and part.quantity == line.quantity:
        quantity = _quantity(asked, line)
    product = _product(quantity, Fraction(part.unit))
    if not part.flat:
        return product
    flat = Node(label="flat", value=Fraction(part.flat), unit=Unit.MONEY)
    return Node(
        label="tier",
        value=part.exact,
        unit=Unit.MONEY,
        operation=Operation.SUM,
        children=(product, flat),
    )


def _product(quantity: Node, unit: Fraction) -> Node:
    count = quantity.value if isinstance(quantity.value, int) else 0
    return Node(
        label="quantity x unit",
        value=count * unit,
        unit=Unit.MONEY,
        operation=Operation.PRODUCT,
        children=(quantity, Node(label="unit", value=unit, unit=Unit.MONEY)),
    )


def _quantity(asked: _Asked, line: PeriodLine) -> Node:
    """Return the quantity of *line*, of seats with what it comes from."""
    count, included = line.quantity or 0, line.included
    if line.kind is not Kind.SEAT:
        return Node(label="quantity", value=count, unit=Unit.NUMBER)
    node = Node(label="seats", value=count, unit=Unit.SEATS)
    whose = tuple(_whose(asked, line))
    if not (asked.counts_extra and included and count >= 0):
        return attrs.evolve(node, children=whose)
    pair = (
        Node(label="seats", value=count + included, unit=Unit.SEATS),
        Node(label="included", value=included, unit=Unit.SEATS),
    )
    return attrs.evolve(node, operation=Operation.EXCESS, children=(*pair, *whose))


def _whose(asked: _Asked, line: PeriodLine) -> Iterator[Node]:
    """Yield who got the seats that are charged, where the product's word explains them."""
    count, included = line.quantity or 0, line.included or 0
    if line.kind is not Kind.SEAT or count <= 0 or not asked.counts_extra:
        return
    moment = line.start or asked.told.period.start
    found = list(holders(asked.account, moment, count + included))
    if len(found) == count + included:
        yield from found[included:]


def _raised(asked: _Asked, line: PeriodLine) -> Iterator[Node]:
    """Yield what each addition of seats costs, for as long as they are held."""
    before = line.raised[-1].seats - (line.quantity or 0)
    for each in line.raised:
        added, before = each.seats - before, each.seats
        yield Node(
            label=f"{added} added",
            value=each.cost * each.left,
            unit=Unit.MONEY,
            operation=Operation.PRODUCT,
            children=(
                Node(label="a whole period", value=each.cost, unit=Unit.MONEY),
                Node(label="of the period left", value=each.left, unit=Unit.NUMBER),
                *_taken(asked, each, added),
            ),
            at=each.at,
            evidence=() if each.position is None else (each.position,),
        )


def _taken(asked: _Asked, raised: SeatsRaised, added: int) -> Iterator[Node]:
    if raised.position is None:
        yield from holders(asked.account, raised.at, added)


def _discount(line: PeriodLine, node: Node) -> Node:
    coupon = line.coupon
    if coupon is None or coupon.base is None:
        return node
    base = Node(label="of what is left of the lines", value=coupon.base, unit=Unit.MONEY)
    if coupon.percent is not None:
        percent = Fraction(Decimal(coupon.percent))
        rate = Node(label="percent", value=percent, unit=Unit.PERCENT)
        return attrs.evolve(node, operation=Operation.PERCENT_OFF, children=(rate, base))
    if coupon.amount_off is None:
        return node
    amount = Node(label="amount", value=coupon.amount_off, unit=Unit.MONEY)
    return attrs.evolve(node, operation=Operation.AMOUNT_OFF, children=(amount, base))


def _tax(line: PeriodLine, node: Node) -> Node:
    tax = line.tax
    if tax is None or tax.percentage is None or tax.base is None:
        return node
    percent = Fraction(Decimal(tax.percentage))
    return attrs.evolve(
        node,
        operation=Operation.PERCENT_ON,
        children=(
            Node(label="percent", value=percent, unit=Unit.PERCENT),
            Node(label="of what is taxed", value=tax.base, unit=Unit.MONEY),
        ),
    )
