"""What the operator has decided of prices and failed payments, as the log has it.

Read from the log itself and not from a read model, so that a decision is compared with the
one before it even while nothing projects.
"""

from __future__ import annotations

import asyncio
import secrets
import sys
from collections.abc import Callable
from typing import Final

from ledger.database import Role
from ledger.events import CATALOGUE, TOPIC_OF, CatalogueEvent, Command, PolicySet, TermsSet
from ledger.log import Selection
from ledger.postgres import PostgresLog
from projections.models import catalogue as wares
from projections.models.catalogue import Catalogue
from projections.projector.folding import fold
from projections.translation.translate import translation
from replay.arguments.options import UsageError, Watching
from replay.report.text import is_name

DECLINED: Final = 130
_DECISIONS: Final = Selection(
    stripe_types=frozenset(), topics=frozenset({TOPIC_OF[TermsSet], TOPIC_OF[PolicySet]})
)


def decided(conninfo: str) -> Catalogue:
    """Return all that operators have decided, as a catalogue without any wares."""
    return asyncio.run(_decided(conninfo))


def append(conninfo: str, event: CatalogueEvent) -> int:
    """Append *event*; return its position.

    Raises:
        NotConfiguredError: The database user may not append.
        UnavailableError: The commit is not known to have happened.
    """
    return asyncio.run(_append(conninfo, event))


def command(route: str) -> Command:
    """Return the identity of a decision made just now; no two share one."""
    return Command.identify(
        account=CATALOGUE, route=route, key=secrets.token_hex(16), fingerprint=route
    )


def confirm(what: str, options: Watching, ask: Callable[[str], str] = input) -> bool:
    """Ask on the terminal whether to append *what*; tell whether to go on.

    Raises:
        UsageError: Nobody can be asked, and ``--yes`` is not given.
    """
    if options.yes:
        return True
    if options.no_input or not sys.stdin.isatty():
        raise UsageError("this appends to the log; say --yes, or run it in a terminal")
    sys.stderr.write(f"{what}\nAppend this to the log? [y/N] ")
    sys.stderr.flush()
    return ask("").strip().lower() in {"y", "yes"}


def require_names(*names: str | None) -> None:
    """Refuse what nothing can be called by; None is nothing said.

    Raises:
        UsageError: One of *names* is empty, too long or no text.
    """
    for name in names:
        if name is not None and not is_name(name):
            raise UsageError(f"nothing goes by the name {name!r:.80}")


async def _decided(conninfo: str) -> Catalogue:
    read = translation(wares.CATALOGUE.handlers)
    async with PostgresLog.open(conninfo) as log:
        facts = [
            (fact.position, fact)
            async for batch in log.read(accounts=[CATALOGUE], only=_DECISIONS)
            for fact in read.facts(batch)
        ]
    entries = {key[1]: entry for key, entry in fold(wares.CATALOGUE, facts).items()}
    return Catalogue(entries=entries)


async def _append(conninfo: str, event: CatalogueEvent) -> int:
    async with PostgresLog.open(conninfo, Role.APPENDER) as log:
        return (await log.append([event]))[0].position
