"""Totals and their reasons by both clocks, beside a replay of what was known and true."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, Final

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.events import Event, StripeEvent
from ledger.log import Recorded
from priced import CUSTOMER, coupon, day, discount, told
from projections import rendering
from projections.account import Account
from projections.answer import Billing, answer
from projections.assembly import OWN, as_of, assembled, needs, surrounded
from projections.explain.figures import explanation, total_explanation
from projections.explain.rendering import explanation as explained
from projections.explain.tree import Figure
from projections.models.catalogue import CATALOGUE
from projections.models.links import Linked
from projections.status.renewals import Period
from projections.totals.period_total import period_total
from projections.totals.rendering import period_total as total_body
from recordings import AT, folded
from test_laws import EXAMPLES, held
from test_laws_money import STARTS, Month, history, lives

LINKED: Final = Linked(customer=CUSTOMER, product=None)
SPANS: Final = [Period(day(start), day(end)) for start, end in pairwise(STARTS)]
LATER: Final[list[Event]] = [
    told("coupon.created", coupon(id="P", percent_off=33.3), 1),
    told("coupon.deleted", coupon(id="Q", percent_off=12.5), 40),
    told("customer.discount.created", {**discount(coupon(id="C")), "id": "di_C"}, 20),
    told("customer.discount.deleted", {**discount(coupon(id="C")), "id": "di_C"}, 50),
]


def bodies(account: Account, moment: datetime) -> bytes:
    """Return all that is said of *account*, and each of its periods, without evidence."""
    said = answer(account, moment)
    periods = [total_body(period_total(said.books, span)) for span in SPANS if said.books]
    body = {"billing": rendering.billing(said), "periods": periods}
    return msgspec.json.encode(rendering.without_evidence(body), order="sorted")


def naively(known: Sequence[Event], moment: datetime) -> Account:
    """Return the account of a ledger that has only what was *known* and had happened."""
    kept = folded([each for each in known if _when(each) <= moment])
    own = {each.name: kept[each.name] for each in OWN}
    return assembled(LINKED, {**own, CATALOGUE.name: folded(known)[CATALOGUE.name]})


def _when(event: Event) -> datetime:
    assert isinstance(event, StripeEvent)
    assert event.occurred_at is not None
    return event.occurred_at


@pytest.mark.parametrize("examples", EXAMPLES)
def test_B02_totals_by_both_clocks_are_those_of_a_replay(examples: int) -> None:
    @given(lives, st.randoms(use_true_random=False), st.data())
    def law(lived: list[Month], chance: Any, data: st.DataObject) -> None:  # noqa: ANN401
        arrived = [*history(lived), *LATER]
        chance.shuffle(arrived)
        known = data.draw(st.integers(0, len(arrived)))
        moment = day(data.draw(st.integers(-1, 100)))
        recorded = [
            Recorded(position=place, recorded_at=AT, event=event)
            for place, event in enumerate(arrived, start=1)
        ]
        then = as_of(LINKED, recorded[:known], moment)
        wares, now = needs(then).wares, folded(arrived)[CATALOGUE.name]

        around = {CATALOGUE.name: {key: now[key] for key in now if key[1] in wares}}
        asked = surrounded(then, around, known=known, moment=moment)

        assert bodies(asked, moment) == bodies(naively(arrived[:known], moment), moment)

    held(law, examples // 2)


def re_adds(account: Account, said: Billing) -> None:
    told_all = [explanation(account, said, figure) for figure in Figure]
    if said.books is not None:
        for span in SPANS:
            total = period_total(said.books, span)
            found = total_explanation(account, said, total)
            assert found.root.value == total.total
            told_all.append(found)
    for each in told_all:
        assert explained(each)["adds_up"], each.root


@pytest.mark.parametrize("examples", EXAMPLES)
def test_B01_every_figure_re_adds_by_both_clocks(examples: int) -> None:
    @given(lives, st.randoms(use_true_random=False), st.data())
    def law(lived: list[Month], chance: Any, data: st.DataObject) -> None:  # noqa: ANN401
        arrived = [*history(lived), *LATER]
        chance.shuffle(arrived)
        known = arrived[: data.draw(st.integers(0, len(arrived)))]
        moment = day(data.draw(st.integers(-1, 100))) + timedelta(seconds=1)

        account = naively(known, moment)

        re_adds(account, answer(account, moment))

    held(law, examples // 4)


def test_what_an_account_names_has_the_coupons_of_its_past() -> None:
    """Rows of the catalogue are fetched by what an account names, and by nothing else."""
    events = history(
        [Month(quantity=1, unit=100, coupons=("P",)), Month(quantity=1, unit=100)]
    )
    recorded = [
        Recorded(position=place, recorded_at=AT, event=event)
        for place, event in enumerate(events, start=1)
    ]
    account, wares = as_of(LINKED, recorded, None), folded(events)[CATALOGUE.name]
    named = {key: one for key, one in wares.items() if key[1] in needs(account).wares}

    asked = surrounded(account, {CATALOGUE.name: named})

    assert bodies(asked, day(70)) == bodies(naively(events, day(70)), day(70))
