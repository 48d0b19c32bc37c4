"""A billing answer as the read API writes it: every field of the contract, always.

What cannot be told yet is null or empty, of the type it will have.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from ledger.moments import rfc3339
from projections.answer import Billing, Finding, Listed, SeatFigures
from projections.billed import Billed
from projections.dunning.rendering import notice, timeline
from projections.facts import Subscription
from projections.objects import TaxId
from projections.openapi import account_answers as told
from projections.openapi.list_answers import SeatStepShown
from projections.openapi.parts import FindingShown
from projections.seating.history import Held, Seat, Step
from projections.status.access import Access, Change
from projections.status.entitlement import Entitlement
from projections.status.periods import ServicePeriod
from projections.status.scheduled import Scheduled
from projections.status.ways_to_pay import WayToPay
from projections.totals import rendering as total_rendering

Json = dict[str, Any]

# The page shows the latest; all of them are a list of their own.
INVOICES_MAX: Final = 25


def billing(answer: Billing) -> Json:
    """Return all of *answer* but ``meta``, which the reader knows."""
    primary, customer = answer.primary, answer.customer
    currency = primary.subscription.currency if primary else None
    may = access(answer)
    return {
        "account": may["account"],
        "linked_account": may["linked_account"],
        "currency": currency or (customer.currency if customer else None),
        "status": may["status"],
        "badge": may["badge"],
        "access": may["access"],
        "subscription": _subscription(answer, primary) if primary else None,
        "subscriptions": [_listed(each) for each in answer.subscriptions],
        "seats": _seats(answer.seats) if answer.seats else None,
        "period_total": (
            total_rendering.period_total(answer.period_total)
            if answer.period_total
            else None
        ),
        "dunning": timeline(answer.foremost) if answer.foremost else None,
        "invoices": [_invoice(each) for each in answer.invoices[:INVOICES_MAX]],
        "payment_methods": [_way_to_pay(each) for each in answer.ways_to_pay],
        "billing_contact": {"email": customer.email} if customer else None,
        "tax_ids": [_tax_id(name, each) for name, each in answer.tax_ids],
        "tax_exempt": (customer.tax_exempt or "none") if customer else None,
        "notices": [notice(each) for each in answer.notices],
        "findings": [_finding(each) for each in answer.findings],
    }


def access(answer: Billing | Entitlement) -> Json:
    """Return the little of *answer* that a product asks on every request."""
    return {
        "account": answer.linked.account,
        "linked_account": answer.linked.product if answer.linked.customer else None,
        "status": answer.status,
        "badge": (
            {"text": answer.badge.text, "tone": answer.badge.tone} if answer.badge else None
        ),
        "access": _access(answer.access),
    }


def seats(answer: Billing) -> Json:
    """Return the figures, and who holds a seat as far as the product has told."""
    body = billing(answer)
    return {
        "account": body["account"],
        "linked_account": body["linked_account"],
        "seats": body["seats"],
        "users": users(answer.held),
        "findings": body["findings"],
    }


def users(held: Held) -> list[Json]:
    """Return each seat that is held, by user."""
    return [{**_seat(seat)} for seat in held.seats]


def without_evidence(body: Json) -> Json:
    """Return *body* without what may depend on the order in which deliveries came."""
    kept: Json = _bare({name: value for name, value in body.items() if name != "meta"})
    return kept


def _bare(value: Any) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(value, dict):
        return {name: _bare(each) for name, each in value.items() if name != "evidence"}
    return [_bare(each) for each in value] if isinstance(value, list) else value


def _access(access: Access) -> told.AccessShown:
    return {
        "level": access.level,
        "reason": access.reason,
        "since": _time(access.since),
        "next_change": _change(access.next_change) if access.next_change else None,
    }


def _change(change: Change) -> told.ChangeShown:
    return {"at": rfc3339(change.at), "level": change.level}


def _subscription(answer: Billing, listed: Listed) -> told.SubscriptionShown:
    shown = listed.subscription
    return {
        "id": listed.id,
        "status": shown.status,
        "plan": answer.plan,
        "interval": _interval(shown),
        "current_period": _period(listed.period) if listed.period else None,
        "cancel_at_period_end": shown.cancel_at_period_end,
        "cancel_at": _time(shown.cancel_at),
        "canceled_at": _time(shown.canceled_at),
        "ended_at": _time(shown.ended_at),
        "trial_end": _time(shown.trial_end),
        "pause": _pause(shown),
        "next_charge": (
            total_rendering.next_charge(answer.next_charge) if answer.next_charge else None
        ),
        "scheduled_changes": [_scheduled(each) for each in answer.scheduled],
        "items": [
            {"id": item.id, "price": item.price, "quantity": item.quantity}
            for item in shown.items
        ],
    }


def _scheduled(change: Scheduled) -> told.ScheduledShown:
    return {
        "at": rfc3339(change.at),
        "kind": change.kind,
        "items": [
            {"price": item.price, "name": item.name, "quantity": item.quantity}
            for item in change.items
        ],
        "prorated": change.prorated,
    }


def _listed(listed: Listed) -> told.ListedShown:
    return {
        "id": listed.id,
        "status": listed.subscription.status,
        "primary": listed.primary,
    }


def _interval(shown: Subscription) -> str | None:
    return next((item.interval for item in shown.items if item.interval), None)


def _period(period: ServicePeriod) -> told.PeriodShown:
    return {
        "start": rfc3339(period.start),
        "end": rfc3339(period.end),
        "estimate": period.estimated,
    }


def _pause(shown: Subscription) -> told.PauseShown | None:
    """Return what is paused: invoices only, or by Stripe the subscription itself."""
    if shown.status == "paused":
        return {"kind": "subscription", "type": shown.pause_type, "behavior": None}
    if shown.pause_behavior is not None:
        return {"kind": "collection", "type": None, "behavior": shown.pause_behavior}
    return None


def _seats(figures: SeatFigures) -> told.SeatFiguresShown:
    return {
        "included": figures.included,
        "active": figures.active,
        "billed": figures.billed,
        "extra": figures.extra,
        "freed_next_cycle": figures.freed_next_cycle,
        "wanted": figures.wanted,
        "stripe_quantity": figures.stripe_quantity,
        "drift": figures.drift,
        "source": figures.source,
        "terms": figures.terms,
    }


def _seat(seat: Seat) -> told.SeatShown:
    return {
        "user": seat.user,
        "since": rfc3339(seat.since),
        "by": seat.by,
        "evidence": [seat.position],
    }


def invoices(answer: Billing) -> list[Json]:
    """Return every invoice, newest first."""
    return [{**_invoice(each)} for each in answer.invoices]


def _invoice(billed: Billed) -> told.InvoiceShown:
    shown = billed.invoice
    return {
        "id": billed.id,
        "number": shown.number,
        "date": rfc3339(billed.date),
        "due_date": _time(shown.due_date),
        "subscription": shown.subscription,
        "total": shown.total,
        "amount_due": shown.amount_due,
        "amount_paid": shown.amount_paid,
        "amount_remaining": shown.amount_remaining,
        "credited": billed.credited,
        "refunded": billed.refunded,
        "currency": shown.currency,
        "status": shown.status,
        "hosted_url": shown.hosted_url,
        "pdf_url": shown.pdf_url,
        "receipt_url": billed.receipt_url,
    }


def _way_to_pay(way: WayToPay) -> told.WayToPayShown:
    method = way.method
    return {
        "id": way.id,
        "type": method.type,
        "brand": method.brand,
        "bank_name": method.bank_name,
        "country": method.country,
        "last4": method.last4,
        "exp_month": method.exp_month,
        "exp_year": method.exp_year,
        "mandate_status": way.mandate_status,
        "default": way.default,
    }


def _tax_id(name: str, shown: TaxId) -> told.TaxIdShown:
    return {
        "id": name,
        "type": shown.type,
        "value": shown.value,
        "country": shown.country,
        "verification": shown.verification,
    }


def step(taken: Step) -> Json:
    """Return one change of the seats."""
    shown: SeatStepShown = {
        "at": rfc3339(taken.at),
        "change": taken.change,
        "user": taken.user,
        "by": taken.by,
        "active": taken.active,
        "joined": list(taken.joined),
        "left": list(taken.left),
        "evidence": [taken.position],
    }
    return {**shown}


def _finding(finding: Finding) -> FindingShown:
    return {
        "code": finding.code,
        "severity": finding.severity,
        "message": finding.message,
        "evidence": list(finding.evidence),
    }


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else rfc3339(moment)
