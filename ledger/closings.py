"""The closing of a month of the books: what is sealed, and by what it is known again."""

from __future__ import annotations

import attrs

from ledger.command import Command

# The account whose events are nobody's; `ledger.events` has it by name.
_CATALOGUE = "ledger:catalogue"


@attrs.frozen(kw_only=True)
class MonthClosed:
    """The figures of *month* are what the log told up to *position*, for ever.

    Attributes:
        month: Such as ``2026-05``, in *zone*.
        hash: Of the log at *position*, in hex.
        digest: SHA-256 over the figures as canonical JSON, in hex.
        totals: Control totals by name, in minor units or as counts.
        program: The release that made the figures.
    """

    command: Command
    month: str
    zone: str
    position: int
    hash: str
    digest: str
    totals: tuple[tuple[str, int], ...] = ()
    program: str = ""
    actor: str | None = None
    account: str = _CATALOGUE


def closing_command(month: str, digest: str) -> Command:
    """Return the identity of the closing of *month*: there is one, whoever asks."""
    return Command.identify(
        account=_CATALOGUE, route="close", key=month, fingerprint=digest
    )
