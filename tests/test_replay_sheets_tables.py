"""Exported tables as DuckDB and spreadsheets read them, whole or not at all."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import resource
import subprocess
from pathlib import Path

import duckdb
import pytest

from command_line import BL, bl_here, on
from ledger_on_disk import HOSTILE, fill
from replay.sheets.tables import SHEETS, What

TOO_SMALL_BYTES = 4096


@pytest.fixture(scope="module")
def ledger(module_ledger18: str) -> dict[str, str]:
    asyncio.run(fill(module_ledger18))
    return on(module_ledger18)


@pytest.fixture(scope="module")
def folder(ledger: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every table as Parquet."""
    folder = tmp_path_factory.mktemp("sheets")
    for what in What:
        target = folder / f"{what}.parquet"
        said = bl_here(
            "export", "--format", "parquet", "--what", what, "-o", target, env=ledger
        )
        assert said.code == 0, said.err
    return folder


def asked(folder: Path, query: str) -> list[tuple[object, ...]]:
    with duckdb.connect() as connection:
        connection.execute(f"SET file_search_path = '{folder}'")
        found: list[tuple[object, ...]] = connection.execute(query).fetchall()
    return found


def test_duckdb_finds_real_timestamps_and_whole_numbers(folder: Path) -> None:
    for what in What:
        described = asked(folder, f"DESCRIBE SELECT * FROM '{what}.parquet'")
        types = {row[0]: row[1] for row in described}
        assert list(types) == [field.name for field in SHEETS[what].fields]
        for field in SHEETS[what].fields:
            expected = {
                "number": "BIGINT",
                "text": "VARCHAR",
                "time": "TIMESTAMP WITH TIME ZONE",
                "flag": "BOOLEAN",
            }
            assert types[field.name] == expected[field.kind], (what, field)


def test_tables_agree_with_the_log_and_with_each_other(
    ledger: dict[str, str], folder: Path
) -> None:
    status = json.loads(bl_here("status", "-O", "json", env=ledger).out)
    head = status["stamp"]["position"]

    events = asked(
        folder, "SELECT count(*), max(position), min(position) FROM 'events.parquet'"
    )
    assert events == [(head, head, 1)]
    odd = asked(
        folder,
        "SELECT count(*) FROM 'invoices.parquet' AS invoice JOIN ("
        "SELECT invoice, sum(amount - discount + tax) AS total FROM 'lines.parquet' "
        "GROUP BY invoice"
        ") AS lines USING (invoice) WHERE lines.total <> invoice.total",
    )
    assert odd == [(0,)]
    lost = asked(
        folder,
        "SELECT count(*) FROM 'payments.parquet' ANTI JOIN 'accounts.parquet' "
        "USING (account)",
    )
    assert lost == [(0,)]
    listed = json.loads(bl_here("invoices", "-O", "json", env=ledger).out)["totals"]
    sums = asked(
        folder,
        "SELECT currency, sum(total) FROM 'invoices.parquet' GROUP BY 1 ORDER BY 1",
    )
    assert sums == [(each["currency"], each["total"]) for each in listed]
    seats = asked(folder, "SELECT count(*) FROM 'seats.parquet' WHERE change = 'assigned'")
    assert seats[0][0] != 0


def test_C05_no_cell_of_a_sheet_starts_a_formula(
    ledger: dict[str, str], tmp_path: Path
) -> None:
    target = tmp_path / "events.csv"

    said = bl_here("export", "--format", "csv", "-o", target, env=ledger)

    assert (said.code, said.out) == (0, "")
    rows = list(csv.DictReader(io.StringIO(target.read_text(encoding="utf-8"))))
    hostile = rows[-1]
    assert hostile["account"].startswith("'=2+5\\u001b")
    assert hostile["object_id"] == "'@SUM(A1)"
    cells = [cell for row in rows for cell in row.values()]
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in cells)
    assert rows[0]["recorded_at"].endswith("Z")


def test_parquet_tells_a_name_as_it_is(folder: Path) -> None:
    found = asked(folder, "SELECT account FROM 'events.parquet' ORDER BY position DESC")

    assert found[0] == (HOSTILE,)


@pytest.mark.parametrize("form", ["parquet", "csv", "jsonl"])
def test_a_disk_that_is_full_leaves_nothing_and_is_told_in_one_line(
    ledger: dict[str, str], tmp_path: Path, form: str
) -> None:
    done = subprocess.run(
        [*BL, "export", "--format", form, "-o", tmp_path / "log", "--progress", "none"],
        # Python would leave its compiled modules behind, cut off where the room ends.
        env=ledger | {"PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(
            resource.RLIMIT_FSIZE, (TOO_SMALL_BYTES, TOO_SMALL_BYTES)
        ),
    )

    assert done.returncode == 6, done
    assert done.stderr.startswith(b"bl: ")
    assert (done.stdout, done.stderr.count(b"\n")) == (b"", 1)
    assert list(tmp_path.iterdir()) == []


def test_every_report_can_be_a_parquet_file(ledger: dict[str, str], tmp_path: Path) -> None:
    target = tmp_path / "log.parquet"

    said = bl_here("log", "-o", target, env=ledger)

    assert said.code == 0, said.err
    assert "position" in said.err
    rows = asked(tmp_path, "SELECT position FROM 'log.parquet' ORDER BY 1")
    document = json.loads(bl_here("log", "-O", "json", env=ledger).out)
    assert [row[0] for row in rows] == [each["position"] for each in document["rows"]]


def test_C03_a_table_of_what_is_none_is_refused(ledger: dict[str, str]) -> None:
    for arguments in (["--what", "invoices"], ["--format", "csv", "--what", "nonsense"]):
        said = bl_here("export", *arguments, env=ledger)
        assert (said.code, said.out, said.err.count("\n")) == (2, "", 1), said
