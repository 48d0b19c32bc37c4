"""A period's total and the next charge, as the read API writes them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ledger.moments import rfc3339
from ledger.money import decimal_text
from ledger.pricing import Part
from projections.openapi import period_answers as shown
from projections.openapi.account_answers import NextChargeShown
from projections.totals.account_totals import NextCharge
from projections.totals.period_lines import CouponUsed, PeriodLine, TaxUsed
from projections.totals.period_total import PeriodTotal


def period_total(told: PeriodTotal) -> dict[str, Any]:
    """Return *told*, its lines in order of kind."""
    return {**typed_total(told)}


def typed_total(told: PeriodTotal) -> shown.PeriodTotalShown:
    """Return what `period_total` does, as what it is."""
    return {
        "subscription": told.subscription,
        "period": {
            "start": rfc3339(told.period.start),
            "end": rfc3339(told.period.end),
        },
        "currency": told.currency,
        "base": told.base,
        "seats": told.seats,
        "other": told.other,
        "discount": told.discount,
        "tax": told.tax,
        "tax_included": told.tax_included,
        "total": told.total,
        "credited": told.credited,
        "estimate": told.estimate,
        "lines": [line(each) for each in told.lines],
    }


def next_charge(told: NextCharge) -> NextChargeShown:
    """Return when what will be charged."""
    return {"at": rfc3339(told.at), "amount": told.amount}


def line(told: PeriodLine) -> shown.LineShown:
    """Return one line with all that it is made of."""
    return {
        "kind": told.kind,
        "description": told.description,
        "quantity": told.quantity,
        "unit_amount_decimal": told.unit_amount,
        "amount": told.amount,
        "source": told.source,
        "start": _time(told.start),
        "end": _time(told.end),
        "proration": told.proration,
        "invoice": told.invoice,
        "price": told.price,
        "included": told.included,
        "parts": [_part(each) for each in told.parts],
        "coupon": None if told.coupon is None else _coupon(told.coupon),
        "tax": None if told.tax is None else _tax(told.tax),
        "evidence": list(told.evidence),
    }


def _part(told: Part) -> shown.PartShown:
    return {
        "quantity": told.quantity,
        "unit_amount_decimal": decimal_text(told.unit),
        "flat_amount_decimal": decimal_text(told.flat),
    }


def _coupon(told: CouponUsed) -> shown.CouponShown:
    return {
        "discount": told.id,
        "id": told.coupon,
        "name": told.name,
        "percent_off": told.percent,
        "amount_off": told.amount_off,
        "duration": told.duration,
        "until": _time(told.until),
        "of": told.base,
    }


def _tax(told: TaxUsed) -> shown.TaxShown:
    return {
        "rate": told.rate,
        "name": told.name,
        "percentage": told.percentage,
        "of": told.base,
        "reason": told.reason,
    }


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else rfc3339(moment)
