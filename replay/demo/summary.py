"""What the demo says at its end: what happened, whether it is true, where to look."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path
from zoneinfo import ZoneInfo

import attrs

from ledger.verify import Verification
from replay.demo.house import House
from replay.demo.post import Outcome
from replay.report.output import colored
from replay.report.style import Style
from replay.report.table import card_lines

SHOWN_MAX = 5


@attrs.frozen(kw_only=True)
class Result:
    """How the demo went.

    Attributes:
        statuses: How many accounts of each status the read models know.
        differing: Accounts of which the ledger says something else than the simulator.
        lag_s: How long after the last answer the read models were complete, seconds.
        example: An account worth a look, and *why*.
    """

    outcome: Outcome
    verified: Verification
    statuses: dict[str, int]
    compared: int
    differing: tuple[str, ...]
    lag_s: float
    example: str
    why: str

    @property
    def is_good(self) -> bool:
        """Whether all is as it was simulated, and proved."""
        return not (self.differing or self.outcome.unexpected or self.verified.fault)


def summary(result: Result, home: House, token: str, page: str) -> None:
    """Write the summary to stdout.

    Args:
        page: The address of the example's billing page.
    """
    is_terminal = sys.stdout.isatty()
    style = Style(
        zone=ZoneInfo("UTC"),
        width=shutil.get_terminal_size().columns if is_terminal else None,
        colored=colored(),
    )
    lines = [*card_lines(_card(result), style), "", *_next(result, home, token, page)]
    sys.stdout.writelines(f"{line}\n" for line in lines)
    sys.stdout.flush()


def _card(result: Result) -> tuple[tuple[str, object], ...]:
    outcome, verified = result.outcome, result.verified
    rate = outcome.posted / max(outcome.took_s, 1e-3)
    posted = f"{outcome.deliveries:,} deliveries, {outcome.seats:,} seat changes"
    statuses = ", ".join(f"{count:,} {name}" for name, count in result.statuses.items())
    fault = verified.fault
    card: list[tuple[str, object]] = [
        ("", "The demo, from the socket to the proof"),
        ("posted", f"{posted} in {outcome.took_s:.1f} s ({rate:,.0f}/s)"),
        ("appended", f"{outcome.appended:,}, each once and committed before its answer"),
        ("duplicates", f"{outcome.duplicates:,} recognised, nothing written"),
        ("late", f"{outcome.late:,} came hours or days late and changed no figure"),
        ("refused", f"{outcome.refused:,} of {outcome.forged:,} forged"),
        ("accounts", statuses),
        ("read models", f"complete {result.lag_s * 1000:,.0f} ms after the last answer"),
        (
            "verify",
            f"ok, {verified.rows:,} rows, head {verified.hash.hex()}"
            if fault is None
            else f"DAMAGED at #{fault.position}: {fault.what}",
        ),
        ("truth", _truth(result)),
    ]
    card += [
        ("unexpected", f"{count:,} times {what}")
        for what, count in outcome.unexpected.items()
    ]
    return tuple(card)


def _truth(result: Result) -> str:
    if not result.differing:
        return (
            f"status, period and users of all {result.compared:,} accounts are as simulated"
        )
    named = ", ".join(result.differing[:SHOWN_MAX])
    return f"{len(result.differing):,} of {result.compared:,} accounts DIFFER: {named}"


def _next(result: Result, home: House, token: str, page: str) -> list[str]:
    directory = shlex.quote(str(home.data_dir))
    example = f"{home.base}/v1/accounts/{result.example}"
    ask = '   curl -H "Authorization: Bearer $TOKEN" '
    return [
        f" Open a billing page: {result.why}",
        f"   {page}",
        "   This link holds for five minutes; the last curl below makes another.",
        "",
        " Look at it",
        f"   export LEDGER_DATA_DIR={directory} LEDGER_MODE=test",
        *_findable(),
        f"   TOKEN={token}",
        f"{ask}{home.base}/v1/status",
        f"{ask}{example}/billing",
        f'{ask}-d \'{{"admin": "u_1"}}\' {example}/page-sessions',
        "",
        f"   bl show {result.example}",
        f"   bl log {result.example} --limit 20",
        "   bl status --accounts",
        "   bl verify",
        "",
    ]


def _findable() -> list[str]:
    """Return what lets a shell find the `bl` of this environment, unless it does."""
    ours = Path(sys.executable).with_name("bl")
    if not ours.exists() or shutil.which("bl") == str(ours):
        return []
    return [f'   export PATH={shlex.quote(str(ours.parent))}:"$PATH"']
