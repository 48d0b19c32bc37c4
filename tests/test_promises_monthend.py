"""The promises about the end of a month, through the doors: deliveries in, ``bl`` out."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC
from pathlib import Path
from typing import Any, Final

import attrs
import pytest

from command_line import bl_in_terminal, on
from ledger.book_months import BookMonth
from ledger.clock import utc_now
from ledger.closings import closing_command
from month_ends import deliveries, take
from replay.__main__ import main
from replay.pack.closing import append, closings

APRIL: Final = "2025-04"
MAY: Final = "2025-05"
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


def test_a_seal_that_its_events_do_not_make_is_exit_1(books: Books, tmp_path: Path) -> None:
    (april,) = (each for each in closings(books.conninfo) if each.event.month == APRIL)
    command = closing_command("2025-01", "00")
    append(
        books.conninfo,
        attrs.evolve(april.event, month="2025-01", digest="00", command=command),
    )

    found = said("2025-01", "--check", file=tmp_path / "bad", code=1)

    assert not found["ok"]
    assert found["findings"][0]["code"] == "closing_differs"
