"""Every account at the moment that a command asks about: now, or by either clock.

now                  from the read models
--as-of --known-at   from the log, some accounts at a time
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final, TypeVar

import attrs

from ledger.clock import utc_now
from projections.account import Account
from projections.answer import unpaid
from projections.dunning.timelines import Unpaid
from projections.models.declaration import Projection
from projections.models.invoices import INVOICES
from projections.models.payments import PAYMENTS
from projections.models.subscriptions import SUBSCRIPTIONS
from replay.arguments.options import Asking as Options
from replay.asking import question
from replay.everyone import Asking, everyone, need_versions
from replay.ledgers import Connection, state
from replay.past.log_then import Then, then
from replay.report.progress import progress

A = TypeVar("A")


def moment_asked(
    connection: Connection, options: Options, of: Sequence[Projection[Any]]
) -> Then:
    """Return the moment that *options* ask about; *of* is what they are asked of.

    Raises:
        UsageError: They ask for a moment that has not come.
        UnavailableError: They ask of now, and a read model is not there.
    """
    head, _ = state(connection)
    moment = then(connection, head, question(options))
    if is_now(options) and head.position:
        need_versions(connection, of)
        return attrs.evolve(moment, now=max(moment.now, head.recorded_at or utc_now()))
    return moment


def asked_of_all(
    conninfo: str, moment: Then, options: Options, asking: Asking[Sequence[A]], what: str
) -> Iterator[A]:
    """Yield what each account answers at *moment*, one after another, by name.

    Args:
        what: Names the work under way, as `replay.report.progress.progress` shows it.
    """
    chosen = attrs.evolve(asking, kept=is_now(options))
    with progress(what, options.progress) as tick:
        for (each,) in everyone(conninfo, [moment], tick, chosen):
            yield from each or ()


def clocks(moment: Then, options: Options) -> tuple[tuple[str, object], ...]:
    """Return what a report says of *moment*, first in its card; nothing for now."""
    if is_now(options):
        return ()
    said: list[tuple[str, object]] = [("as of", moment.now)]
    if options.known_at is not None:
        said += [("known up to", f"#{moment.head.position:,}")]
    return tuple(said)


def is_now(options: Options) -> bool:
    """Tell whether nothing is asked of the past."""
    return options.as_of is None and options.known_at is None


def _unpaid(account: Account, _: object) -> Sequence[tuple[str, Unpaid]]:
    return [(account.linked.account, unpaid(account))] if account.invoices else []


UNPAID: Final = Asking(ask=_unpaid, of=(SUBSCRIPTIONS, INVOICES, PAYMENTS))
"""What is unpaid of each account that has invoices."""
