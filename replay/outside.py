"""What the commands share that ask Stripe: settings, the log to append to, read models."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import attrs

from ledger.clock import utc_now
from ledger.database import Role
from ledger.migrate import migrate
from ledger.postgres import PostgresLog
from ledger.settings import Mode, Settings, SettingsError, load
from projections.projector import process as projector
from replay.arguments.options import ProgressStyle
from replay.ledgers import database
from replay.report.progress import progress
from webhooks.held import Held, held
from webhooks.reconciling import Reconciliation
from webhooks.stripe_client import StripeClient

LOOK_S = 0.5


@attrs.frozen(kw_only=True)
class Outside:
    """An open ledger, and the Stripe account that its settings name."""

    settings: Settings
    conninfo: str
    log: PostgresLog
    client: StripeClient

    @property
    def livemode(self) -> bool:
        """Whether it is live data."""
        return self.settings.mode is Mode.LIVE


@contextmanager
def prepared(*, create: bool = False) -> Iterator[tuple[Settings, str]]:
    """Yield the settings, and how to connect to a ledger that is there.

    Args:
        create: Make an embedded one where there is none.

    Raises:
        NotConfiguredError: There is no key, it is of the other mode, or no ledger.
    """
    settings = load()
    StripeClient.of(settings)  # a wrong key is told before anything is started
    with database(settings, create=create) as conninfo:
        if settings.database_url is None:
            migrate(conninfo, mode=settings.mode)
        yield settings, conninfo


@asynccontextmanager
async def outside(settings: Settings, conninfo: str) -> AsyncIterator[Outside]:
    """Yield the ledger and the account, both open.

    Raises:
        NotConfiguredError: The ledger is of the other mode.
    """
    async with (
        PostgresLog.open(conninfo, Role.APPENDER, deadline_s=30) as log,
        StripeClient.of(settings) as client,
    ):
        if log.mode != settings.mode:
            raise SettingsError(
                f"LEDGER_MODE is {settings.mode}, but this ledger is of {log.mode} mode"
            )
        yield Outside(settings=settings, conninfo=conninfo, log=log, client=client)


def comparison(ready: Outside) -> Reconciliation:
    """Return a comparison of the ledger, brought up to its log, with the account."""

    async def read() -> Held:
        await projected(ready.conninfo, ProgressStyle.NONE)
        return await held(ready.conninfo)

    return Reconciliation(ready.client, ready.log, read, utc_now, livemode=ready.livemode)


async def projected(conninfo: str, style: ProgressStyle) -> None:
    """Bring the read models up to the log, whether or not others do so as well."""
    async with PostgresLog.open(conninfo, Role.PROJECTOR) as log:
        with progress("read models", style) as tick:
            head = (await log.head()).position
            work = asyncio.create_task(projector.catch_up(conninfo, log))
            begun = utc_now()
            while not (await asyncio.wait({work}, timeout=LOOK_S))[0]:
                waited = int((utc_now() - begun).total_seconds())
                tick(0, head, note=f"{head:,} positions, {waited} s")
            await work
