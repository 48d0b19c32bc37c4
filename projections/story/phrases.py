"""Figures, dates and reasons as somebody from finance says them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, tzinfo
from typing import Any, Final

from ledger.masking import masked

_DIGITS: Final = re.compile(r"([0-9]+)")
INTERVALS: Final[Mapping[str, str]] = {
    "day": "daily",
    "week": "weekly",
    "month": "monthly",
    "year": "yearly",
}
ACCESS: Final[Mapping[str, str]] = {
    "full": "full",
    "read_only": "read only",
    "none": "none",
}
REASONS: Final[Mapping[str, str]] = {
    "payment_failed": "a payment failed",
    "paused": "the subscription is paused",
    "pause_requested": "a pause was asked for",
    "trial_ended_without_payment_method": "the trial ended without a way to pay",
    "paused_by_stripe": "Stripe paused the subscription",
    "unpaid": "invoices are unpaid",
    "first_payment_missing": "the first payment has not come",
    "canceled": "the subscription was canceled",
    "expired": "the first payment never came",
    "no_subscription": "there is no subscription",
    "unknown_status": "Stripe gives a status that is not known here",
}


def moment(text: str | None, zone: tzinfo) -> datetime | None:
    """Return the time that *text* writes in RFC 3339, in *zone*."""
    return None if text is None else datetime.fromisoformat(text).astimezone(zone)


def day(text: str | None, zone: tzinfo) -> str | None:
    """Return the day of *text* as ``1 Nov 2026``."""
    at = moment(text, zone)
    return None if at is None else f"{at.day} {at:%b %Y}"


def minute(text: str | None, zone: tzinfo) -> str | None:
    """Return *text* as ``1 Nov 2026 09:30``."""
    at = moment(text, zone)
    return None if at is None else f"{at.day} {at:%b %Y %H:%M}"


def words(name: object) -> str | None:
    """Return one of Stripe's names as words."""
    return masked(name.replace("_", " ")) if isinstance(name, str) else None


def typed(text: object) -> str | None:
    """Return what somebody typed, without what looks like a card number."""
    return masked(text) if isinstance(text, str) else None


def unmarked(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """Return *value* with every text in it as `typed` gives it."""
    if isinstance(value, str):
        return masked(value)
    if isinstance(value, dict):
        return {masked(str(name)): unmarked(each) for name, each in value.items()}
    return [unmarked(each) for each in value] if isinstance(value, list) else value


def reason(name: str) -> str:
    """Return a reason of an access as a clause."""
    return REASONS.get(name, name.replace("_", " "))


def in_order(name: str) -> list[tuple[int, str]]:
    """Return what sorts names as people count: u_2 before u_10."""
    parts = _DIGITS.split(name)
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]


def counted(number: int, one: str, many: str | None = None) -> str:
    """Return ``1 seat``, ``2 seats``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
