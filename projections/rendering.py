"""A billing answer as the read API writes it: every field of the contract, always.

What cannot be told yet is null or empty, of the type it will have.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ledger.moments import rfc3339
from projections.access import Access, Change
from projections.answer import Billing, Finding, Listed, SeatFigures
from projections.facts import Subscription

Json = dict[str, Any]


def billing(answer: Billing) -> Json:
    """Return all of *answer* but ``meta``, which the reader knows."""
    primary = answer.primary
    currency = primary.subscription.currency if primary else None
    return {
        "account": answer.linked.account,
        "linked_account": answer.linked.product if answer.linked.customer else None,
        "currency": currency,
        "status": answer.status,
        "badge": (
            {"text": answer.badge.text, "tone": answer.badge.tone} if answer.badge else None
        ),
        "access": _access(answer.access),
        "subscription": _subscription(primary) if primary else None,
        "subscriptions": [_listed(each) for each in answer.subscriptions],
        "seats": _seats(answer.seats) if answer.seats else None,
        "period_total": None,
        "dunning": None,
        "invoices": [],
        "payment_methods": [],
        "billing_contact": None,
        "tax_ids": [],
        "tax_exempt": None,
        "notices": [],
        "findings": [_finding(each) for each in answer.findings],
    }


def without_evidence(body: Json) -> Json:
    """Return *body* without what may depend on the order in which deliveries came."""
    findings = [
        {name: value for name, value in finding.items() if name != "evidence"}
        for finding in body["findings"]
    ]
    return {name: value for name, value in body.items() if name != "meta"} | {
        "findings": findings
    }


def _access(access: Access) -> Json:
    return {
        "level": access.level,
        "reason": access.reason,
        "since": _time(access.since),
        "next_change": _change(access.next_change) if access.next_change else None,
    }


def _change(change: Change) -> Json:
    return {"at": rfc3339(change.at), "level": change.level}


def _subscription(listed: Listed) -> Json:
    shown = listed.subscription
    return {
        "id": listed.id,
        "status": shown.status,
        "plan": None,
        "interval": _interval(shown),
        "current_period": _period(shown),
        "cancel_at_period_end": shown.cancel_at_period_end,
        "cancel_at": _time(shown.cancel_at),
        "canceled_at": _time(shown.canceled_at),
        "ended_at": _time(shown.ended_at),
        "trial_end": _time(shown.trial_end),
        "next_charge": None,
        "scheduled_changes": [],
        "items": [
            {"id": item.id, "price": item.price, "quantity": item.quantity}
            for item in shown.items
        ],
    }


def _listed(listed: Listed) -> Json:
    return {
        "id": listed.id,
        "status": listed.subscription.status,
        "primary": listed.primary,
    }


def _interval(shown: Subscription) -> str | None:
    return next((item.interval for item in shown.items if item.interval), None)


def _period(shown: Subscription) -> Json | None:
    if shown.period_start is None or shown.period_end is None:
        return None
    return {"start": rfc3339(shown.period_start), "end": rfc3339(shown.period_end)}


def _seats(figures: SeatFigures) -> Json:
    return {
        "included": None,
        "active": figures.active,
        "billed": None,
        "extra": None,
        "freed_next_cycle": None,
        "wanted": None,
        "stripe_quantity": figures.stripe_quantity,
        "drift": None,
        "source": figures.source,
        "terms": None,
    }


def _finding(finding: Finding) -> Json:
    return {
        "code": finding.code,
        "severity": finding.severity,
        "message": finding.message,
        "evidence": list(finding.evidence),
    }


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else rfc3339(moment)
