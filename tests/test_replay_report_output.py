from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from rich.cells import cell_len

from ledger.errors import UnavailableError
from replay.arguments.options import Format, Reporting
from replay.report.output import write
from replay.report.report import Column, Record, Report
from replay.report.stamp import Stamp
from replay.report.style import Style
from replay.report.table import card_lines, table_lines

WHEN = datetime(2026, 11, 1, 9, 30, tzinfo=UTC)
COLUMNS = (
    Column("n", "#", fixed=True),
    Column("at", "when", fixed=True, spare=1),
    Column("name", "name"),
    Column("hidden", ""),
)
RECORDS: list[Record] = [
    {"n": 48213, "at": WHEN, "name": "Café", "hidden": True},
    {"n": 7, "at": None, "name": "=1+1", "hidden": None},
]


def stamp(rows: int) -> Stamp:
    return Stamp(
        ledger="led_1",
        mode="test",
        position=48213,
        hash=bytes(32),
        projections={"seats": 1},
        run_at=WHEN,
        rows=rows,
        totals={"amount": 900, "eur owed": 119_69},
        arguments="bl test",
        program="1.0",
    )


def report() -> Report:
    return Report(columns=COLUMNS, records=RECORDS, facts={"ok": True}, stamp=stamp)


def written(form: Format, tmp_path: Path) -> str:
    write(report(), Reporting(form=form, file=tmp_path / "report"))
    return (tmp_path / "report").read_text(encoding="utf-8")


def test_table_is_aligned_and_ends_with_the_stamp(tmp_path: Path) -> None:
    assert written(Format.TABLE, tmp_path).splitlines() == [
        "      #  when                 name",
        " 48,213  2026-11-01 09:30:00  Café",
        "      7  -                    =1+1",
        "",
        " test · ledger led_1 · position 48,213 · 0000…0000",
        " bl test · 2 rows · amount 900 · owed EUR 119.69",
        " seats v1 · bl 1.0 · 2026-11-01T09:30:00Z",
    ]


def test_json_has_facts_records_and_stamp(tmp_path: Path) -> None:
    document = json.loads(written(Format.JSON, tmp_path))

    assert document["ok"] is True
    assert document["rows"][0] == {
        "n": 48213,
        "at": "2026-11-01T09:30:00Z",
        "name": "Café",
        "hidden": True,
    }
    assert document["stamp"]["rows"] == 2
    assert document["stamp"]["totals"] == {"amount": 900, "eur owed": 119_69}


def test_json_lines_are_one_record_each(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = written(Format.JSONL, tmp_path).splitlines()

    assert [json.loads(line)["n"] for line in lines] == [48213, 7]
    assert "position 48,213" in capsys.readouterr().err


def test_csv_has_iso_times_plain_numbers_and_no_formula(tmp_path: Path) -> None:
    rows = list(csv.reader(io.StringIO(written(Format.CSV, tmp_path))))

    assert rows == [
        ["n", "at", "name", "hidden"],
        ["48213", "2026-11-01T09:30:00Z", "Café", "true"],
        ["7", "", "'=1+1", ""],
    ]


def test_markdown_is_a_table_of_its_own(tmp_path: Path) -> None:
    assert written(Format.MD, tmp_path).splitlines()[:4] == [
        "| # | when | name |",
        "| --- | --- | --- |",
        "| 48,213 | 2026-11-01 09:30:00 | Café |",
        "| 7 |  | =1+1 |",
    ]


def test_form_follows_from_the_name_of_the_file(tmp_path: Path) -> None:
    write(report(), Reporting(file=tmp_path / "report.json"))

    assert json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))["ok"] is True


def test_report_that_fails_half_way_leaves_the_old_file_and_no_draft(
    tmp_path: Path,
) -> None:
    target = tmp_path / "report.csv"
    target.write_text("before", encoding="utf-8")

    def records() -> object:
        yield RECORDS[0]
        raise OSError(28, "No space left on device")

    broken = Report(columns=COLUMNS, records=records())  # type: ignore[arg-type]
    with pytest.raises(UnavailableError, match="No space left"):
        write(broken, Reporting(file=target))

    assert target.read_text(encoding="utf-8") == "before"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("width", [20, 40, 60, 80, 200])
def test_table_fits_the_terminal_and_keeps_its_columns_aligned(width: int) -> None:
    names = [
        "東京の会社",
        "شركة",
        "a name that is far too long for any narrow terminal",
        "é" * 9,
    ]
    table = Report(
        columns=COLUMNS, records=[{"n": 1, "at": WHEN, "name": n} for n in names]
    )

    shown = list(table_lines(table, Style(zone=ZoneInfo("UTC"), width=width)))

    assert max(map(cell_len, shown)) <= width
    starts = {
        cell_len(line[: line.index(name[0])])
        for line, name in zip(shown[1:], names, strict=True)
    }
    assert len(starts) == 1


def test_table_without_a_terminal_shortens_nothing() -> None:
    long = "x" * 300
    records = [{"n": n, "name": "short"} for n in range(600)] + [{"n": 600, "name": long}]

    shown = list(
        table_lines(Report(columns=COLUMNS, records=records), Style(zone=ZoneInfo("UTC")))
    )

    assert len(shown) == 602
    assert long in shown[-1]


def test_card_breaks_what_is_too_wide_and_loses_nothing() -> None:
    style = Style(zone=ZoneInfo("UTC"), width=30)
    digest = "0123456789abcdef" * 2

    shown = list(card_lines([("verify", f"ok, 33,143 rows, head {digest}")], style))

    assert max(map(cell_len, shown)) <= 30
    assert "".join(" ".join(shown).split()) == f"verifyok,33,143rows,head{digest}"


def test_times_of_a_table_are_in_the_zone_asked_for() -> None:
    style = Style(zone=ZoneInfo("Asia/Tokyo"))

    assert list(card_lines([("when", WHEN)], style)) == [" when  2026-11-01 18:30:00"]
