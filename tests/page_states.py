"""Billing documents in every state that the page has a face for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

from ledger.moments import rfc3339
from projections.page.activity import Happened
from projections.page.document import Document

NOW: Final = datetime(2026, 11, 20, 14, 3, 12, tzinfo=UTC)
FAILED: Final = datetime(2026, 11, 1, 1, tzinfo=UTC)
HOSTILE: Final = '</script><img src=x onerror="alert(1)">\u202eevil\u2067 ' + "W" * 10_000


def day(days: int, start: datetime = FAILED) -> str:
    return rfc3339(start + timedelta(days=days))


def line(kind: str, text: str, amount: int, **more: object) -> dict[str, Any]:
    return {
        "kind": kind,
        "description": text,
        "amount": amount,
        "evidence": [41007],
        **more,
    }


def invoice(number: int, status: str = "paid", total: int = 9200) -> dict[str, Any]:
    left = total if status == "open" else 0
    return {
        "id": f"in_{number}",
        "number": f"JT-{number:04}",
        "date": day(-30 * (9 - number)),
        "subscription": "sub_1",
        "total": total,
        "amount_due": total,
        "amount_paid": total - left,
        "amount_remaining": left,
        "credited": 0,
        "refunded": 0,
        "currency": "usd",
        "status": status,
        "hosted_url": f"https://invoice.stripe.com/i/{number}",
        "pdf_url": f"https://pay.stripe.com/invoice/{number}/pdf",
        "receipt_url": None if left else f"https://pay.stripe.com/receipts/{number}",
    }


def attempt(n: int, days: int, reason: str, message: str | None = None) -> dict[str, Any]:
    happened = {"happened_at": day(days), "outcome": "failed", "reason": reason}
    step = {"kind": "attempt", "n": n, "due_at": day(days), "evidence": [41010 + n]}
    return {**step, **happened, "message": message}


BASE: Final[dict[str, Any]] = {
    "account": "cus_JT01",
    "linked_account": "shop-17",
    "currency": "usd",
    "status": "active",
    "badge": {"text": "Active", "tone": "success"},
    "access": {"level": "full", "since": day(-200)},
    "subscription": {
        "id": "sub_1",
        "status": "active",
        "plan": "Shop",
        "interval": "month",
        "current_period": {"start": day(0), "end": day(30)},
        "next_charge": {"at": day(30), "amount": 9200},
    },
    "subscriptions": [{"id": "sub_1", "status": "active", "primary": True}],
    "seats": {
        "included": 10,
        "active": 11,
        "billed": 12,
        "extra": 2,
        "freed_next_cycle": 1,
        "wanted": 1,
        "stripe_quantity": 2,
        "drift": 0,
        "source": "product",
    },
    "period_total": {
        "period": {"start": day(0), "end": day(30)},
        "currency": "usd",
        "base": 9900,
        "seats": 1600,
        "discount": 2300,
        "total": 9200,
        "lines": [
            line("base", "Shop", 9900, quantity=1, unit_amount_decimal="9900"),
            line("seat", "Extra seats", 1600, quantity=2, unit_amount_decimal="800"),
            line("discount", "LAUNCH20, 20 % off until 1 Mar 2027", -2300),
        ],
    },
    "invoices": [invoice(number) for number in range(8, 0, -1)],
    "payment_methods": [
        {
            "id": "pm_1",
            "type": "card",
            "brand": "visa",
            "country": "US",
            "last4": "4242",
            "exp_month": 8,
            "exp_year": 2029,
            "default": True,
        },
        {
            "id": "pm_2",
            "type": "sepa_debit",
            "bank_name": "Deutsche Bank",
            "country": "DE",
            "last4": "3000",
            "mandate_status": "active",
        },
    ],
    "billing_contact": {"email": "accounts@shop.example"},
    "tax_ids": [
        {
            "id": "txi_1",
            "type": "eu_vat",
            "value": "DE123456789",
            "verification": "verified",
        }
    ],
    "tax_exempt": "none",
    "meta": {"position": 48213, "as_of": rfc3339(NOW), "reconciled_at": rfc3339(NOW)},
}
DUNNING: Final[dict[str, Any]] = {
    "invoice": "in_8",
    "amount_due": 9200,
    "first_failed_at": day(0),
    "stage": "paused",
    "pause_at": day(7),
    "cancel_at": day(30),
    "steps": [
        attempt(1, 0, "insufficient_funds", "Your card has insufficient funds."),
        attempt(2, 3, "insufficient_funds"),
        attempt(3, 5, "card_declined", "Your card was declined."),
        attempt(4, 7, "card_declined"),
        {"kind": "pause", "due_at": day(7), "happened_at": day(7)},
        {"kind": "cancel", "due_at": day(30)},
    ],
}
RETRYING: Final = {
    **DUNNING,
    "stage": "retrying",
    "steps": [
        *DUNNING["steps"][:2],
        {"kind": "attempt", "n": 3, "due_at": day(5)},
        {"kind": "attempt", "n": 4, "due_at": day(7)},
        {"kind": "pause", "due_at": day(7)},
        {"kind": "cancel", "due_at": day(30)},
    ],
}


def status(name: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    return {
        "status": name,
        "subscription": {**BASE["subscription"], "status": name, **more},
    }


PAST_DUE: Final[dict[str, Any]] = {
    **status("past_due"),
    "badge": {"text": "Past due", "tone": "warning"},
    "dunning": RETRYING,
    "invoices": [invoice(8, "open"), *BASE["invoices"][1:]],
    "meta": {**BASE["meta"], "as_of": day(4)},
}
CHANGES: Final[dict[str, dict[str, Any]]] = {
    "active": {},
    "trial": {
        **status("trialing", trial_end=day(30)),
        "badge": {"text": "Trial", "tone": "info"},
        "invoices": [],
        "payment_methods": [],
        "period_total": {**BASE["period_total"], "total": 0, "lines": [], "estimate": True},
    },
    "past_due": PAST_DUE,
    "stage_paused": {
        **PAST_DUE,
        "badge": {"text": "Paused", "tone": "warning"},
        "access": {"level": "read_only", "reason": "payment_failed", "since": day(7)},
        "dunning": DUNNING,
        "meta": BASE["meta"],
    },
    "stage_canceled": {
        **PAST_DUE,
        "badge": {"text": "Canceled", "tone": "danger"},
        "access": {"level": "none", "reason": "payment_failed", "since": day(30)},
        "dunning": {
            **DUNNING,
            "stage": "canceled",
            "steps": [
                *DUNNING["steps"][:-1],
                {"kind": "cancel", "due_at": day(30), "happened_at": day(30)},
            ],
        },
        "meta": {**BASE["meta"], "as_of": day(35)},
    },
    "paused": {
        **status("paused", pause={"kind": "subscription"}),
        "badge": {"text": "Paused", "tone": "warning"},
        "access": {"level": "read_only", "reason": "pause_requested", "since": day(3)},
    },
    "cancels": {
        "dunning": {
            **DUNNING,
            "stage": "recovered",
            "first_failed_at": day(-30),
            "pause_at": day(-23),
            "cancel_at": day(0),
            "steps": [
                attempt(1, -30, "insufficient_funds", "Your card has insufficient funds."),
                {"kind": "recovery", "happened_at": day(-27), "outcome": "paid"},
            ],
        },
        "findings": [
            {
                "code": "differs_from_stripe",
                "severity": "warning",
                "message": "cus_JT01 is not as Stripe has it; bl reconcile shows where",
            }
        ],
        **status(
            "active",
            cancel_at=day(30),
            scheduled_changes=[
                {"at": day(30), "kind": "cancel"},
                {"at": day(30), "kind": "change", "items": [{"price": "price_pro"}]},
            ],
        ),
        "badge": {"text": "Cancels on 1 Dec 2026", "tone": "warning"},
        "period_total": {
            **BASE["period_total"],
            "estimate": True,
            "lines": [
                {**each, "source": "estimate"} for each in BASE["period_total"]["lines"]
            ],
        },
        "payment_methods": [
            {
                **BASE["payment_methods"][0],
                "exp_month": 11,
                "exp_year": 2026,
                "brand": "amex",
            }
        ],
    },
    "canceled": {
        **status("canceled", ended_at=day(5)),
        "badge": {"text": "Canceled", "tone": "neutral"},
        "access": {"level": "none", "reason": "canceled", "since": day(5)},
    },
    "none": {
        "status": "none",
        "badge": None,
        "currency": None,
        "access": {"level": "none"},
        "subscription": None,
        "subscriptions": [],
        "seats": None,
        "period_total": None,
        "invoices": [],
        "payment_methods": [],
        "billing_contact": None,
        "tax_ids": [],
        "tax_exempt": None,
    },
    "parked": {"meta": {**BASE["meta"], "stale": True, "lag_ms": 500_000}},
    "behind": {
        "meta": {**BASE["meta"], "lag_ms": 190_000, "reconciled_at": None},
        "seats": {**BASE["seats"], "drift": -1},
        "findings": [
            {
                "code": "cancel_not_executed",
                "severity": "warning",
                "message": "the policy canceled on day 30, but Stripe still shows past_due",
            }
        ],
    },
    "hostile": {
        "linked_account": HOSTILE,
        "badge": {"text": HOSTILE, "tone": HOSTILE},
        "subscription": {**BASE["subscription"], "plan": HOSTILE},
        "period_total": {**BASE["period_total"], "lines": [line("base", HOSTILE, 9200)]},
        "dunning": {**DUNNING, "steps": [attempt(1, 0, "x", HOSTILE)]},
        "invoices": [
            {**invoice(1), "number": HOSTILE, "hosted_url": "javascript:alert(1)"}
        ],
        "billing_contact": {"email": HOSTILE},
        "payment_methods": [{"id": "pm", "type": HOSTILE, "last4": "4111111111111111"}],
        "findings": [{"code": HOSTILE, "severity": "error", "message": HOSTILE}],
    },
}
STATES: Final = {
    name: msgspec.convert({**BASE, **change}, Document) for name, change in CHANGES.items()
}


def happened(state: str) -> list[Happened]:
    if state == "none":
        return []
    said = [
        "Invoice JT-0008: USD 92.00 paid",
        "u_91 was given a seat by u_3",
        "Subscription sub_1: period 1 Nov to 1 Dec 2026",
        HOSTILE if state == "hostile" else "u_12 left, by u_3",
    ]
    at = datetime(2026, 11, 1, 1, tzinfo=UTC)
    return [
        Happened(at=at - timedelta(days=place), text=text, position=41007 - place)
        for place, text in enumerate(said)
    ]
