"""What no webhook brought, fetched from Stripe's own list of events.

    since the last time, an hour of it again     the usual case
    the whole 30 days                            the first time
    longer ago                                   gone for good: only objects can be shown

An event that is in the log already is a duplicate, whoever brought it first.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping
from datetime import datetime, timedelta
from typing import Final

import attrs

from ledger.envelope import stripe_event
from ledger.events import CATALOGUE, Check, Command, Source, StripeChecked
from ledger.log import Log
from webhooks.stripe_account import StripeAccount, identify, refuse_other_mode, runs
from webhooks.stripe_client import StripeClient
from webhooks.stripe_errors import NotThereError, StripeRefusedError
from webhooks.stripe_pages import Page, pages

KEPT: Final = timedelta(days=30)
NEAR: Final = timedelta(days=25)
# Stripe lists events by when they were made, and some a little later than others.
OVERLAP: Final = timedelta(hours=1)

Tick = Callable[[int], None]
"""To be told how many events were looked at."""


@attrs.frozen(kw_only=True)
class CaughtUp:
    """What catching up came to.

    Attributes:
        since: All that Stripe did from here on was looked at.
        looked_at: Events that Stripe listed.
        appended: Those that were not in the log.
        lost_from: Since when Stripe may have done what it no longer tells; None if it
            tells of all.
        whole: Whether nothing since the last run was left out.
        position: Of the event that says so.
    """

    since: datetime
    begun_at: datetime
    looked_at: int
    appended: int
    lost_from: datetime | None
    whole: bool
    position: int


async def catch_up(
    client: StripeClient,
    log: Log,
    *,
    livemode: bool,
    clock: Callable[[], datetime],
    since: datetime | None = None,
    tick: Tick | None = None,
) -> CaughtUp:
    """Append every event of Stripe's that the log lacks.

    Args:
        since: From when on; None is where the last run ended, less an hour.

    Raises:
        StripeUnavailableError: Stripe does not answer; what was appended stays.
        StripeKeyError: The key is wrong, another account's or of the other mode, or may
            not read events.
        StripeRefusedError: This Stripe has no list of events.
    """
    begun_at = clock()
    checks = await runs(log)
    account = await identify(client, checks)
    last = reached(checks)
    oldest = begun_at - KEPT
    wished = since or (oldest if last is None else last - OVERLAP)
    start = max(wished, oldest)
    looked_at = appended = 0
    asked = {"created[gte]": str(int(start.timestamp()))}
    async for page in _events(client, asked):
        events = [
            stripe_event(each.raw, ledger_livemode=livemode, source=Source.CATCH_UP)
            for each in page.objects
        ]
        refuse_other_mode((each.livemode for each in events), livemode=livemode)
        # Oldest first, as deliveries would have come.
        receipts = await log.append(events[::-1])
        looked_at += len(events)
        appended += sum(not receipt.duplicate for receipt in receipts)
        if tick is not None:
            tick(looked_at)
    # Only what was asked from an earlier run on, or from as far back as Stripe tells, says
    # that nothing is missing.
    lost = last is not None and last < oldest
    run = CaughtUp(
        since=start,
        begun_at=begun_at,
        looked_at=looked_at,
        appended=appended,
        lost_from=last if lost else None,
        whole=start <= max(oldest, oldest if last is None else last),
        position=0,
    )
    return attrs.evolve(run, position=await _told(log, run, account, clock()))


def reached(checks: list[StripeChecked]) -> datetime | None:
    """Return up to when all of Stripe's events are known to be in the log."""
    begun = [
        each.begun_at
        for each in checks
        if each.check in (Check.CATCH_UP, Check.IMPORT) and each.ok
    ]
    return max(begun, default=None)


async def _events(client: StripeClient, asked: Mapping[str, str]) -> AsyncGenerator[Page]:
    try:
        async for page in pages(client, "events", asked):
            yield page
    except NotThereError as error:
        raise StripeRefusedError(
            f"{error}: nothing can be caught up with; bl reconcile --fix compares objects"
        ) from error


async def _told(log: Log, run: CaughtUp, account: StripeAccount, ended_at: datetime) -> int:
    counts = (("looked_at", run.looked_at), ("appended", run.appended))
    event = StripeChecked(
        command=Command.identify(
            account=CATALOGUE,
            route=Check.CATCH_UP,
            key=run.begun_at.isoformat(),
            fingerprint="",
        ),
        check=Check.CATCH_UP,
        begun_at=run.begun_at,
        ended_at=ended_at,
        ok=run.whole,
        counts=counts,
        stripe_account=account.id,
    )
    (receipt,) = await log.append([event])
    return receipt.position
