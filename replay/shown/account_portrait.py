"""One account, laid out to be read: its card, and its invoices as a table."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, tzinfo
from typing import Any, Final

from projections import rendering
from projections.amounts import amount
from projections.story.phrases import in_order, typed, words
from replay.asking import Asked
from replay.report.report import Column, Record, Report
from replay.report.stamp import Stamp
from replay.shown.account_card import card


def _money(key: str) -> Callable[[Record], object]:
    def said(invoice: Record) -> object:
        minor = invoice[key]
        return None if minor is None else amount(minor, invoice["currency"])

    return said


def _open(invoice: Record) -> object:
    """Return what is still to be paid: nothing of a draft, or of what was voided."""
    return _REMAINING(invoice) if invoice["status"] in OPEN else None


def _status(invoice: Record) -> object:
    return words(invoice["status"])


def _number(invoice: Record) -> object:
    return typed(invoice["number"]) or invoice["id"]


_REMAINING: Final = _money("amount_remaining")
# Nothing is owed on a draft, or on what was voided; what was written off is.
OPEN: Final = frozenset({"open", "paid", "uncollectible"})
INVOICES = (
    Column("date", "invoiced", fixed=True),
    Column("number", "invoice", words=_number, spare=4),
    Column("status", "status", fixed=True, words=_status),
    Column("total", "total", fixed=True, words=_money("total")),
    Column("amount_paid", "paid", fixed=True, spare=2, words=_money("amount_paid")),
    Column("amount_remaining", "open", fixed=True, words=_open),
    Column("credited", "credited", fixed=True, spare=3, words=_money("credited")),
    Column("due_date", "due", fixed=True, spare=1),
    *(
        Column(key, "")
        for key in (
            "id",
            "subscription",
            "amount_due",
            "refunded",
            "currency",
            "hosted_url",
            "pdf_url",
            "receipt_url",
        )
    ),
)


def account_report(asked: Asked, zone: tzinfo, stamp: Callable[[int], Stamp]) -> Report:
    """Return the account of *asked*, times in *zone*."""
    view = asked.view
    told = view.answer()
    body = rendering.billing(told)
    users = sorted(told.held.users, key=in_order)
    stale = [("stale", "a part of it is parked; this is the last known")] * view.stale
    return Report(
        columns=INVOICES,
        records=[_invoice(each) for each in body["invoices"]],
        records_name="invoices",
        facts={name: body[name] for name in body if name != "invoices"}
        | {"users": users, "events": len(asked.recorded), "meta": asked.meta},
        card=(
            ("", view.linked.account),
            *asked.clocks,
            *stale,
            *card(body, users, zone),
            ("events", _events(asked)),
        ),
        stamp=stamp,
    )


def _events(asked: Asked) -> str:
    if not asked.recorded:
        return "none"
    return f"{len(asked.recorded):,}, the last is #{asked.recorded[-1].position:,}"


def _invoice(invoice: dict[str, Any]) -> Record:
    moments = {
        name: None if invoice[name] is None else datetime.fromisoformat(invoice[name])
        for name in ("date", "due_date")
    }
    return {**invoice, **moments}
