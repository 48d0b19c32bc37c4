"""Who is who: links decide, the earliest claim holds where none does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from hypothesis import given, settings
from hypothesis import strategies as st

from projections.facts import AccountClaimed, AccountLinked
from projections.models.links import LINKS, Linked, resolve
from projections.projector.folding import fold

START: Final = datetime(2026, 3, 1, tzinfo=UTC)


def link(position: int, account: str, customer: str) -> AccountLinked:
    return AccountLinked(
        account=account, customer=customer, recorded_at=START, position=position
    )


def claim(minute: int, account: str, customer: str, position: int = 1) -> AccountClaimed:
    return AccountClaimed(
        account=account,
        customer=customer,
        event_id=f"evt_{minute}",
        occurred_at=START + timedelta(minutes=minute),
        position=position,
    )


def linked(name: str, *facts: AccountLinked | AccountClaimed) -> Linked:
    states = fold(LINKS, [(fact.position, fact) for fact in facts])
    return resolve(name, {key[0]: state for key, state in states.items()})


def test_a_claim_is_taken_while_neither_side_has_a_link() -> None:
    told = claim(1, "shop-1", "cus_1")

    assert linked("cus_1", told) == linked("shop-1", told)
    assert linked("shop-1", told) == Linked(customer="cus_1", product="shop-1")


def test_of_two_claims_the_earliest_holds_and_the_other_is_a_conflict() -> None:
    told = [claim(1, "shop-1", "cus_1", 7), claim(2, "shop-1", "cus_2", 3)]

    assert linked("shop-1", *told) == Linked(
        customer="cus_1", product="shop-1", conflicts=(3,)
    )
    assert linked("cus_2", *told).product is None


def test_a_customer_that_claims_two_accounts_is_the_first() -> None:
    told = [claim(1, "shop-1", "cus_1", 7), claim(2, "shop-2", "cus_1", 9)]

    assert linked("cus_1", *told) == Linked(
        customer="cus_1", product="shop-1", conflicts=(9,)
    )
    assert linked("shop-2", *told).customer is None


def test_a_claim_moves_no_link() -> None:
    told: list[AccountLinked | AccountClaimed] = [
        claim(1, "shop-1", "cus_2", 1),
        link(5, "shop-1", "cus_1"),
    ]

    assert linked("shop-1", *told) == Linked(
        customer="cus_1", product="shop-1", conflicts=(1,)
    )
    assert linked("cus_2", *told).product is None


names = st.tuples(
    st.sampled_from(["shop-1", "shop-2"]), st.sampled_from(["cus_1", "cus_2"])
)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(told=st.lists(names, max_size=6), data=st.data())
def test_claims_in_any_order_lead_to_the_same(
    told: list[tuple[str, str]], data: st.DataObject
) -> None:
    claims = [claim(minute, *pair) for minute, pair in enumerate(told)]
    shuffled = data.draw(st.permutations(claims))
    arrived = [
        claim(int(each.event_id[4:]), each.account, each.customer, place)
        for place, each in enumerate(shuffled)
    ]

    for name in ("shop-1", "shop-2", "cus_1", "cus_2"):
        one, other = linked(name, *claims), linked(name, *arrived)
        assert (one.customer, one.product) == (other.customer, other.product)
        if one.product is not None and one.customer is not None:
            assert linked(one.product, *claims).customer == one.customer
            assert linked(one.customer, *claims).product == one.product
