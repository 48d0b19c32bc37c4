"""Invoices, what is owed and what tax there is, over all accounts and any moment."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from command_line import an_account, bl_here, bl_in_terminal, on
from ledger_on_disk import fill
from projections.billed import Billed
from projections.lines import Line, Taxed
from projections.objects import Invoice
from replay.aging import BUCKETS, owed
from replay.everyones_invoices import Invoiced
from replay.taxes import Kind, Taxes

NOON = datetime(2026, 10, 1, 12, tzinfo=UTC)
Json = dict[str, Any]


@pytest.fixture(scope="module")
def ledger(module_ledger18: str) -> dict[str, str]:
    asyncio.run(fill(module_ledger18))
    return on(module_ledger18)


def told(*arguments: str, env: dict[str, str]) -> Json:
    said = bl_here(*arguments, "-O", "json", env=env)
    assert (said.code, said.err) == (0, ""), said
    document: Json = json.loads(said.out)
    return document


def open_invoice(days: int | None, remaining: int = 100, status: str = "open") -> Invoiced:
    due = None if days is None else NOON - timedelta(days=days, hours=1)
    invoice = Invoice(
        status=status,
        created=NOON - timedelta(days=45),
        currency="usd",
        amount_remaining=remaining,
        due_date=due,
    )
    shown = Billed(id="in_1", date=NOON - timedelta(days=45), invoice=invoice, credited=0)
    return Invoiced(account="cus_1", billed=shown)


def test_invoices_now_are_those_that_the_log_tells_of(ledger: dict[str, str]) -> None:
    kept = told("invoices", env=ledger)
    known = told("invoices", "--known-at", str(kept["stamp"]["position"]), env=ledger)
    of_one = told("invoices", kept["invoices"][0]["account"], env=ledger)

    assert kept["invoices"] == known["invoices"]
    assert kept["totals"] == known["totals"]
    account = kept["invoices"][0]["account"]
    assert of_one["invoices"] == [e for e in kept["invoices"] if e["account"] == account]


def test_months_and_statuses_part_the_invoices(ledger: dict[str, str]) -> None:
    every = told("invoices", env=ledger)["invoices"]
    september = told("invoices", "--month", "2026-09", env=ledger)["invoices"]
    later = told("invoices", "--month", "2026-10", env=ledger)["invoices"]
    paid = told("invoices", "--status", "paid", "--status", "open", env=ledger)

    assert len(september) > 0
    assert {each["id"] for each in september}.isdisjoint(each["id"] for each in later)
    dated = [each["finalized_at"] or each["date"] for each in september]
    assert all("2026-09-01" <= each < "2026-10-01" for each in dated)
    assert {each["status"] for each in paid["invoices"]} <= {"paid", "open"}
    sums: Counter[str] = Counter()
    for each in paid["invoices"]:
        sums[each["currency"]] += each["total"]
    assert {each["currency"]: each["total"] for each in paid["totals"]} == sums
    assert len(every) >= len(september) + len(later)


def test_what_is_owed_adds_up_however_it_is_shown(ledger: dict[str, str]) -> None:
    for moment in ("2026-10-10", "2026-12-01"):
        rows = told("receivables", "--as-of", moment, env=ledger)
        aged = told("receivables", "--aging", "--as-of", moment, env=ledger)

        assert rows["totals"] == aged["totals"]
        for total in aged["totals"]:
            assert sum(total[name] for name in BUCKETS) == total["total"]
            mine = [r for r in aged["accounts"] if r["currency"] == total["currency"]]
            assert sum(each["total"] for each in mine) == total["total"]


@pytest.mark.parametrize(
    ("days", "bucket"),
    [
        (-10, "current"),
        (0, "current"),
        (1, "days_1_30"),
        (30, "days_1_30"),
        (31, "days_31_60"),
        (60, "days_31_60"),
        (61, "days_61_90"),
        (90, "days_61_90"),
        (91, "over_90"),
        (None, "days_31_60"),
    ],
)
def test_age_is_counted_in_whole_days_past_the_due_date(
    days: int | None, bucket: str
) -> None:
    assert [each.bucket for each in owed([open_invoice(days)], NOON)] == [bucket]


def test_what_is_paid_void_or_given_up_is_not_owed() -> None:
    invoices = [
        open_invoice(1, 0),
        open_invoice(1, status="void"),
        open_invoice(1, status="uncollectible"),
        open_invoice(1, status="draft"),
    ]

    assert list(owed(invoices, NOON)) == []


def taxed(
    rate: str,
    amount: int,
    base: int | None,
    *,
    inclusive: bool = False,
    reason: str | None = None,
) -> Taxed:
    return Taxed(rate, amount, inclusive, base, reason)


def test_taxes_are_told_apart_by_rate_reason_and_whether_they_are_included() -> None:
    taxes = Taxes()
    line = Line(id="il_1", amount=50, taxes=(taxed("txr_1", 10, 50),))
    within = taxed("txr_2", 5, None, inclusive=True)
    for invoice in (
        Invoice(status="paid", currency="eur", taxes=(taxed("txr_1", 20, 100),)),
        Invoice(status="paid", currency="eur", lines=(line,)),
        Invoice(status="paid", currency="eur", taxes=(within,)),
        Invoice(
            status="open",
            currency="eur",
            taxes=(taxed("txr_1", 0, 70, reason="reverse_charge"),),
        ),
        Invoice(status="paid", currency="eur", total=40),
    ):
        taxes.add(invoice)

    found = {kind: (sums["taxable"], sums["tax"]) for kind, sums in taxes.sums.items()}
    assert found == {
        Kind(currency="eur", rate="txr_1"): (150, 30),
        Kind(currency="eur", rate="txr_2", inclusive=True): (0, 5),
        Kind(currency="eur", rate="txr_1", reason="reverse_charge"): (70, 0),
        Kind(currency="eur", told=False): (40, 0),
    }
    assert taxes.baseless[Kind(currency="eur", rate="txr_2", inclusive=True)] == 1


def test_tax_of_a_month_is_that_of_its_invoices(ledger: dict[str, str]) -> None:
    document = told("tax", "--month", "2026-09", env=ledger)
    invoices = told("invoices", "--month", "2026-09", env=ledger)["invoices"]

    final = {e["id"] for e in invoices if e["status"] in {"open", "paid", "uncollectible"}}
    assert sum(each["invoices"] for each in document["taxes"]) >= len(final) > 0
    summed = sum(each["tax"] for each in document["taxes"])
    assert summed == sum(each["tax"] for each in document["totals"])


def test_C03_wrong_months_and_accounts_are_told_in_one_line(ledger: dict[str, str]) -> None:
    for arguments, code in [
        (["invoices", "--month", "October"], 2),
        (["invoices", "cus_unknown"], 4),
        (["tax", "--month", "2026-13"], 2),
        (["receivables", "--aging", "--known-at", "999999"], 2),
    ]:
        said = bl_here(*arguments, env=ledger)
        assert (said.code, said.out, said.err.count("\n")) == (code, "", 1), said


def test_C08_lists_fit_the_terminal(ledger: dict[str, str]) -> None:
    account = an_account(ledger)
    for columns in (80, 200):
        for command in (
            ["invoices"],
            ["receivables", "--aging"],
            ["diff", account, "2026-09-10", "2026-10-20"],
        ):
            _, shown = bl_in_terminal(
                *command,
                *("--progress", "none"),
                env=ledger | {"NO_COLOR": "1"},
                columns=columns,
            )
            lines = [line for line in shown.splitlines() if " · " not in line]
            assert max(map(len, lines)) <= columns, command


def test_C05_a_sheet_of_invoices_has_amounts_beside_a_currency(
    ledger: dict[str, str],
) -> None:
    rows = list(
        csv.DictReader(io.StringIO(bl_here("invoices", "-O", "csv", env=ledger).out))
    )

    assert rows
    for row in rows:
        assert row["currency"] in {"usd", "eur", "gbp"} or len(row["currency"]) == 3
        assert int(row["total"]) >= 0
        assert datetime.fromisoformat(row["date"]).tzinfo is not None
