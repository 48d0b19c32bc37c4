"""What was last found when Stripe's own data was gone through, as a command shows it.

reconciled   2026-11-22 09:00  nothing differs
caught up    2026-11-22 09:10
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

import attrs
from psycopg import sql

from ledger.events import CATALOGUE, Check
from projections.models.checks import CHECKS, Checked
from projections.projector.generations import SCHEMA
from projections.projector.packing import unpacked
from projections.projector.rows import Codec
from replay.ledgers import Connection

LAST: Final = sql.SQL("SELECT object, state FROM {view} WHERE account = %s").format(
    view=sql.Identifier(SCHEMA, CHECKS.name)
)


@attrs.frozen(kw_only=True)
class Runs:
    """The last run of each kind; None where there was none."""

    reconciled: Checked | None
    caught_up_at: datetime | None
    imported_at: datetime | None = None

    @property
    def facts(self) -> dict[str, object]:
        """What `-O json` shows."""
        last = self.reconciled
        return {
            "reconciled_at": None if last is None else last.ended_at,
            "reconciled_ok": None if last is None else last.ok,
            "differing": None if last is None else len(last.differing),
            "caught_up_at": self.caught_up_at,
        }

    @property
    def card(self) -> list[tuple[str, object]]:
        """What a person reads."""
        return [
            ("reconciled", _verdict(self.reconciled)),
            ("caught up", self.caught_up_at or "never; bl catch-up asks Stripe"),
        ]


def last_runs(connection: Connection) -> Runs:
    """Return the last runs, as the read models know them."""
    decode = Codec(CHECKS).decode
    rows = connection.execute(LAST, (CATALOGUE,), binary=True)
    kept = {unpacked(name): decode(state) for name, state in rows}
    # An import catches up at its end.
    caught_up = [
        kept[each].begun_at for each in (Check.CATCH_UP, Check.IMPORT) if each in kept
    ]
    return Runs(
        reconciled=kept.get(Check.RECONCILE),
        caught_up_at=max((at for at in caught_up if at is not None), default=None),
        imported_at=kept[Check.IMPORT].begun_at if Check.IMPORT in kept else None,
    )


def _verdict(last: Checked | None) -> str:
    if last is None or last.ended_at is None:
        return "never; bl reconcile compares with what Stripe has"
    at = f"{last.ended_at:%Y-%m-%d %H:%M:%S} UTC"
    if last.ok:
        return f"{at}, nothing differs"
    number = len(last.differing)
    verb = "account differs" if number == 1 else "accounts differ"
    whose = f"{number:,} {verb}" if number else "the catalogue differs"
    return f"{at}, {whose}; bl reconcile says in what"
