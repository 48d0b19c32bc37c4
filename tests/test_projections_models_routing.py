"""What names no customer finds its account, whichever of the two arrives first."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.envelope import stripe_event
from ledger.events import UNROUTED as NOWHERE
from ledger.events import StripeEvent
from projections.models.routing import HINTS, REFERENCES, UNROUTED, routed, waiting
from projections.projector.folding import Key
from recordings import folded


def event(name: str, kind: str, value: dict[str, Any]) -> StripeEvent:
    body = {"id": name, "type": kind, "created": 1_772_366_400, "data": {"object": value}}
    return stripe_event(json.dumps(body).encode(), ledger_livemode=False)


CHARGE: Final = event("evt_1", "charge.succeeded", {"id": "ch_1", "customer": "cus_1"})
INTENT: Final = event(
    "evt_2", "payment_intent.succeeded", {"id": "pi_2", "customer": "cus_2"}
)
DISPUTE: Final = event("evt_3", "charge.dispute.created", {"id": "dp_1", "charge": "ch_1"})
REFUND: Final = event(
    "evt_4", "refund.created", {"id": "re_1", "charge": None, "payment_intent": "pi_2"}
)
LOST: Final = event("evt_5", "refund.created", {"id": "re_2", "charge": {"id": "ch_9"}})
EVENTS: Final = [CHARGE, INTENT, DISPUTE, REFUND, LOST]


def owners(states: Mapping[str, Mapping[Key, Any]]) -> dict[str, str]:
    return {name: account for account, name in states[REFERENCES.name]}


def homes(states: Mapping[str, Mapping[Key, Any]]) -> dict[str, str | None]:
    known = owners(states)
    loose = states[UNROUTED.name].items()
    return {name: routed(each, known) for (_, name), each in loose}


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.permutations(EVENTS))
def test_any_order_leads_to_the_same_account(arrived: list[StripeEvent]) -> None:
    states = folded(arrived)

    assert homes(states) == {"dp_1": "cus_1", "re_1": "cus_2", "re_2": None}
    assert {account for account, _ in states[UNROUTED.name]} == {NOWHERE}


def test_what_waits_is_counted_until_its_reference_is_seen() -> None:
    counts = []
    for end in range(len(EVENTS) + 1):
        states = folded([*reversed(EVENTS)][:end])
        counts.append(waiting(states[UNROUTED.name].values(), owners(states)))

    assert counts == [0, 1, 2, 3, 2, 1]


def test_what_it_names_can_be_looked_up() -> None:
    (state,) = folded([DISPUTE])[UNROUTED.name].values()

    assert UNROUTED.refers is not None
    assert UNROUTED.refers(state) == "ch_1"


def test_an_object_that_names_its_customer_is_not_loose() -> None:
    refund = event("evt_6", "refund.created", {"id": "re_3", "customer": "cus_3"})

    assert not folded([refund])[UNROUTED.name]


def test_a_thin_event_says_which_object_to_fetch_and_no_more() -> None:
    body = {
        "id": "evt_thin",
        "object": "v2.core.event",
        "type": "v1.customer.subscription.item_quantity_changed",
        "created": "2026-03-01T12:00:00.123Z",
        "livemode": False,
        "related_object": {
            "id": "sub_1",
            "type": "subscription",
            "url": "/v1/subscriptions/sub_1",
        },
    }
    thin = stripe_event(json.dumps(body).encode(), ledger_livemode=False)

    states = folded([thin])

    ((key, hint),) = states[HINTS.name].items()
    assert key == (NOWHERE, "sub_1")
    assert hint.url == "/v1/subscriptions/sub_1"
    assert not any(rows for name, rows in states.items() if name != HINTS.name)
