"""Every object of an account, from recordings and from a company told in every version."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, Final

import msgspec
import pytest

from ledger.envelope import stripe_event
from ledger.events import UNROUTED, StripeEvent
from projections.facts import (
    CustomerObserved,
    Fact,
    FieldUnreadable,
    InvoiceObserved,
    MandateObserved,
    PaymentMethodObserved,
    ScheduleObserved,
    Subscription,
    TaxIdObserved,
)
from projections.history import History, told
from projections.lines import Taxed
from projections.objects import Invoice, Value
from projections.projector.folding import Key
from recordings import accepted, dated, facts_of, flows, folded, recorded_bodies
from replay.simulator.occurrences import StripeOccurrence
from replay.simulator.shapes import Shape
from whole_life import run

# What the older versions do not say at all, or not all of it, and which invoice a payment
# is for.
ONLY_NEW: Final = {
    "invoice": None,
    "item": None,
    "order_reference": None,
    "cancellation_reason": None,
    "discounts": None,
    "tax": None,
    "pause_type": None,
    "paused_at": None,
    "uncollectible_reason": None,
}


@cache
def told_in(shape: Shape) -> tuple[StripeEvent, ...]:
    return tuple(
        stripe_event(each.body, ledger_livemode=False)
        for each in run(shape)[1]
        if isinstance(each, StripeOccurrence)
    )


def values(states: Mapping[str, Mapping[Key, Any]]) -> dict[tuple[str, Key], Any]:
    """Return what each object is, without where it was told."""
    found = {}
    for name, each in states.items():
        for key, state in each.items():
            says = told(state) if isinstance(state, History) else None
            if says is not None:
                assert not says.ambiguous, key
                known = dict.fromkeys(
                    ONLY_NEW.keys() & set(says.current.value.__struct_fields__)
                )
                if name == "invoice_items":
                    # Of a proration an older version shows its whole price as well.
                    known["unit_amount"] = None
                value = msgspec.structs.replace(says.current.value, **known)
                found[name, key] = without_what_older_lack(value)
    return {key: each for key, each in found.items() if key[0] != "ties"}


def without_what_older_lack(value: Value) -> Value:
    """A tier's unit price, what and why a tax is, and items' discounts are shown later."""
    if isinstance(value, Subscription):
        items = tuple(msgspec.structs.replace(each, discounts=()) for each in value.items)
        return msgspec.structs.replace(value, items=items)
    if not isinstance(value, Invoice):
        return value
    lines = tuple(
        msgspec.structs.replace(each, unit_amount=None, taxes=bare(each.taxes))
        for each in value.lines or ()
    )
    return msgspec.structs.replace(value, lines=lines, taxes=bare(value.taxes))


def bare(taxes: tuple[Taxed, ...]) -> tuple[Taxed, ...]:
    return tuple(msgspec.structs.replace(each, base=None, reason=None) for each in taxes)


def shown(kind: str, value: dict[str, Any], **data: Any) -> list[Fact]:  # noqa: ANN401
    body = {
        "id": "evt_1",
        "object": "event",
        "type": kind,
        "created": 1_772_366_400,
        "livemode": False,
        "data": {"object": {"id": "obj_1", "customer": "cus_1", **value}, **data},
    }
    return facts_of([stripe_event(json.dumps(body).encode(), ledger_livemode=False)])


def only(facts: Iterable[Fact], kind: type[Any]) -> Any:  # noqa: ANN401
    (fact,) = [each for each in facts if isinstance(each, kind)]
    return fact


def test_every_recorded_event_is_read_without_a_fault() -> None:
    read = 0
    for path, body in recorded_bodies():
        facts = facts_of([accepted(body)])
        faults = [each for each in facts if isinstance(each, FieldUnreadable)]
        assert not faults, path
        read += bool(facts)
    assert read > 300


def test_each_recorded_flow_ends_as_its_last_objects_say() -> None:
    compared = 0
    for flow, bodies in flows().items():
        states = folded(dated(bodies))
        last = {}
        for body in bodies:
            event = json.loads(body)
            last[event["data"]["object"]["id"]] = event
        for name, event in last.items():
            value = event["data"]["object"]
            expected = {
                "invoice": ("invoices", {"status", "total", "amount_due", "amount_paid"}),
                "customer": ("customers", {"email", "balance", "currency"}),
                "subscription": ("subscriptions", {"status"}),
            }.get(value["object"])
            if expected is None:
                continue
            model, fields = expected
            (history,) = [each for key, each in states[model].items() if key[1] == name]
            says = told(history)
            assert says is not None
            for field in fields:
                assert getattr(says.current.value, field) == value[field], (
                    flow,
                    name,
                    field,
                )
            if value["object"] == "subscription":
                quantities = sorted(item.quantity for item in says.current.value.items)
                shown = sorted(item["quantity"] for item in value["items"]["data"])
                assert quantities == shown, (flow, name)
            compared += 1
    assert compared > 30


@cache
def told_and_folded(shape: Shape) -> dict[tuple[str, Key], Any]:
    return values(folded(told_in(shape)))


OFTEN: Final = (Shape.Y2020, Shape.CLOVER)


@pytest.mark.parametrize(
    "shape",
    [
        pytest.param(shape, marks=() if shape in OFTEN else pytest.mark.slow)
        for shape in list(Shape)[:-1]
    ],
)
def test_one_company_in_two_versions_gives_the_same_objects(shape: Shape) -> None:
    older, newer = told_and_folded(shape), told_and_folded(Shape.ENDIVE)

    assert older == newer
    assert len(older) > 1000


def test_any_order_gives_the_same_objects() -> None:
    events = list(told_in(Shape.CLOVER))[:1500]
    in_order = values(folded(events))

    random.Random(1).shuffle(events)

    assert values(folded(events)) == in_order


def test_a_number_typed_into_a_name_is_masked_before_it_becomes_a_fact() -> None:
    typed = {"name": "Jo 4242 4242 4242 4242", "description": "4242424242424242"}

    customer = only(
        shown("customer.updated", {"object": "customer", **typed}), CustomerObserved
    )

    assert (customer.value.name, customer.value.description) == ("Jo ****4242", "****4242")


def test_a_detached_method_is_routed_to_whom_it_left() -> None:
    left = {"object": "payment_method", "type": "card", "customer": None}

    facts = shown(
        "payment_method.detached", left, previous_attributes={"customer": "cus_1"}
    )

    method = only(facts, PaymentMethodObserved)
    assert (method.account, method.value.customer) == ("cus_1", None)
    assert method.earlier == {"customer": "cus_1"}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (
            {"type": "card", "card": {"brand": "visa", "last4": "4242", "exp_year": 2030}},
            ("card", "visa", None, "4242", 2030),
        ),
        (
            {"object": "card", "brand": "American Express", "last4": "0005"},
            ("card", "amex", None, "0005", None),
        ),
        (
            {"object": "bank_account", "bank_name": "BANK", "last4": "6789"},
            ("us_bank_account", None, "BANK", "6789", None),
        ),
        (
            {"object": "source", "type": "ach_debit", "ach_debit": {"last4": "1116"}},
            ("us_bank_account", None, None, "1116", None),
        ),
        (
            {"type": "sepa_debit", "sepa_debit": {"last4": "3000", "country": "DE"}},
            ("sepa_debit", None, None, "3000", None),
        ),
        ({"type": "moonbeam"}, ("moonbeam", None, None, None, None)),
    ],
)
def test_every_way_to_pay_is_told_alike(value: dict[str, Any], expected: object) -> None:
    method = only(shown("payment_method.updated", value), PaymentMethodObserved).value

    assert (
        method.type,
        method.brand,
        method.bank_name,
        method.last4,
        method.exp_year,
    ) == expected


def test_a_mandate_waits_for_its_payment_method() -> None:
    value = {"status": "inactive", "payment_method": "pm_1", "customer": None}

    mandate = only(shown("mandate.updated", value), MandateObserved)

    assert (mandate.account, mandate.value.payment_method) == (UNROUTED, "pm_1")


@pytest.mark.parametrize(
    "value",
    [
        {"subscription": "sub_1"},
        {"subscription": {"id": "sub_1"}},
        {"parent": {"subscription_details": {"subscription": "sub_1"}}},
    ],
)
def test_an_invoice_names_its_subscription_in_every_version(value: dict[str, Any]) -> None:
    invoice = only(shown("invoice.paid", {"status": "paid", **value}), InvoiceObserved)

    assert invoice.value.subscription == "sub_1"


@pytest.mark.parametrize(
    "item", [{"price": "price_1"}, {"price": {"id": "price_1"}}, {"plan": "price_1"}]
)
def test_a_phase_names_its_prices_in_every_version(item: dict[str, Any]) -> None:
    phases = [{"start_date": 1, "end_date": 2, "items": [{**item, "quantity": 3}]}]

    schedule = only(
        shown("subscription_schedule.updated", {"status": "active", "phases": phases}),
        ScheduleObserved,
    )

    (phase,) = schedule.value.phases
    assert [(each.price, each.quantity) for each in phase.items] == [("price_1", 3)]


@pytest.mark.parametrize("amount", [1.5, 12.0, "12", 2**53 + 1, True, [1]])
def test_an_amount_that_is_none_is_named_and_touches_no_other(amount: object) -> None:
    facts = shown("invoice.paid", {"status": "paid", "total": amount, "amount_due": 7})

    fault, invoice = only(facts, FieldUnreadable), only(facts, InvoiceObserved)
    assert (fault.kind, fault.field) == ("invoice", "data.object.total")
    assert (invoice.value.total, invoice.value.amount_due) == (None, 7)


def test_a_tax_id_is_told_with_its_verification() -> None:
    value = {"type": "eu_vat", "value": "DE1", "verification": {"status": "verified"}}

    tax_id = only(shown("customer.tax_id.updated", value), TaxIdObserved)

    assert (tax_id.value.type, tax_id.value.verification) == ("eu_vat", "verified")


@pytest.mark.parametrize(
    "wrapped",
    [
        lambda event: {"detail-type": "invoice.paid", "source": "aws", "detail": event},
        lambda event: {"specversion": "1.0", "type": "com.stripe.v1", "data": event},
    ],
)
def test_an_event_is_found_in_its_couriers_envelope(wrapped: Any) -> None:  # noqa: ANN401
    event = json.loads(
        json.dumps(
            {
                "id": "evt_1",
                "object": "event",
                "type": "invoice.paid",
                "created": 1_772_366_400,
                "data": {"object": {"id": "in_1", "customer": "cus_1", "status": "paid"}},
            }
        )
    )
    body = json.dumps(wrapped(event)).encode()

    taken = stripe_event(body, ledger_livemode=False)

    assert (taken.event_id, taken.account, taken.body) == ("evt_1", "cus_1", body)
    assert only(facts_of([taken]), InvoiceObserved).value.status == "paid"
