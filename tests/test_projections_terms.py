"""What items mean: set by the operator, else from metadata, else by their shape."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest

from projections.facts import Fact, TermsSet, WareShown
from projections.models.catalogue import CATALOGUE, Catalogue, Entry
from projections.objects import Item
from projections.projector.folding import fold
from projections.terms import Terms, terms
from projections.wares import Meant, Price, Product, Tier

START: Final = datetime(2026, 3, 1, tzinfo=UTC)
LATER: Final = START + timedelta(days=10)
CREATED: Final = datetime(2025, 1, 1, tzinfo=UTC)


def item(name: str, quantity: int | None = 1) -> Item:
    return Item(
        id=f"si_{name}",
        price=f"price_{name}",
        product=f"prod_{name}",
        quantity=quantity,
        interval="month",
        interval_count=1,
        period_start=None,
        period_end=None,
    )


def shown(
    kind: str, name: str, ware: Price | Product, at: datetime = START, position: int = 1
) -> WareShown:
    return WareShown(
        account="ledger:catalogue",
        kind=kind,
        id=name,
        event_id=f"evt_{kind}_{name}_{position}",
        type=f"{kind}.updated",
        occurred_at=at,
        position=position,
        ware=ware,
        own=True,
    )


def price(name: str, amount: str | None = "100", **fields: Any) -> Fact:  # noqa: ANN401
    at, position = fields.pop("at", START), fields.pop("position", 1)
    ware = Price(created=CREATED, unit_amount=amount, **fields)
    return shown("price", f"price_{name}", ware, at, position)


def said(name: str, at: datetime, position: int = 50, **fields: Any) -> TermsSet:  # noqa: ANN401
    none = dict.fromkeys(("role", "included", "counts", "increase"))
    return TermsSet(
        account="ledger:catalogue",
        price=f"price_{name}",
        occurred_at=at,
        recorded_at=LATER,
        position=position,
        **{**none, **fields},
    )


def catalogue(*facts: Fact, known: int | None = None) -> Catalogue:
    entries: dict[str, Entry] = {
        key[1]: entry
        for key, entry in fold(CATALOGUE, [(f.position, f) for f in facts]).items()
    }
    return Catalogue(entries=entries, known=known)


def found(
    items: list[Item],
    *facts: Fact,
    varied: tuple[str, ...] = (),
    moment: datetime = LATER,
    known: int | None = None,
) -> Terms:
    return terms(
        items, varied, catalogue(*facts, known=known), period_start=START, moment=moment
    )


def parts(of: Terms) -> tuple[object, ...]:
    return of.base, of.seat, of.included, str(of.counts), str(of.source)


META: Final = Meant(billing_role="seat", included_seats="10", seat_quantity="extra")


@pytest.mark.parametrize(
    ("names", "facts", "varied", "expected"),
    [
        ("a", [price("a")], (), ("si_a", None, 0, "all", "inferred")),
        ("a", [price("a")], ("si_a",), (None, "si_a", 0, "all", "inferred")),
        (
            "ab",
            [price("a", "9900"), price("b", "800")],
            (),
            ("si_a", "si_b", 0, "extra", "inferred"),
        ),
        (
            "ab",
            [price("a", "800"), price("b", "9900")],
            ("si_b",),
            ("si_a", "si_b", 0, "extra", "inferred"),
        ),
        (
            "abc",
            [price("a", "100"), price("b", "9900"), price("c", "500")],
            ("si_c",),
            ("si_b", "si_c", 0, "extra", "inferred"),
        ),
        (
            "a",
            [
                price(
                    "a",
                    None,
                    tiers_mode="graduated",
                    tiers=(
                        Tier(up_to=5, unit_amount="0", flat_amount="9900"),
                        Tier(up_to=None, unit_amount="1500", flat_amount=None),
                    ),
                )
            ],
            (),
            ("si_a", "si_a", 5, "all", "inferred"),
        ),
        (
            "a",
            [price("a", None, tiers_mode="graduated")],
            (),
            ("si_a", "si_a", None, "all", "inferred"),
        ),
        (
            "ab",
            [price("a", "9900"), price("b", "800", meant=META)],
            (),
            ("si_a", "si_b", 10, "extra", "metadata"),
        ),
        (
            "ab",
            [
                price("a", "9900", meant=Meant(billing_role="base", included_seats="3")),
                price("b", "800", meant=Meant(billing_role="seat", seat_quantity="all")),
            ],
            (),
            ("si_a", "si_b", 3, "all", "metadata"),
        ),
        (
            "ab",
            [
                price("a", "9900"),
                price("b", "800"),
                shown("product", "prod_b", Product(created=CREATED, meant=META)),
            ],
            (),
            ("si_a", "si_b", 10, "extra", "metadata"),
        ),
        (
            "ab",
            [price("a", "9900"), price("b", "800", meant=Meant(billing_role="other"))],
            (),
            ("si_a", None, 0, "all", "inferred"),
        ),
        (
            "ab",
            [price("a", "9900"), price("b", meant=META), said("b", START, included=20)],
            (),
            ("si_a", "si_b", 20, "extra", "set"),
        ),
    ],
)
def test_items_mean_what_is_said_or_else_what_they_look_like(
    names: str, facts: list[Fact], varied: tuple[str, ...], expected: object
) -> None:
    assert parts(found([item(name) for name in names], *facts, varied=varied)) == expected


@pytest.mark.parametrize("typed", ["ten", "-1", "1.5", "", "9" * 400, "\uff11\uff10"])
def test_metadata_that_means_nothing_is_not_said(typed: str) -> None:
    told = found([item("a")], price("a", meant=Meant(included_seats=typed)))

    assert parts(told) == ("si_a", None, 0, "all", "inferred")


def test_terms_in_force_at_the_start_hold_throughout_unless_set_before_it() -> None:
    then = price("a", meant=Meant(included_seats="5"))
    since = price(
        "a", meant=Meant(included_seats="9"), at=START + timedelta(days=1), position=2
    )
    within = said("a", START + timedelta(days=2), included=7)
    backdated = said("a", START, included=6)

    assert found([item("a")], then, since).included == 5
    assert found([item("a")], then, since, within).included == 5
    assert found([item("a")], then, since, within, backdated).included == 6


def test_inferred_terms_give_way_at_once() -> None:
    plain = price("a")
    within = said("a", START + timedelta(days=2), included=7)

    assert found([item("a")], plain, within, moment=START).included == 0
    assert found([item("a")], plain, within).included == 7


def test_the_earliest_version_holds_from_the_creation_of_its_object() -> None:
    late = price("a", meant=META, at=LATER)

    assert found([item("a")], late, moment=START).source == "metadata"


def test_only_what_was_known_counts() -> None:
    told = price("a", meant=META, position=3)

    assert found([item("a")], told, known=2).source == "inferred"
    assert found([item("a")], told, known=3).source == "metadata"
