"""What every report ends with: of which ledger it is, how far, by what, and asked how."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from datetime import datetime
from importlib.metadata import version
from typing import Final

import attrs

from ledger.moments import rfc3339
from projections.amounts import amount

CURRENCY_LETTERS: Final = 3
DISTRIBUTION: Final = "billing-ledger"
ARGUMENTS: Final[ContextVar[Sequence[str]]] = ContextVar("arguments", default=())


def program_version() -> str:
    """Return the installed release."""
    return version(DISTRIBUTION)


@attrs.frozen(kw_only=True)
class Stamp:
    """Where a report stands.

    Attributes:
        position: The head of the log when the report was made.
        hash: The hash there.
        projections: Version of each read model, by name.
        rows: How many records the report has.
        totals: Sums over them by which a copy can be checked; of money in minor units,
            the name beginning with the currency.
    """

    ledger: str
    mode: str
    position: int
    hash: bytes
    projections: Mapping[str, int]
    run_at: datetime
    rows: int = 0
    totals: Mapping[str, int] = attrs.field(factory=dict)
    arguments: str = attrs.field(factory=lambda: shlex.join(("bl", *ARGUMENTS.get())))
    program: str = attrs.field(factory=program_version)

    def document(self) -> dict[str, object]:
        """Return it as JSON has it."""
        return {
            "ledger": self.ledger,
            "mode": self.mode,
            "position": self.position,
            "hash": self.hash.hex(),
            "projections": dict(self.projections),
            "program": self.program,
            "arguments": self.arguments,
            "run_at": rfc3339(self.run_at),
            "rows": self.rows,
            "totals": dict(self.totals),
        }

    def lines(self) -> list[str]:
        """Return it as a table ends with it."""
        digest = self.hash.hex()
        models = ", ".join(f"{name} v{number}" for name, number in self.projections.items())
        totals = "".join(f" · {_total(*each)}" for each in self.totals.items())
        rows = f"{self.rows:,} {'row' if self.rows == 1 else 'rows'}"
        short = f"{digest[:4]}…{digest[-4:]}"
        where = f"ledger {self.ledger} · position {self.position:,} · {short}"
        program = [models] * bool(models) + [
            f"bl {self.program}",
            rfc3339(self.run_at.replace(microsecond=0)),
        ]
        return [
            f"{self.mode} · {where}",
            f"{self.arguments} · {rows}{totals}",
            " · ".join(program),
        ]


def _total(name: str, total: int) -> str:
    """Write a sum: ``owed USD 119.69``, ``entries 638``."""
    currency, _, what = name.partition(" ")
    if len(currency) == CURRENCY_LETTERS:
        return f"{what} {amount(total, currency)}".strip()
    return f"{name} {total:,}"
