"""Movements of a whole ledger, from the command line and the read API."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest
from aiohttp.test_utils import TestClient, TestServer
from beancount import loader
from rich.cells import cell_len

from command_line import bl, bl_in_terminal, on
from ledger.clock import utc_now
from ledger.tokens import mint
from month_ends import deliveries, take
from projections.accounting.movements import CELLS, Movement, Row
from projections.api.app import application
from projections.api.serving import opened
from replay.__main__ import main
from replay.commands.movements import before_import
from replay.report.bars import bars

KEY: Final = b"k" * 32
ASKED: Final = ("--from", "2025-01", "--to", "2025-08")


@pytest.fixture(scope="module")
def ledger(module_ledger18: str) -> str:
    asyncio.run(take(module_ledger18, deliveries()))
    return module_ledger18


@contextmanager
def of(conninfo: str) -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATABASE_URL", conninfo)
        yield patch


def told(conninfo: str, file: Path, *arguments: str) -> dict[str, Any]:
    """Return what the command says as JSON, from within this process."""
    with of(conninfo):
        code = main(["movements", *arguments, "-O", "json", "-o", str(file)])
    assert code == 0
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found


def test_opening_and_movements_are_the_closing_and_the_next_opening(
    ledger: str, tmp_path: Path
) -> None:
    found = told(ledger, tmp_path / "m.json", *ASKED)

    closings: dict[str, int] = {}
    kinds: Counter[str] = Counter()
    for row in found["months"]:
        moved = sum(row[kind] for kind in Movement)
        assert row["opening"] + moved == row["closing"]
        assert row["opening"] == closings.get(row["currency"], 0)
        closings[row["currency"]] = row["closing"]
        kinds.update({str(kind): row["accounts"][kind] for kind in Movement})
    assert kinds["new"] > 10
    assert kinds["expansion"]
    assert kinds["churn"]
    assert found["stamp"]["totals"] == closings


def test_B02_movements_are_told_as_they_were_and_as_they_were_known(
    ledger: str, tmp_path: Path
) -> None:
    now = told(ledger, tmp_path / "now.json", *ASKED)
    head = str(now["stamp"]["position"])

    whole = told(ledger, tmp_path / "whole.json", *ASKED, "--known-at", head)
    half = told(ledger, tmp_path / "half.json", *ASKED, "--known-at", str(int(head) // 2))
    april = told(ledger, tmp_path / "april.json", *ASKED, "--as-of", "2025-05-01")

    assert (whole["months"], whole["unpriced"]) == (now["months"], now["unpriced"])
    assert half["accounts"] < now["accounts"]
    until = [row for row in now["months"] if row["month"] < "2025-05"]
    assert [row for row in april["months"] if row["month"] < "2025-05"] == until
    assert max(row["month"] for row in april["months"]) <= "2025-05"


def test_every_cell_is_explained_by_accounts_and_events(
    ledger: str, tmp_path: Path
) -> None:
    rows = told(ledger, tmp_path / "m.json", *ASKED)["months"]
    row = max(rows, key=lambda one: one["accounts"]["expansion"])

    for cell in CELLS:
        parts = told(
            ledger,
            tmp_path / "e.json",
            *("--explain", str(cell), "--month", row["month"]),
            *("--currency", row["currency"]),
        )["parts"]
        assert sum(part["amount"] for part in parts) == row[str(cell)]
        assert len({part["account"] for part in parts}) == row["accounts"][str(cell)]
        assert all(part["evidence"] for part in parts)


def test_C06_the_same_report_twice_is_the_same_but_for_the_stamp(
    ledger: str, tmp_path: Path
) -> None:
    first, second = (told(ledger, tmp_path / f"{n}.json", *ASKED) for n in (1, 2))

    del first["stamp"], second["stamp"]
    assert first == second


@pytest.mark.parametrize(
    "arguments",
    [
        ["--from", "2025-13"],
        ["--from", "2025-08", "--to", "2025-01"],
        ["--from", "1900-01"],
        ["--explain", "growth"],
        ["--month", "2025-01"],
    ],
)
def test_what_cannot_be_asked_is_exit_2(
    ledger: str, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with of(ledger):
        assert main(["movements", *arguments]) == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("width", [60, 80, 200])
def test_C08_the_chart_is_no_wider_than_the_terminal(width: int) -> None:
    rows = [
        Row(
            month=f"2026-{month:02}",
            currency="jpy",
            amounts=dict.fromkeys(CELLS, 1000 * month),
            accounts=dict.fromkeys(CELLS, 1),
        )
        for month in range(1, 13)
    ]

    lines = bars(rows, width).splitlines()

    assert max(map(cell_len, lines)) < width
    assert len(lines) == 13
    assert lines[-1].count("█") > lines[6].count("█") > 0


def test_a_terminal_shows_the_chart(ledger: str) -> None:
    _, shown = bl_in_terminal("movements", *ASKED, env=on(ledger), columns=100)

    assert "█" in shown
    assert "reactivation" in shown
    assert "█" not in bl("movements", *ASKED, env=on(ledger)).out


async def test_the_read_api_answers_for_the_whole_ledger_only(
    ledger: str, tmp_path: Path
) -> None:
    async def get(path: str, account: str | None = None) -> tuple[int, Any]:
        token = mint(
            key=KEY, scopes=["read"], account=account, expires_at=None, now=utc_now()
        )
        sent = {"Authorization": f"Bearer {token}"}
        async with client.get(f"/v1/movements{path}", headers=sent) as reply:
            return reply.status, await reply.json()

    async with (
        opened(ledger) as api,
        TestClient(TestServer(application(api, [KEY]))) as client,
    ):
        status, body = await get("?from=2025-01&to=2025-08")
        refused = [
            (await get("?from=2025"))[0],
            (await get("?from=2025-02&to=2025-01"))[0],
            (await get("?month=2025-02"))[0],
            (await get("", account="cus_1"))[0],
        ]

    assert status == 200
    said = await asyncio.to_thread(told, ledger, tmp_path / "m.json", *ASKED)
    going = ("contraction", "churn")
    signed = [{**row, **{cell: -row[cell] for cell in going}} for row in body["data"]]
    assert signed == said["months"]
    assert all(row[cell] >= 0 for row in body["data"] for cell in going)
    for row in body["data"]:
        came = row["new"] + row["expansion"] + row["reactivation"]
        went = row["contraction"] + row["churn"]
        assert row["opening"] + came - went == row["closing"]
    assert refused == [400, 400, 400, 404]


def test_the_journal_is_exported_twice_with_the_same_bytes(
    ledger: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = [tmp_path / name for name in ("one", "two")]
    for file in files:
        with of(ledger):
            assert main(["export", "--format", "beancount", "-o", str(file)]) == 0

    assert files[0].read_bytes() == files[1].read_bytes()
    assert "entries" in capsys.readouterr().err
    entries, errors, _ = loader.load_file(str(files[0]))
    assert errors == []
    assert len(entries) > 200


def test_months_before_an_import_say_what_is_not_known_of_them() -> None:
    march = datetime(2026, 3, 1, tzinfo=UTC)
    ((label, told),) = before_import(datetime(2026, 3, 20, tzinfo=UTC), march)

    assert label == "not all known"
    assert "before the import of 2026-03-20" in told
    assert before_import(march, march) == []
    assert before_import(None, march) == []
