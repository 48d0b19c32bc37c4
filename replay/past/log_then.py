"""The log and all its accounts as they were, or were known, at a moment.

An account's past is folded from its events, as the read API does; so this reads the whole
log up to the position asked for.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from datetime import UTC, datetime
from typing import Final

import attrs

from ledger.clock import utc_now
from ledger.log import Head, Recorded
from ledger.postgres import PostgresLog
from projections.answer import Account, answer
from projections.api.questions import Question
from projections.assembly import OWN, as_of
from projections.models.links import Linked, is_customer
from projections.translation.translate import translation
from replay.arguments.options import UsageError
from replay.ledgers import Connection

_BEFORE_ALL: Final = datetime.min.replace(tzinfo=UTC)
FUTURE: Final = "--known-at is in the future"
BY_POSITION: Final = (
    "SELECT position, hash, recorded_at FROM ledger.log WHERE position = %s"
)


@attrs.frozen(kw_only=True)
class Then:
    """What a question is about.

    Attributes:
        head: The end of the log as it was known.
        moment: What happened later does not count; None counts all that was known.
        now: The moment at which dates are evaluated.
    """

    head: Head
    moment: datetime | None
    now: datetime


def then(connection: Connection, head: Head, asked: Question) -> Then:
    """Return what *asked* is about, in a log that ends at *head*.

    Raises:
        UsageError: known_at lies in the future.
    """
    known = head if asked.known_at is None else _known(connection, head, asked.known_at)
    if asked.known_at is None:
        now = utc_now()
    elif isinstance(asked.known_at, datetime):
        now = asked.known_at
    else:
        now = known.recorded_at or utc_now()
    return Then(head=known, moment=asked.as_of, now=asked.as_of or now)


def by_status(conninfo: str, asked: Then) -> dict[str, int]:
    """Count the customers of each status then, most first."""
    counted: Counter[str] = Counter()
    for name, recorded in asyncio.run(_streams(conninfo, asked.head.position)).items():
        linked = Linked(customer=name, product=None)
        account = as_of(linked, recorded, asked.moment)
        if is_known(account):
            counted[answer(account, asked.now).status] += 1
    return dict(counted.most_common())


def _known(connection: Connection, head: Head, known_at: int | datetime) -> Head:
    if isinstance(known_at, datetime):
        if known_at > max(utc_now(), head.recorded_at or _BEFORE_ALL):
            raise UsageError(f"{FUTURE}; leave it out to know all that the log holds")
        row = _last_by(connection, head, known_at)
    else:
        if known_at > head.position:
            raise UsageError(
                f"{FUTURE}: the log ends at {head.position}; leave it out to know all "
                "that the log holds"
            )
        row = _row(connection, known_at)
    position, digest, recorded_at = row or (0, b"", None)
    return attrs.evolve(head, position=position, hash=digest, recorded_at=recorded_at)


def _last_by(
    connection: Connection, head: Head, moment: datetime
) -> tuple[int, bytes, datetime] | None:
    """Return the last row recorded by *moment*.

    Positions are contiguous and times never decrease, so it is found by halving: some
    twenty rows of a million are looked at.
    """
    low, high = 0, head.position
    found = None
    while low < high:
        middle = (low + high + 1) // 2
        row = _row(connection, middle)
        if row is not None and row[2] <= moment:
            low, found = middle, row
        else:
            high = middle - 1
    return found


def _row(connection: Connection, position: int) -> tuple[int, bytes, datetime] | None:
    return connection.execute(BY_POSITION, (position,)).fetchone()


async def _streams(conninfo: str, until: int) -> dict[str, list[Recorded]]:
    """Return what each customer's account is made of, by position."""
    wanted = translation(fact for each in OWN for fact in each.handlers).selection
    found: defaultdict[str, list[Recorded]] = defaultdict(list)
    if not until:
        return found
    async with PostgresLog.open(conninfo) as log:
        async for batch in log.read(until=until, only=wanted):
            for recorded in batch:
                account = recorded.event.account
                if account is not None and is_customer(account):
                    found[account].append(recorded)
    return found


def is_known(account: Account) -> bool:
    """Tell whether anything was known of *account*."""
    return any(
        (
            account.histories,
            account.registers,
            account.customers,
            account.payment_methods,
            account.tax_ids,
            account.invoices,
            account.schedules,
        )
    )
