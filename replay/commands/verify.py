"""Check that the log is what was written, and the read models what the log says.

    bl verify
    bl verify --log
    bl verify --against 2026-11.checkpoint
    bl verify --against 2026-11.checkpoint --signed-by acme.pub
    bl verify --projections -O json

--log walks the whole hash chain: a changed, missing, added, moved or doubled row shows, and
the first bad position is named. --against compares with a checkpoint kept outside the
database: without one, nobody can tell that the end of the log was cut off, or that all of
it was written anew. --projections folds every read model anew and compares row for row.
Where one differs, the row, its field, and both values are named; bl projections rebuild
makes it anew. Without an option both are checked. Where times show that the database's
clock had gone back, that is noted (clock_regression) and changes no exit code. Exit 0 if
all is well, 3 if the log is damaged, 1 if a read model differs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from ledger.verify import Verification
from ledger.verify import verify as verify_log
from replay.arguments.options import Reporting, UsageError
from replay.ledgers import connected, database
from replay.pack.keeping import kept_checkpoint
from replay.rebuild.differences import Compared
from replay.rebuild.drift import compare
from replay.rebuild.drift_words import drift_findings, drift_said
from replay.report.output import write
from replay.report.progress import progress
from replay.report.report import Column, Record, Report
from replay.report.stamp import Stamp
from replay.report.stamping import stamp_of

COLUMNS = (
    Column("check", "check", fixed=True),
    Column("ok", "ok", fixed=True),
    Column("rows", "rows", fixed=True),
    Column("position", "to position", fixed=True),
    Column("detail", "found"),
)


def run(
    *,
    log: Annotated[bool, Parameter(negative="")] = False,
    projections: Annotated[bool, Parameter(negative="")] = False,
    against: Path | None = None,
    signed_by: Path | None = None,
    options: Reporting | None = None,
) -> int:
    """Verify the log, the read models, or both.

    Args:
        log: Check the log alone.
        projections: Check the read models alone.
        against: A file that bl checkpoint wrote.
        signed_by: The Ed25519 public key, in PEM, that must have signed it.
    """
    options = options or Reporting()
    if signed_by is not None and against is None:
        raise UsageError("--signed-by says who signed a checkpoint: give --against as well")
    checkpoint = None
    if against is not None:
        checkpoint = kept_checkpoint(against, signed_by=signed_by)
    both = not (log or projections)
    verified: Verification | None = None
    compared: list[Compared] = []
    with database() as conninfo:
        if log or both or checkpoint is not None:
            with progress("verify", options.progress) as tick:
                verified = asyncio.run(
                    verify_log(conninfo, against=checkpoint, progress=tick)
                )
        damaged = verified is not None and verified.fault is not None
        if (projections or both) and not damaged:
            with progress("replay", options.progress) as tick:
                compared = asyncio.run(compare(conninfo, tick, bodies=True))
        with connected(conninfo) as connection:
            write(_report(verified, compared, stamp_of(connection)), options)
    if damaged:
        return 3
    return 1 if any(one.differing for one in compared) else 0


def _report(
    verified: Verification | None,
    compared: list[Compared],
    stamp: Callable[[int], Stamp],
) -> Report:
    checks = [] if verified is None else [_log_check(verified)]
    checks += [_model_check(one) for one in compared]
    findings = _findings(verified, compared)
    ok = all(finding["severity"] != "error" for finding in findings)
    facts: dict[str, object] = {"ok": ok, "findings": findings}
    if verified is not None:
        facts["log"] = {
            "ledger": verified.ledger_id,
            "rows": verified.rows,
            "position": verified.position,
            "hash": verified.hash.hex(),
        }
    return Report(
        columns=COLUMNS, records=checks, records_name="checks", facts=facts, stamp=stamp
    )


def _log_check(verified: Verification) -> Record:
    fault = verified.fault
    noted = "".join(
        f"; clock_regression from #{each.position:,}: {each.what}"
        for each in verified.regressions
    )
    return {
        "check": "log",
        "ok": fault is None,
        "rows": verified.rows,
        "position": verified.position,
        "detail": (
            f"chain unbroken, head {verified.hash.hex()}{noted}"
            if fault is None
            else f"#{fault.position}: {fault.what}"
        ),
    }


def _model_check(one: Compared) -> Record:
    wrong = one.differences
    examples = ", ".join(
        f"{each.account} {each.object_id} ({drift_said(each)})" for each in wrong[:3]
    )
    return {
        "check": one.projection,
        "ok": not one.differing,
        "rows": one.rows,
        "position": one.position,
        "detail": f"{one.differing:,} differ: {examples}" if wrong else "as the log says",
    }


def _findings(
    verified: Verification | None, compared: list[Compared]
) -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    if verified is not None and verified.fault is not None:
        found.append(
            {
                "code": "log_damaged",
                "severity": "error",
                "message": verified.fault.what,
                "position": verified.fault.position,
            }
        )
    found += [
        {
            "code": "clock_regression",
            "severity": "warning",
            "message": each.what,
            "position": each.position,
        }
        for each in (() if verified is None else verified.regressions)
    ]
    return found + drift_findings(compared)
