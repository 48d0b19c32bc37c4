"""An account's billing as a card that somebody from finance reads from top to bottom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import tzinfo
from typing import Any, Final

from projections.amounts import amount
from projections.story.phrases import (
    ACCESS,
    INTERVALS,
    counted,
    day,
    minute,
    reason,
    typed,
    words,
)
from replay.shown import seat_words

Body = Mapping[str, Any]
Card = list[tuple[str, object]]

KINDS: Final[Mapping[str, str]] = {
    "cancel": "the subscription ends",
    "change": "changes to",
    "quantity": "quantity becomes",
    "resume": "the pause ends",
}
NAMED_USERS: Final = 12


def card(body: Body, users: Sequence[str], zone: tzinfo) -> Card:
    """Return what is known of an account, most urgent first.

    Args:
        body: The answer as the read API writes it.
        users: Who holds a seat.
        zone: Of the times in it.
    """
    lines: Card = [
        ("status", _status(body)),
        ("access", _access(body["access"], zone)),
        *_subscription(body, zone),
        ("seats", seat_words.line(body["seats"])),
        ("users", _users(users)),
        *(("pays by", _way_to_pay(each)) for each in body["payment_methods"]),
        ("billing contact", typed((body["billing_contact"] or {}).get("email"))),
        *(("tax id", _tax_id(each)) for each in body["tax_ids"]),
        ("tax", _tax(body["tax_exempt"])),
        ("currency", _currency(body["currency"])),
        ("product's account", body["linked_account"]),
        *(("finding", _finding(each)) for each in body["findings"]),
    ]
    return [(label, value) for label, value in lines if value is not None]


def _status(body: Body) -> str:
    if body["badge"] is None:
        return "no subscription ever"
    badge, status = body["badge"]["text"], words(body["status"]) or ""
    return badge if badge.lower() == status else f"{badge} (in Stripe: {status})"


def _access(access: Body, zone: tzinfo) -> str:
    parts = [ACCESS.get(access["level"], access["level"])]
    if access["reason"]:
        link = "though" if access["level"] == "full" else "because"
        parts[0] += f", {link} {reason(access['reason'])}"
    if access["since"]:
        parts.append(f"since {minute(access['since'], zone)}")
    change = access["next_change"]
    if change:
        level = ACCESS.get(change["level"], change["level"])
        parts.append(f"{level} from {minute(change['at'], zone)} on")
    return "; ".join(parts)


def _subscription(body: Body, zone: tzinfo) -> Card:
    held = body["subscription"]
    if held is None:
        return []
    interval = INTERVALS.get(held["interval"] or "", held["interval"])
    plan = ", ".join(part for part in (typed(held["plan"]), interval) if part)
    others = [each for each in body["subscriptions"] if not each["primary"]]
    ends = _ends(held, zone)
    changes = [
        each
        for each in held["scheduled_changes"]
        if ends is None or each["kind"] != "cancel"
    ]
    return [
        ("plan", plan or None),
        ("subscription", held["id"]),
        ("period", _period(held["current_period"], zone)),
        ("trial ends", _of_status(held, "trialing", minute(held["trial_end"], zone))),
        ("ends", ends),
        ("pause", _pause(held.get("pause"))),
        *(("then", _scheduled(each, zone)) for each in changes),
        ("next charge", _charge(held["next_charge"], body["currency"], zone)),
        *(("beside it", f"{each['id']}, {words(each['status'])}") for each in others),
    ]


def _of_status(held: Body, status: str, said: str | None) -> str | None:
    return said if held["status"] == status else None


def _period(period: Body | None, zone: tzinfo) -> str | None:
    if period is None:
        return None
    said = f"{day(period['start'], zone)} to {day(period['end'], zone)}"
    return f"{said}, estimated" if period.get("estimate") else said


def _ends(held: Body, zone: tzinfo) -> str | None:
    if held.get("ended_at"):
        return f"ended {minute(held['ended_at'], zone)}"
    if held["cancel_at"]:
        return f"cancels on {minute(held['cancel_at'], zone)}"
    period = held["current_period"]
    if held["cancel_at_period_end"] and period:
        return f"cancels with the period, on {minute(period['end'], zone)}"
    return None


def _pause(pause: Body | None) -> str | None:
    if pause is None:
        return None
    if pause["kind"] == "collection":
        return f"invoices are not collected meanwhile ({words(pause['behavior'])})"
    kind = f" ({words(pause['type'])})" if pause["type"] else ""
    return f"Stripe has paused the subscription{kind}"


def _scheduled(change: Body, zone: tzinfo) -> str:
    said = KINDS.get(change["kind"], words(change["kind"]) or "a change")
    items = ", ".join(
        f"{each['quantity'] or 1:,} of {each.get('name') or each['price']}"
        for each in change.get("items") or ()
    )
    prorated = change.get("prorated")
    rest = {True: ", the rest of the period charged", False: "", None: ""}[prorated]
    return f"{day(change['at'], zone)}: {said}{f' {items}' if items else ''}{rest}"


def _charge(charge: Body | None, currency: str | None, zone: tzinfo) -> str | None:
    if charge is None:
        return None
    return f"{amount(charge['amount'], currency)} on {day(charge['at'], zone)}"


def _users(users: Sequence[str]) -> str | None:
    more = len(users) - NAMED_USERS
    rest = f" and {counted(more, 'other')}; see bl seats" if more > 0 else ""
    return f"{', '.join(users[:NAMED_USERS])}{rest}" if users else None


def _way_to_pay(method: Body) -> str:
    name = method["brand"] or method["bank_name"] or words(method["type"]) or "unknown"
    said = (typed(name) or "").replace("_", " ")
    said = said[:1].upper() + said[1:]
    if method["last4"]:
        said += f" ending in {method['last4']}"
    if method["exp_month"] and method["exp_year"]:
        said += f", expires {method['exp_month']:02d}/{method['exp_year']}"
    if method["mandate_status"]:
        said += f", mandate {words(method['mandate_status'])}"
    return f"{said} (the one that is charged)" if method["default"] else said


def _tax_id(tax_id: Body) -> str:
    verified = f", {words(tax_id['verification'])}" if tax_id.get("verification") else ""
    return f"{typed(tax_id['value'])} ({words(tax_id['type'])}{verified})"


def _tax(exempt: str | None) -> str | None:
    said = {"exempt": "exempt", "reverse": "reverse charge"}
    return said.get(exempt or "")


def _currency(currency: str | None) -> str | None:
    return None if currency is None else f"{currency.upper()}, fixed at signup"


def _finding(finding: Body) -> str:
    return f"{finding['severity']}: {typed(finding['message'])}"
