"""Explanations as trees in a terminal: aligned, harmless, checked before they are shown."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import attrs
import pytest
from rich.cells import cell_len

from projections.explain.evidence import Witness
from projections.explain.tree import Explanation, Figure, Node, Operation, Unit
from replay.report.style import Style
from replay.shown.explanation_picture import picture

NOW = datetime(2026, 11, 10, tzinfo=UTC)
START = datetime(2026, 11, 1, tzinfo=UTC)


def line(label: str, amount: int, detail: str, *whose: Node) -> Node:
    return Node(
        label=label,
        value=amount,
        unit=Unit.MONEY,
        detail=detail,
        source="invoice",
        children=whose,
        evidence=(41_007,),
    )


def change(user: str, position: int) -> Node:
    return Node(
        label=user,
        value=1,
        unit=Unit.SEAT_CHANGE,
        operand=False,
        at=datetime(2026, 10, 14, 9, 12, tzinfo=UTC),
        by="u_3",
        evidence=(position,),
    )


TOTAL = Explanation(
    account="cus_JT01",
    figure=Figure.TOTAL,
    title="Total",
    currency="usd",
    root=Node(
        label="Total",
        value=9200,
        unit=Unit.MONEY,
        operation=Operation.SUM,
        children=(
            line("Base plan", 9900, "Shop"),
            line(
                "Extra seats",
                1600,
                "Seat",
                change("u_88", 36_120),
                change("u_91", 37_733),
            ),
            line("Coupon", -2300, "LAUNCH20\x1b[2J"),
        ),
    ),
)
FOUND = {
    41_007: Witness(position=41_007, id="evt_1QaB", kind="invoice.paid", at=START, by=None),
    36_120: Witness(
        position=36_120, id="cmd:1#0001", kind="seat_assigned", at=START, by="u_3"
    ),
}


def drawn(told: Explanation = TOTAL, **style: object) -> Sequence[str]:
    return list(picture(told, FOUND, NOW, Style(zone=UTC, **style)))  # type: ignore[arg-type]


TREE = r"""
 Total                         USD       92.00
 |- Base plan  Shop            invoice   99.00  #41,007  evt_1QaB  1 Nov 00:00
 |- Extra seats  Seat          invoice   16.00  #41,007  evt_1QaB  1 Nov 00:00
 |  |- +1  u_88                                 #36,120  seat      14 Oct 09:12  by u_3
 |  `- +1  u_91                                 #37,733            14 Oct 09:12  by u_3
 `- Coupon  LAUNCH20\u001b[2J  invoice  -23.00  #41,007  evt_1QaB  1 Nov 00:00
 99.00 + 16.00 - 23.00 = 92.00 ok
"""


def test_a_total_is_a_tree_that_ends_with_its_sum() -> None:
    assert "\n".join(["", *drawn(plain=True), ""]) == TREE


def test_the_period_stands_beside_the_title() -> None:
    period = START, datetime(2026, 12, 1, tzinfo=UTC)
    (heading, *_) = drawn(attrs.evolve(TOTAL, period=period), plain=True)
    assert heading.startswith(" Total  1 Nov 2026 - 1 Dec 2026  USD ")


@pytest.mark.parametrize("width", [20, 40, 60, 80, 100, 200])
@pytest.mark.parametrize("plain", [True, False])
def test_every_line_keeps_to_the_width_and_amounts_stand_below_each_other(
    width: int, *, plain: bool
) -> None:
    lines = drawn(width=width, plain=plain)
    rows = [row for row in lines[:-1] if "00" in row]

    assert all(cell_len(each) <= max(width, 40) for each in lines[:-1])
    ends = {row.index(amount) + 5 for row, amount in zip(rows, AMOUNTS, strict=False)}
    assert len(ends) == 1
    assert all(each.isascii() for each in lines) or not plain
    assert any("evt_1QaB" in each for each in lines) is (width >= 80)


AMOUNTS = ("92.00", "99.00", "16.00", "23.00")


def test_what_a_narrow_terminal_leaves_out_is_never_the_period_or_the_currency() -> None:
    period = START, datetime(2026, 12, 1, tzinfo=UTC)
    told = attrs.evolve(TOTAL, title="This period's total", period=period)
    for width, first, second in [
        (50, " This period's total  1 Nov 2026 - 1 Dec 2026", " Total"),
        (44, " This period's total  1 Nov 2026 - 1 Dec 20...", " Total"),
    ]:
        heading, figure, *_ = drawn(told, width=width, plain=True)
        assert heading == first[: width - 1] or heading.endswith("...")
        assert figure.startswith(second)
        assert " USD 92.00" in figure


def test_what_stands_beside_a_figure_is_drawn_with_its_parts() -> None:
    part = Node(label="attempt 1", value="failed", operand=False)
    other = Node(label="Stage of in_2", value="paused", children=(part,))

    lines = drawn(attrs.evolve(TOTAL, beside=(other,)), plain=True)

    assert [each.split("  ")[0] for each in lines[-3:-1]] == [
        " beside it: Stage of in_2",
        " `- attempt 1",
    ]


def test_what_does_not_add_up_has_no_check_mark() -> None:
    bad = attrs.evolve(TOTAL, root=attrs.evolve(TOTAL.root, value=9201))
    (*_, last) = drawn(bad)

    assert "\N{CHECK MARK}" not in "".join(drawn(bad))
    assert last == (
        " Total is 92.01, but its parts do not come to that: a defect of this program; do "
        "not rely on it"
    )


def test_colours_are_for_terminals_only() -> None:
    assert "\x1b" not in "".join(drawn())
    colored = drawn(colored=True, width=200)
    assert colored[0].startswith("\x1b[1m")
    assert "LAUNCH20\\u001b" in "".join(colored)


def test_nothing_to_explain_is_said_and_has_no_check_mark() -> None:
    root = Node(label="Total", unit=Unit.MONEY, detail="there is no period to bill")
    told = attrs.evolve(TOTAL, root=root, currency=None)
    assert drawn(told) == [" Total  there is no period to bill"]
