"""The demo from beginning to end, and how what the ledger says compares with the truth."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import aiohttp
import attrs

from ledger.clock import utc_now
from ledger.embedded import EmbeddedServer
from ledger.errors import UnavailableError
from ledger.keyring import signing_keys
from ledger.settings import Settings
from ledger.tokens import Scope, mint
from ledger.verify import Verification
from ledger.verify import verify as verify_log
from projections.answer import Billing
from projections.dunning.timelines import Stage
from projections.page.sessions import link
from projections.page.visits import LINK, path_of
from replay.accounts import answers
from replay.arguments.options import ProgressStyle
from replay.demo.house import House, house
from replay.demo.post import Outcome, Post
from replay.demo.summary import Result, summary
from replay.ledgers import connected
from replay.report.progress import Tick, progress
from replay.report.words import say
from replay.simulator.occurrences import Expectation
from replay.simulator.simulation import Simulation

CAUGHT_UP_S: Final = 120
POLL_S: Final = 0.1
LOOK_S: Final = 0.5


@attrs.frozen(kw_only=True)
class Wish:
    """What is to be simulated.

    Attributes:
        stays: Whether the demo stays up after its summary.
    """

    accounts: int
    months: int
    seed: int
    stays: bool


async def demonstrate(wish: Wish, style: ProgressStyle) -> bool:
    """Run the demo; tell whether the ledger says what was simulated.

    Raises:
        NotConfiguredError: PostgreSQL cannot run here.
        UnavailableError: The server went away.
    """
    begun = utc_now()
    simulation = Simulation(
        seed=wish.seed,
        accounts=wish.accounts,
        months=wish.months,
        start=_months_before(begun, wish.months),
    )
    say("bl demo: a simulated company, on a fresh ledger of its own")
    async with house() as home:
        token = _token(home.data_dir)
        post = Post(home.base, home.secret, token)
        with progress("posting", style) as tick:
            await post.post(simulation, begun, tick)
        with progress("read models", style) as tick:
            lag_s = await _caught_up(home, token, tick)
        with EmbeddedServer(home.data_dir) as server:
            with progress("verifying", style) as tick:
                verified = await verify_log(server.conninfo, progress=tick)
            told = await asyncio.to_thread(_answers, server.conninfo)
        result = _result(post.outcome, verified, told, simulation.expectations(), lag_s)
        summary(result, home, token, _page(home, result.example))
        if wish.stays:
            await _stay(home)
    say("bl demo: ended, its data directory is removed")
    return result.is_good


def _months_before(moment: datetime, months: int) -> datetime:
    years, month = divmod(moment.year * 12 + moment.month - 1 - months, 12)
    # The same day of the month, so that it ends today, with who is past due just now.
    return datetime(years, month + 1, min(moment.day, 28), tzinfo=UTC)


def _token(data_dir: Path) -> str:
    key = signing_keys(Settings(data_dir=data_dir))[0]
    scopes = [Scope.READ, Scope.AUDIT, Scope.SEATS_WRITE, Scope.PAGE]
    return mint(key=key, scopes=scopes, account=None, expires_at=None, now=utc_now())


def _page(home: House, account: str) -> str:
    """Return the address of the billing page of *account*, as the product would get it."""
    key = signing_keys(Settings(data_dir=home.data_dir))[0]
    given = link(account, "u_1", key=key, now=utc_now())
    return f"{home.base}{path_of(account)}?{LINK}={given}"


async def _caught_up(home: House, token: str, tick: Tick) -> float:
    """Wait until every read model is at the head; return how long that took, seconds."""
    loop = asyncio.get_running_loop()
    begun = loop.time()
    headers = {"Authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession(headers=headers) as session:
        while loop.time() - begun < CAUGHT_UP_S and home.is_up:
            async with session.get(f"{home.base}/v1/status") as response:
                status = await response.json()
            if response.ok:
                head, lag = status["position"], status["lag"]
                tick(head - lag, head)
                if lag == 0:
                    return loop.time() - begun
            await asyncio.sleep(POLL_S)
    raise UnavailableError("the demo's read models did not catch up; run it again")


def _answers(conninfo: str) -> list[Billing]:
    with connected(conninfo) as connection:
        return list(answers(connection, utc_now()))


def _result(
    outcome: Outcome,
    verified: Verification,
    told: list[Billing],
    expected: dict[str, Expectation],
    lag_s: float,
) -> Result:
    by_account = {billing.linked.account: billing for billing in told}
    differing = [
        account
        for account, truth in sorted(expected.items())
        if not _agrees(by_account.get(account), truth)
    ]
    example = _example(told)
    return Result(
        outcome=outcome,
        verified=verified,
        statuses=dict(Counter(billing.status for billing in told).most_common()),
        compared=len(expected),
        differing=tuple(differing),
        lag_s=lag_s,
        example=example,
        why=_why(by_account.get(example)),
    )


def _agrees(told: Billing | None, truth: Expectation) -> bool:
    """Tell whether status, quantity, period and active users are what was simulated."""
    if told is None:
        return truth.status is None and not truth.active_users
    users = told.seats.users if told.seats else frozenset()
    primary = told.primary
    period_end = primary.subscription.period_end if primary else None
    return (
        told.status == (truth.status or "none")
        and users == truth.active_users
        and period_end == truth.period_end
    )


def _example(told: list[Billing]) -> str:
    """Return the account most worth a look: one in trouble, if there is one."""
    ranked = sorted(told, key=lambda one: (_interest(one), one.linked.account))
    return ranked[0].linked.account if ranked else ""


def _interest(one: Billing) -> int:
    """Return how much there is to see, 0 being the most: a timeline that goes on."""
    timeline = one.foremost
    if timeline is not None and timeline.open:
        return list(Stage).index(timeline.stage)
    if one.status == "active":
        return len(Stage) + (timeline is None)
    return len(Stage) + 2


def _why(one: Billing | None) -> str:
    """Return why the page of *one* is worth opening."""
    timeline = None if one is None else one.foremost
    if one is None or timeline is None:
        return "an account whose payments all went through"
    if not timeline.open:
        return "an account whose failed payment was made good"
    days = (timeline.now - timeline.first_failed_at).days
    day = "day" if days == 1 else "days"
    return f"an account whose payment failed {days} {day} ago: what was tried, what follows"


async def _stay(home: House) -> None:
    """Wait for Ctrl-C, SIGTERM, or the end of the server."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    while not stopped.is_set():
        if not home.is_up:
            raise UnavailableError("the demo's server ended by itself; run the demo again")
        try:
            await asyncio.wait_for(stopped.wait(), LOOK_S)
        except TimeoutError:
            continue
