"""Ways to pay: cards that expire or are renewed, debits that take days, mandates."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime

from replay.simulator.occurrences import StripeOccurrence
from whole_life import events, history, objects, of_type, run

CARD_NUMBER = re.compile(rb"(?<![\d_])\d{13,19}(?!\d)")


def test_every_kind_and_brand_is_attached() -> None:
    attached = objects("payment_method.attached")

    assert {each["type"] for each in attached} == {
        "bacs_debit",
        "card",
        "sepa_debit",
        "us_bank_account",
    }
    brands = {each["card"]["brand"] for each in attached if each["type"] == "card"}
    assert brands == {"amex", "discover", "mastercard", "visa"}
    assert all(each["type"] in each for each in attached)


def test_no_body_holds_what_could_be_a_card_number() -> None:
    allowed = re.compile(rb'"network_transaction_id": "\d{15}"')
    for occurrence in run()[1]:
        if isinstance(occurrence, StripeOccurrence):
            assert not CARD_NUMBER.search(allowed.sub(b"", occurrence.body))


def test_some_cards_are_renewed_before_they_expire_and_some_never() -> None:
    renewed = list(of_type("payment_method.automatically_updated"))

    assert renewed
    for event in renewed:
        card = event["data"]["object"]["card"]
        before = event["data"]["previous_attributes"]["card"]
        old_year = before.get("exp_year", card["exp_year"])
        old_month = before.get("exp_month", card["exp_month"])
        old = datetime(old_year, old_month, 28, tzinfo=UTC)
        assert datetime.fromtimestamp(event["created"], tz=UTC) < old
        assert (card["exp_year"], card["exp_month"]) > (old_year, old_month)
    expired = {
        end.default_method
        for end in run()[0].expectations().values()
        if end.method_expiry and end.method_expiry < (2026, 1)
    }
    assert expired
    assert not expired & {event["data"]["object"]["id"] for event in renewed}


def test_a_debit_is_processing_for_days_and_then_succeeds_or_comes_back() -> None:
    pending = list(of_type("charge.pending"))

    assert len(pending) > 10
    outcomes: Counter[str] = Counter()
    for event in pending:
        told = history(event["data"]["object"]["id"])
        assert told[0]["data"]["object"]["status"] == "pending"
        if len(told) > 1:
            days = (told[1]["created"] - told[0]["created"]) / 86_400
            assert 3 <= days <= 5
            outcomes[told[1]["type"]] += 1
        intent = history(event["data"]["object"]["payment_intent"])
        statuses = [each["data"]["object"]["status"] for each in intent]
        assert "processing" in statuses
    assert outcomes["charge.succeeded"] > 5
    assert outcomes["charge.failed"] > 0


def test_a_mandate_becomes_active_after_its_account_was_attached() -> None:
    for event in of_type("mandate.updated"):
        mandate = event["data"]["object"]
        assert event["data"]["previous_attributes"]["status"] == "pending"
        assert mandate["status"] == "active"
        assert "customer" not in mandate
        first = history(mandate["payment_method"])[0]
        assert first["type"] == "payment_method.attached"
        assert first["created"] < event["created"]


def test_a_removed_method_names_its_customer_only_as_it_was() -> None:
    removed = list(of_type("payment_method.detached"))

    assert removed
    for event in removed:
        assert event["data"]["object"]["customer"] is None
        assert event["data"]["previous_attributes"]["customer"].startswith("cus_")


def test_a_new_method_becomes_the_default_of_customer_and_subscriptions() -> None:
    defaults: dict[str, str] = {}
    held_by: dict[str, str] = {}
    for event in events():
        about = event["data"]["object"]
        if about["object"] == "customer":
            defaults[about["id"]] = about["invoice_settings"]["default_payment_method"]
        elif about["object"] == "subscription":
            held_by[about["customer"]] = about["default_payment_method"]

    for account, end in run()[0].expectations().items():
        assert defaults.get(account) == end.default_method
        if end.status in {"active", "past_due"}:
            assert held_by[account] == end.default_method


def test_tax_ids_are_verified_or_not() -> None:
    outcomes = Counter(
        each["verification"]["status"] for each in objects("customer.tax_id.updated")
    )

    assert outcomes["verified"] > 0
    assert {
        each["verification"]["status"] for each in objects("customer.tax_id.created")
    } == {"pending"}
