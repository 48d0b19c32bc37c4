"""The journal over the simulator's whole breadth, and told to pure functions."""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from functools import cache
from pathlib import Path
from typing import Final

import attrs
import pytest
from beancount import loader

from ledger.book_months import BookMonth, day_of, months_between
from ledger.envelope import stripe_event
from ledger.events import Event
from ledger.money import exponent
from month_ends import deliveries
from priced import account, day, invoice, line, seconds, told
from projections.account import Account
from projections.accounting.account_entries import entries
from projections.accounting.journal import Book, Entry, Kind, balances, entry
from projections.accounting.movements import UnbalancedError
from projections.assembly import OWN, assembled
from projections.everyone import Ties
from projections.facts import Fact
from projections.history import told as says
from projections.models.catalogue import CATALOGUE
from projections.models.invoices import INVOICES
from projections.models.links import Linked
from projections.models.ties import TIES
from projections.projector.folding import fold
from recordings import facts_of
from replay.sheets.double_entry import decimal, heading, texts

GIVEN_UP: Final = ("uncollectible", "payment", "recovered")
HOSTILE: Final = Entry(
    day=date(2025, 3, 1),
    kind=Kind.CHARGE,
    id='ch_1" ; rm\n  Assets:Receivable  1 USD',
    account="=2+5\x1b[31m|;\\",
    currency="kwd",
    amounts={Book.CLEARING: -1230, Book.UNINVOICED: 1230},
    evidence=1,
)
END: Final = datetime(2026, 1, 15, tzinfo=UTC)
FIRST: Final = BookMonth(2025, 1)
LAST: Final = BookMonth(2025, 12)


@cache
def facts() -> Sequence[tuple[int, Fact]]:
    bodies = deliveries(accounts=60, months=12)
    events = [stripe_event(each, ledger_livemode=False) for each in bodies]
    return [(fact.position, fact) for fact in facts_of(events)]


def told_by(placed: Sequence[tuple[int, Fact]]) -> list[Account]:
    """Return the accounts that *placed* facts make."""
    kept = {each.name: fold(each, placed) for each in (*OWN, CATALOGUE)}
    ties = Ties({key[1]: state for key, state in fold(TIES, placed).items()})
    streams = sorted({key[0] for key in kept["invoices"]})
    found = [assembled(Linked(customer=each, product=None), kept) for each in streams]
    return [attrs.evolve(each, ties=ties.of(each)) for each in found]


@cache
def accounts() -> Sequence[Account]:
    return told_by(facts())


def content(entry: Entry) -> Entry:
    """Return *entry* without which event told it."""
    return attrs.evolve(entry, evidence=0)


@cache
def journal() -> Sequence[Entry]:
    return [e for each in accounts() for e in entries(each, day_of(END, UTC), UTC)]


def open_at(moment: datetime) -> Counter[str]:
    """Return what is left to pay of the invoices that were open just before *moment*."""
    told = [
        (p, f) for p, f in facts() if f.occurred_at is not None and f.occurred_at < moment
    ]
    found: Counter[str] = Counter()
    for history in fold(INVOICES, told).values():
        now = says(history)
        if now is None or now.current.deleted or now.current.value.status != "open":
            continue
        shown = now.current.value
        found[shown.currency or ""] += shown.amount_remaining or 0
    return found


def receivable(before: date) -> dict[str, int]:
    held = balances(each for each in journal() if each.day < before)
    return {c: amount for (book, c), amount in held.items() if book is Book.RECEIVABLE}


def test_B14_receivables_are_the_open_invoices_at_every_month_end() -> None:
    for month in months_between(FIRST, LAST):
        expected = {c: amount for c, amount in open_at(month.end(UTC)).items() if amount}
        found = {c: a for c, a in receivable(month.next.first_day).items() if a}
        assert found == expected, month


def test_the_simulation_tells_nearly_every_kind_of_entry() -> None:
    kinds = Counter(each.kind for each in journal())

    assert {kind for kind in Kind if not kinds[kind]} <= {
        *(Kind.CREDIT_NOTE_VOIDED, Kind.RECOVERED, Kind.DISPUTE_LOST, Kind.CHARGE)
    }
    assert len({each.currency for each in journal()}) > 2


