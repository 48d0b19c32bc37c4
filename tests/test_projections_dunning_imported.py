"""Invoices nobody told of, as an import shows them: what they say of their past."""

from __future__ import annotations

import json
from typing import Any

from ledger.events import Source
from ledger.shown_objects import Showing, stripe_object
from projections.status.access import Level
from test_trials_dunning import charge
from unpaid import ACCOUNT, SUBSCRIPTION, Unpaid

OLDER = "in_1SRzqtKXBGcbgpbZhpdF1KCd"
NEWER = "in_2SRzqtKXBGcbgpbZhpdF1KCd"
LATEST = "in_3SRzqtKXBGcbgpbZhpdF1KCd"
IMPORTED_ON = 200


def seen(status: str, *invoices: dict[str, Any]) -> Unpaid:
    """Return an account that was imported, with one subscription."""
    unpaid = Unpaid()
    subscription = {
        "id": SUBSCRIPTION,
        "object": "subscription",
        "customer": ACCOUNT,
        "status": status,
        "created": unix(unpaid, -60),
        "currency": "usd",
        "items": {"object": "list", "data": [{"id": "si_1", "quantity": 1}]},
    }
    showing = Showing(source=Source.IMPORT, at=unpaid.at(IMPORTED_ON))
    unpaid.events += [
        stripe_object(json.dumps(each).encode(), showing)
        for each in (subscription, *invoices)
    ]
    return unpaid


def unix(unpaid: Unpaid, day: float) -> int:
    return int(unpaid.at(day).timestamp())


def sent(
    name: str,
    made: float,
    status: str,
    ended: float | None = None,
    **more: Any,  # noqa: ANN401 - any field
) -> dict[str, Any]:
    """Return an invoice sent on day *made*, due 7 days later, that ended on a day."""
    unpaid = Unpaid()
    dates = {
        "paid": "paid_at",
        "void": "voided_at",
        "uncollectible": "marked_uncollectible_at",
    }
    transitions = {"finalized_at": unix(unpaid, made)}
    if ended is not None:
        transitions[dates[status]] = unix(unpaid, ended)
    return {
        "id": name,
        "object": "invoice",
        "customer": ACCOUNT,
        "subscription": SUBSCRIPTION,
        "billing_reason": "subscription_cycle",
        "collection_method": "send_invoice",
        "created": unix(unpaid, made),
        "due_date": unix(unpaid, made + 7),
        "currency": "usd",
        "status": status,
        "total": 9200,
        "amount_due": 9200,
        "status_transitions": transitions,
        **more,
    }


def test_an_invoice_of_nothing_is_never_overdue() -> None:
    free = {"total": 0, "amount_due": 0}
    unpaid = seen("active", sent(OLDER, 0, "open", **free))
    late = seen("active", sent(OLDER, 0, "paid", 9, **free))
    owed = seen("active", sent(OLDER, 0, "open"))

    assert unpaid.billing(IMPORTED_ON + 1).dunning == ()
    assert unpaid.billing(IMPORTED_ON + 1).access.level is Level.FULL
    assert late.billing(IMPORTED_ON + 1).dunning == ()
    assert owed.stage(IMPORTED_ON + 1) == "canceled"


def test_what_is_past_due_again_was_active_when_the_newest_was_paid() -> None:
    unpaid = seen(
        "past_due",
        sent(OLDER, 0, "open"),
        sent(NEWER, 30, "paid", 40),
        sent(LATEST, 180, "open"),
    )

    billing = unpaid.billing(IMPORTED_ON + 1)
    ended = {each.invoice: each.outcome for each in billing.dunning}
    superseded = ended[OLDER]
    assert superseded is not None
    assert (superseded.reason, superseded.at) == ("superseded", unpaid.at(40))
    assert ended[LATEST] is None
    assert billing.access.level is Level.READ_ONLY
    assert billing.access.since == unpaid.at(180 + 7 + 7)


def test_what_was_paid_before_a_newer_one_was_made_says_nothing_of_later() -> None:
    unpaid = seen(
        "past_due",
        sent(OLDER, 0, "open"),
        sent(NEWER, 30, "paid", 70),
        sent(LATEST, 60, "open"),
    )

    outcomes = {each.invoice: each.outcome for each in unpaid.billing(201).dunning}
    assert outcomes[OLDER] is None


def test_the_last_that_failed_gives_access_back_when_it_is_paid_void_or_forgiven() -> None:
    newer = sent(NEWER, 30, "paid", 36)
    forgiven = {"status_details": {"uncollectible": {"reason": "user_forgiven"}}}
    for status, more in (("paid", {}), ("void", {}), ("uncollectible", forgiven)):
        unpaid = seen("active", sent(OLDER, 0, status, 35, **more), newer)
        assert unpaid.billing(IMPORTED_ON + 1).access.since == unpaid.at(35)
    newest = sent(NEWER, 30, "paid", 38)
    after = seen("active", sent(OLDER, 0, "paid", 50), newest)
    in_time = seen("active", sent(OLDER, 0, "void", 5), newer)

    assert after.billing(IMPORTED_ON + 1).access.since == after.at(38)
    assert in_time.billing(IMPORTED_ON + 1).access.since == in_time.at(-60)


def test_a_debits_receipt_is_due_when_its_invoice_was_paid() -> None:
    paid = sent(OLDER, 185, "paid", 190, collection_method="charge_automatically")
    receipts = {}
    for method in ("sepa_debit", "card"):
        unpaid = seen("active", paid)
        details: dict[str, Any] = {"type": method, method: {}}
        charge(
            unpaid,
            186,
            invoice=OLDER,
            status="succeeded",
            payment_method_details=details,
        )
        (receipt,) = [
            each
            for each in unpaid.billing(IMPORTED_ON + 1).notices
            if each.kind == "receipt"
        ]
        receipts[method] = receipt.due_at

    assert receipts == {"sepa_debit": unpaid.at(190), "card": unpaid.at(186)}
