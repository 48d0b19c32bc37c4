"""The promises about the end of a month, through the doors: deliveries in, ``bl`` out."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shlex
import subprocess
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import attrs
import pytest

from command_line import BL, bl_here, bl_in_terminal, on
from ledger.book_months import BookMonth
from ledger.clock import utc_now
from ledger.closings import closing_command
from ledger.database import Role
from ledger.events import Check, Command, StripeChecked
from ledger.postgres import PostgresLog
from month_ends import deliveries, take
from projections.accounting.journal import Book, Kind
from projections.projector.process import catch_up
from replay.__main__ import main
from replay.pack.closing import append, closings, figures_at

APRIL: Final = "2025-04"
MAY: Final = "2025-05"
README: Final = Path(__file__).parents[1] / "README.md"
# Some days of April whose deliveries come only when April is closed.
LATE: Final = range(1_744_329_600, 1_745_193_600)


@attrs.frozen
class Books:
    """A ledger whose deliveries of some days of April are late."""

    conninfo: str
    late: list[bytes]
    april: dict[str, Any]


def said(*arguments: str, file: Path, code: int = 0) -> dict[str, Any]:
    """Return what ``bl close`` says as JSON."""
    assert main(["close", *arguments, "-O", "json", "-o", str(file)]) == code
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found


def refused(*arguments: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """Return the exit code and the one line that says why."""
    code = main(["close", *arguments, "--no-input"])
    (line,) = capsys.readouterr().err.splitlines()
    return code, line


def books_of(figures: dict[str, Any], column: str) -> Counter[tuple[str, str]]:
    return Counter(
        {(b["account"], b["currency"]): b[column] for b in figures["books"] if b[column]}
    )


@pytest.fixture(scope="module")
def books(
    module_ledger18: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Books]:
    bodies = deliveries(accounts=10, months=6)
    late = [each for each in bodies if json.loads(each)["created"] in LATE]
    asyncio.run(take(module_ledger18, [each for each in bodies if each not in late]))
    file = tmp_path_factory.mktemp("april") / "april.json"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATABASE_URL", module_ledger18)
        yield Books(module_ledger18, late, said(APRIL, "--yes", file=file))


def test_B10_a_closed_month_is_the_same_for_ever_and_what_comes_late_adjusts_the_next(
    books: Books, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    again = said(APRIL, "--check", file=tmp_path / "again")
    assert again["ok"]
    assert again["figures"] == books.april["figures"]
    assert said(APRIL, "--yes", file=tmp_path / "twice")["closed_at"]

    asyncio.run(take(books.conninfo, books.late))

    after = said(APRIL, "--check", file=tmp_path / "after")
    assert (after["ok"], after["figures"]) == (True, books.april["figures"])
    capsys.readouterr()
    code, line = refused(APRIL, "--yes", capsys=capsys)
    assert code == 2
    assert "other figures" in line
    learnt = said(APRIL, "--adjustments", file=tmp_path / "learnt")["adjustments"]
    assert learnt
    may = said(MAY, "--yes", "--actor", "u_7", file=tmp_path / "may")["figures"]
    assert [each["now"] for each in may["adjustments"]] == [each["now"] for each in learnt]

    # What May opens with is what April was sealed with, and what was learnt since.
    carried = books_of(books.april["figures"], "closing")
    for each in may["adjustments"]:
        for sign, entry in ((1, each["now"]), (-1, each["was"])):
            for book, amount in (entry or {"amounts": {}})["amounts"].items():
                carried[book, entry["currency"]] += sign * amount
    assert {k: v for k, v in carried.items() if v} == books_of(may, "opening")
    assert said(MAY, "--check", file=tmp_path / "checked")["ok"]


def test_closed_figures_add_up_and_name_all_that_moved(books: Books) -> None:
    figures = books.april["figures"]

    for each in figures["books"]:
        assert each["opening"] + each["change"] == each["closing"]
    for column in ("opening", "change", "closing"):
        sums: Counter[str] = Counter()
        for (_, currency), amount in books_of(figures, column).items():
            sums[currency] += amount
        assert set(sums.values()) <= {0}
    owed = {each["currency"]: each["amount"] for each in figures["receivables"]}
    held = books_of(figures, "closing")
    assert {c: held["Assets:Receivable", c] for c in owed} == owed
    assert {"invoice", "payment", "earned"} <= {each["kind"] for each in figures["kinds"]}
    assert figures["movements"]


@pytest.mark.usefixtures("books")
def test_a_month_that_has_not_ended_is_not_closed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for month in (BookMonth.of(utc_now(), UTC), BookMonth.of(utc_now(), UTC).next):
        code, line = refused(str(month), "--yes", capsys=capsys)
        assert code == 2
        assert "has not ended" in line


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["2025-13"], 2),
        (["may"], 2),
        ([APRIL, "--check", "--dry-run"], 2),
        (["2025-02", "--check"], 4),
        (["2025-02", "--adjustments"], 4),
        (["2025-02"], 2),
    ],
)
@pytest.mark.usefixtures("books")
def test_what_cannot_be_closed_is_one_line(
    arguments: list[str], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert refused(*arguments, capsys=capsys)[0] == code


def test_C09_closing_wants_the_month_typed_and_a_dry_run_appends_nothing(
    books: Books, tmp_path: Path
) -> None:
    shown = said("2025-03", "--dry-run", file=tmp_path / "dry")

    code, terminal = bl_in_terminal("close", "2025-03", env=on(books.conninfo), typed="n\n")

    assert not shown["closed"]
    assert code == 130
    assert shown["digest"] in terminal
    assert main(["close", "2025-03", "--check"]) == 4


def test_C03_a_seal_that_its_events_do_not_make_is_exit_3(
    books: Books, tmp_path: Path
) -> None:
    (april,) = (each for each in closings(books.conninfo) if each.event.month == APRIL)
    command = closing_command("2025-01", "00")
    append(
        books.conninfo,
        attrs.evolve(april.event, month="2025-01", digest="00", command=command),
    )

    found = said("2025-01", "--check", file=tmp_path / "bad", code=3)

    assert not found["ok"]
    assert found["findings"][0]["code"] == "closing_differs"


def test_J03_closed_figures_are_what_stripe_billed_and_say_when_that_was_compared(
    books: Books, tmp_path: Path
) -> None:
    (april,) = (each for each in closings(books.conninfo) if each.event.month == APRIL)
    position = april.event.position
    figures = figures_at(books.conninfo, april.month, april.zone, position, [], tick)
    entered = Counter[str]()
    for each in figures.entries:
        if each.kind is Kind.INVOICE:
            entered[each.currency] += each.amounts.get(Book.RECEIVABLE, 0)

    before = said(APRIL, "--check", file=tmp_path / "before")
    asyncio.run(differing(books.conninfo))
    after = said(APRIL, "--check", file=tmp_path / "after")

    assert entered == billed_in_april()
    assert before["reconciled_at"] is None
    assert (after["reconciled_ok"], after["differing"]) == (False, 1)
    assert after["reconciled_at"] == "2026-01-01T00:01:00Z"
    assert after["figures"] == books.april["figures"]


def billed_in_april() -> Counter[str]:
    """Return the totals of the invoices that Stripe finalized then, as it last said."""
    shown: dict[str, dict[str, Any]] = {}
    for body in deliveries(accounts=10, months=6):
        told = json.loads(body)
        if told["type"].startswith("invoice.") and told["created"] not in LATE:
            shown[told["data"]["object"].get("id", "")] = told["data"]["object"]
    billed = Counter[str]()
    for each in shown.values():
        at = each.get("status_transitions", {}).get("finalized_at")
        if at and datetime.fromtimestamp(at, UTC).strftime("%Y-%m") == APRIL:
            billed[each["currency"]] += each["total"]
    return billed


async def differing(conninfo: str) -> None:
    """Let a comparison with Stripe have found that one account differs."""
    begun = datetime(2026, 1, 1, tzinfo=UTC)
    event = StripeChecked(
        command=Command.identify(account="ledger", route="r", key="k", fingerprint="f"),
        check=Check.RECONCILE,
        begun_at=begun,
        ended_at=begun + timedelta(minutes=1),
        ok=False,
        differing=("cus_1",),
    )
    async with PostgresLog.open(conninfo, Role.APPENDER) as log:
        await log.append([event])
    async with PostgresLog.open(conninfo, Role.PROJECTOR) as log:
        await catch_up(conninfo, log)


def tick(done: int, total: int, note: str = "") -> None:
    """Show nothing."""
    del done, total, note


def test_month_end_is_done_by_the_commands_of_the_readme(
    books: Books, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = README.read_text(encoding="utf-8").partition("### Month end")[2]
    steps, keys = (block.split("```")[0] for block in text.split("```\n")[1:4:2])
    commands = [line[2:] for line in (keys + steps).splitlines() if line.startswith("$ ")]
    monkeypatch.chdir(tmp_path)
    env = on(books.conninfo) | {"PATH": f"{Path(BL[0]).parent}:{os.environ['PATH']}"}
    (customer,) = set(re.findall(r"cus_\w+", steps))
    listed = bl_here("receivables", "-O", "json", env=env)
    owes = json.loads(listed.out)["invoices"][0]["account"]
    assert bl_here("checkpoint", "-o", "2026-09.checkpoint", env=env).code == 0

    for given in commands:
        wanted = given.replace("--period 2026-09-24", "").replace(customer, owes)
        wanted = re.sub(r"2026-(09|10|11)(?!\.checkpoint)", later, wanted)
        if wanted.startswith("bl "):
            done = bl_here(*shlex.split(wanted)[1:], env=env)
            assert done.code == 0, (wanted, done)
            continue
        ran = subprocess.run(["sh", "-c", wanted], env=env, capture_output=True, check=True)
        assert ("verify.py" in wanted) is ran.stdout.startswith(b"ok: 2025-03:"), ran

    assert (tmp_path / "2026-10.checkpoint").exists()
    assert (tmp_path / "books.beancount").stat().st_size


def later(found: re.Match[str]) -> str:
    """Return the month of these books that stands for one of the README."""
    return {"09": "2025-02", "10": "2025-03", "11": "2025-04"}[found[1]]
