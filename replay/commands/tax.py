"""Show tax by rate and jurisdiction, as far as invoices tell.

    bl tax --month 2026-10
    bl tax
    bl tax --month 2026-10 --known-at '#48213'
    bl tax --month 2026-10 -O csv -o tax-october.csv

Of the invoices finalized in a month (in LEDGER_BOOK_ZONE) that were not voided: for each
rate the amounts it is of and what it comes to, inclusive and exclusive tax apart, reverse
charge and other reasons named. Where an invoice names no rate, or says nothing of tax,
that is a row of its own. Nothing is computed here. Credit notes carry no tax that Stripe
tells with them, so the sums are before them. Without --month all months are meant.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from projections.models.catalogue import Catalogue
from replay.accounts import catalogue_of
from replay.arguments.book_spans import month_of
from replay.arguments.options import Asking
from replay.everyones_invoices import FINAL, Books, books
from replay.ledgers import connected, database
from replay.report.money_columns import money, said
from replay.report.output import write
from replay.report.report import Closing, Column, Record, Report
from replay.report.stamping import stamp_of
from replay.taxes import Kind, Taxes, name_of

COLUMNS: Final = (
    Column("name", "tax"),
    Column("rate", "rate", usual=30, spare=3),
    Column("kind", "kind", fixed=True),
    Column("reason", "reason", spare=1),
    Column("jurisdiction", "", spare=2),
    Column("percentage", ""),
    Column("currency", ""),
    Column("invoices", "invoices", fixed=True, spare=2),
    money("taxable", "of"),
    money("tax", "tax"),
)
NOT_TOLD: Final = "not told"


def run(
    subject: str | None = None,
    /,
    *,
    month: str | None = None,
    options: Asking | None = None,
) -> int:
    """Show tax by rate.

    Args:
        subject: cus_…, or the product's own id; all accounts if not said.
        month: Only invoices finalized in this month, such as 2026-10.
    """
    options = options or Asking()
    span = None if month is None else month_of(month)
    with database() as conninfo, connected(conninfo) as connection:
        asked = books(conninfo, connection, options, subject)
        catalogue = catalogue_of(connection)
        taxes, totals = Taxes(), dict[str, int]()

        def records() -> Iterator[Record]:
            for each in asked.invoices():
                final = each.billed.invoice.status in FINAL
                if final and (span is None or span[0] <= each.at < span[1]):
                    taxes.add(each.billed.invoice)
            for kind in sorted(taxes.sums):
                yield _record(kind, taxes, catalogue, asked)

        def closing() -> Closing:
            return _closing(taxes, totals)

        write(
            Report(
                columns=COLUMNS,
                records=records(),
                records_name="taxes",
                facts={"as_of": asked.now, "month": month},
                card=(("as of", asked.now), ("month", month or "all")),
                closing=closing,
                stamp=stamp_of(connection, totals),
            ),
            options,
        )
    return 0


def _record(kind: Kind, taxes: Taxes, catalogue: Catalogue, asked: Books) -> Record:
    rate = catalogue.tax_rate(kind.rate, asked.now) if kind.rate else None
    sums = taxes.sums[kind]
    reason = kind.reason.replace("_", " ")
    return {
        "name": name_of(rate) or reason or kind.rate or NOT_TOLD,
        "rate": kind.rate or None,
        "kind": ("inclusive" if kind.inclusive else "exclusive") if kind.told else NOT_TOLD,
        "reason": kind.reason or None,
        "jurisdiction": rate and (rate.jurisdiction or rate.country),
        "percentage": rate and rate.percentage,
        "currency": kind.currency,
        "invoices": sums["invoices"],
        "taxable": None if taxes.baseless[kind] else sums["taxable"],
        "tax": sums["tax"],
    }


def _closing(taxes: Taxes, totals: dict[str, int]) -> Closing:
    apart: dict[str, dict[str, int]] = {}
    for kind, sums in taxes.sums.items():
        found = apart.setdefault(kind.currency, {"exclusive": 0, "inclusive": 0})
        found["inclusive" if kind.inclusive else "exclusive"] += sums["tax"]
    for currency, found in apart.items():
        totals[f"{currency} tax"] = sum(found.values())
    return Closing(
        facts={
            "totals": [
                {"currency": currency, **found, "tax": sum(found.values())}
                for currency, found in sorted(apart.items())
            ]
        },
        card=tuple(
            (
                currency.upper(),
                " · ".join(f"{kind} {said(tax, currency)}" for kind, tax in found.items()),
            )
            for currency, found in sorted(apart.items())
        ),
    )