def test_a_customers_balance_is_what_stripe_says_but_for_gifts_by_hand() -> None:
    others = []
    for each in accounts():
        customer = each.currents(each.customers).get(each.linked.account)
        held = balances(entries(each, day_of(END, UTC), UTC))
        ours = sum(amount for (book, _), amount in held.items() if book is Book.CREDIT)
        assert customer is not None
        others += [ours - (customer.value.balance or 0)]

    # The simulator gives and takes round sums, of which no invoice tells.
    assert {each % 500 for each in others} == {0}
    assert others.count(0) > 45


def test_nothing_stays_deferred_once_its_days_are_over() -> None:
    far = day_of(datetime(2099, 1, 1, tzinfo=UTC), UTC)

    held = balances(e for each in accounts() for e in entries(each, far, UTC))

    deferred = {c: amount for (book, c), amount in held.items() if book is Book.DEFERRED}
    assert set(deferred.values()) == {0}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("books") / "books.beancount"
    head = heading("led_5f0c", "test", 48213, "UTC")
    path.write_text(head + "".join(texts([*journal(), HOSTILE])), encoding="utf-8")
    return path


def test_B14_beancount_accepts_the_journal_and_comes_to_the_same(written: Path) -> None:
    found, errors, _ = loader.load_file(str(written))

    assert errors == []
    held: Counter[tuple[str, str]] = Counter()
    for each in found:
        for posting in getattr(each, "postings", ()):
            scaled = posting.units.number.scaleb(exponent(posting.units.currency))
            held[posting.account, posting.units.currency] += int(scaled)
    assert held == {
        (str(book), currency.upper()): amount
        for (book, currency), amount in balances([*journal(), HOSTILE]).items()
    }


def test_B14_hledger_reads_the_journal_and_balances_it(written: Path) -> None:
    program = shutil.which("hledger")
    if program is None:
        assert "CI" not in os.environ, "hledger is missing"
        pytest.skip("hledger is not installed")

    checked = subprocess.run(
        [program, "-f", written, "check"], capture_output=True, text=True, check=False
    )
    balance = subprocess.run(
        [program, "-f", written, "balance", "-N", "-O", "csv", "cur:USD"],
        capture_output=True,
        text=True,
        check=True,
    )

    assert (checked.returncode, checked.stderr) == (0, "")
    ours = balances(each for each in journal() if each.currency == "usd")
    shown = {row[0]: row[1] for row in csv.reader(balance.stdout.splitlines()[1:])}
    assert shown == {
        str(book): f"{decimal(amount, 'usd')} USD"
        for (book, _), amount in ours.items()
        if amount
    }


def test_C06_the_same_journal_has_the_same_bytes() -> None:
    again = [e for each in accounts() for e in entries(each, day_of(END, UTC), UTC)]

    assert list(texts(again)) == list(texts(journal()))


def owed(
    *events: Event, until: float = 400, now: date | None = None
) -> list[tuple[str, dict[str, int]]]:
    """Return kind and amounts of each entry."""
    today = now or day_of(day(until), UTC)
    return [
        (str(each.kind), {str(book).split(":")[-1]: a for book, a in each.amounts.items()})
        for each in entries(account(events), today, UTC)
    ]


def test_a_line_is_earned_by_day_and_its_shares_come_to_it() -> None:
    bill = invoice(line("base", 10000, start=15, end=46))

    found = owed(told("invoice.finalized", bill), until=40)

    assert found == [
        ("invoice", {"Receivable": 10000, "Deferred-Revenue": -10000}),
        ("earned", {"Deferred-Revenue": 5161, "Revenue": -5161}),
        ("earned", {"Deferred-Revenue": 2903, "Revenue": -2903}),
    ]


@pytest.mark.parametrize("hours", [-12, 14])
def test_the_last_day_that_is_read_is_a_day_in_every_zone(hours: int) -> None:
    last = datetime(9998, 12, 31, 23, 59, 59, tzinfo=UTC)
    at = {"start": seconds(last), "end": seconds(last)}
    bill = invoice(line("base", 10000, period=at), created=seconds(last))
    zone = timezone(timedelta(hours=hours))

    found = entries(account([told("invoice.finalized", bill)]), date(9998, 12, 1), zone)

    assert [each.kind for each in found] == [Kind.INVOICE]


