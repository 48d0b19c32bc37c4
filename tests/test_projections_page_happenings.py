"""What the page says happened: sentences of an admin, without ids."""

from __future__ import annotations

import json
from typing import Any, Final
from zoneinfo import ZoneInfo

import pytest

from ledger.acts import Act, ActDone, ActRequested
from ledger.events import AccountLinked, Command, Event, SeatAssigned, StripeEvent
from projections.page.happenings import happening
from projections.page.readers import Reader

AMERICAN: Final = Reader("en_US", ZoneInfo("UTC"))
GERMAN: Final = Reader("de_DE", ZoneInfo("Europe/Berlin"))
COMMAND: Final = Command(id="cmd:1", fingerprint="")
INVOICE: Final = {
    "number": "JT-0007",
    "currency": "usd",
    "total": 9200,
    "amount_due": 9200,
    "amount_paid": 9200,
    "attempt_count": 2,
}
SAID: Final[list[tuple[str, dict[str, Any], str | None]]] = [
    ("invoice.paid", INVOICE, "Invoice JT-0007 was paid: $92.00"),
    ("invoice.paid", {}, "An invoice was paid"),
    ("invoice.payment_failed", INVOICE, "A payment of $92.00 failed (try 2): no funds"),
    ("charge.refunded", {"amount_refunded": 800, "currency": "usd"}, "$8.00 was refunded"),
    (
        "payment_method.attached",
        {"type": "card", "card": {"brand": "visa", "last4": "4242"}},
        "Visa ending in 4242 was added",
    ),
    ("payment_method.detached", {"type": "sepa_debit"}, "SEPA Direct Debit was removed"),
    ("charge.failed", {"id": "ch_1"}, None),
    ("customer.subscription.updated", {}, "Paid up, active again"),
    ("something.new", {}, None),
]


def told(kind: str, shown: object) -> StripeEvent:
    body = json.dumps({"data": {"object": shown}}).encode()
    return StripeEvent(event_id="evt_1", body=body, stripe_type=kind)


@pytest.mark.parametrize(("kind", "shown", "said"), SAID)
def test_an_event_is_told_in_an_admins_words(
    kind: str, shown: dict[str, Any], said: str | None
) -> None:
    story = "Paid up, active again" if "subscription" in kind else None

    assert happening(told(kind, shown), story, "no funds", AMERICAN) == said


def test_amounts_are_written_for_the_reader() -> None:
    said = happening(told("invoice.paid", INVOICE), None, None, GERMAN)

    assert said == "Invoice JT-0007 was paid: 92,00\N{NO-BREAK SPACE}$"


@pytest.mark.parametrize("body", [b"", b"[]", b'{"data": []}', b'{"data": {"object": 1}}'])
def test_a_body_that_tells_nothing_still_has_its_sentence(body: bytes) -> None:
    event = StripeEvent(event_id="evt_1", body=body, stripe_type="invoice.paid")

    assert happening(event, None, None, AMERICAN) == "An invoice was paid"


@pytest.mark.parametrize(
    ("event", "said"),
    [
        (
            SeatAssigned(account="shop-1", command=COMMAND, user="u_7", actor="u_1"),
            "u_7 was given a seat by u_1",
        ),
        (
            AccountLinked(account="shop-1", command=COMMAND, customer="cus_1"),
            "Billing was connected to Stripe",
        ),
        (
            ActRequested(
                account="shop-1",
                command=COMMAND,
                act=Act.PORTAL_SESSION,
                key="k",
                asked=(),
                actor="u_1",
            ),
            "u_1 opened the billing portal",
        ),
        (
            ActDone(
                account="shop-1", command=COMMAND, act=Act.PORTAL_SESSION, object_id="bps_1"
            ),
            None,
        ),
    ],
)
def test_what_the_product_and_we_did_is_told_as_well(
    event: Event, said: str | None
) -> None:
    assert happening(event, None, None, AMERICAN) == said


def test_a_card_number_that_somebody_typed_is_masked() -> None:
    shown = {"number": "4242424242424242", "currency": "usd"}

    said = happening(told("invoice.paid", shown), None, None, AMERICAN)

    assert said is not None
    assert "4242424242424242" not in said