def test_tax_and_discounts_stand_apart() -> None:
    off = [{"amount": 2000, "discount": "di_1"}]
    tax = [{"amount": 1600, "tax_behavior": "exclusive"}]
    bill = invoice(line("base", 10000, discount_amounts=off, taxes=tax))

    found = owed(told("invoice.finalized", bill))

    assert found == [
        ("invoice", {"Receivable": 9600, "Tax-Payable": -1600, "Deferred-Revenue": -8000}),
        ("earned", {"Deferred-Revenue": 8000, "Discounts": 2000, "Revenue": -10000}),
    ]


def test_a_void_invoice_leaves_nothing_behind() -> None:
    bill = invoice(line("base", 3100), total=3100)
    voided = {
        **bill,
        "status": "void",
        "status_transitions": {"voided_at": seconds(day(10))},
    }

    events = [told("invoice.finalized", bill), told("invoice.voided", voided, 10)]
    found = entries(account(events), day_of(day(90), UTC), UTC)

    assert [str(each.kind) for each in found] == ["invoice", "earned", "voided"]
    assert found[1].amounts[Book.REVENUE] == -1000
    assert set(balances(found).values()) == {0}


def test_what_is_paid_after_it_was_given_up_comes_back_first() -> None:
    bill = invoice(line("base", 3100), amount_due=3100, amount_paid=0)
    lost = {**bill, "status": "uncollectible"}
    paid = {**bill, "status": "paid", "amount_paid": 3100}

    held = owed(
        told("invoice.finalized", bill),
        told("invoice.marked_uncollectible", lost, 40),
        told("invoice.paid", paid, 50),
    )

    assert [kind for kind, _ in held] == ["invoice", "earned", *GIVEN_UP]
    assert held[-2:] == [
        ("payment", {"Paid-Outside-Stripe": 3100, "Receivable": -3100}),
        ("recovered", {"Uncollectible": -3100, "Receivable": 3100}),
    ]


def test_an_entry_that_does_not_balance_is_refused() -> None:
    with pytest.raises(UnbalancedError):
        list(entry(attrs.evolve(HOSTILE, amounts={Book.RECEIVABLE: 1})))


def test_what_happens_later_changes_no_entry_of_before() -> None:
    end = BookMonth(2025, 6).end(UTC)
    past = [(p, f) for p, f in facts() if f.occurred_at is not None and f.occurred_at < end]
    before = told_by(past)

    for now in accounts():
        then = next((each for each in before if each.linked == now.linked), None)
        early = [] if then is None else entries(then, day_of(end, UTC), UTC)
        late = [e for e in entries(now, day_of(END, UTC), UTC) if e.day < end.date()]
        assert [content(e) for e in early] == [content(e) for e in late]


def test_a_refund_and_a_credit_note_are_set_off_whichever_comes_first() -> None:
    bill = invoice(line(None, 3100), amount_due=3100, amount_paid=3100, status="paid")
    paid = {"status": "succeeded", "amount": 3100, "currency": "usd", "invoice": "in_1"}
    charge = {"id": "ch_1", "object": "charge", "created": seconds(day(1)), **paid}
    note = {"id": "cn_1", "invoice": "in_1", "status": "issued", "total": 3100}

    for back, noted in ((20, 40), (40, 20), (30, 30)):
        given = {**note, "created": seconds(day(noted)), "currency": "usd"}
        refunded = {**charge, "amount_refunded": 3100, "refunded": True}
        held = balances(
            entries(
                account(
                    [
                        told("invoice.paid", {**bill, "paid_at": seconds(day(1))}, 1),
                        told("charge.succeeded", charge, 1),
                        told("charge.refunded", refunded, back),
                        told("credit_note.created", given, noted),
                    ]
                ),
                day_of(day(90), UTC),
                UTC,
            )
        )
        left = {str(book): amount for (book, _), amount in held.items() if amount}
        assert left == {"Income:Credit-Notes": 3100, "Income:Revenue": -3100}, back
