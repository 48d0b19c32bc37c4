"""Play Stripe: a company that has existed for years, its API and its webhooks.

    bl simulate                            its API, on http://127.0.0.1:12111
    bl simulate --port 9000 --accounts 2000 --months 36 --seed 7
    bl simulate --deliver http://127.0.0.1:8080/webhooks/stripe --drop 5

Whatever speaks to Stripe can be pointed at it; any other key is refused as Stripe does:

    export STRIPE_API_BASE=http://127.0.0.1:12111
    export STRIPE_API_KEY=sk_test_simulated

The company's life ends today at midnight UTC, and the same seed tells the same one all day.
With --deliver all its webhooks are posted first, --drop percent of them never; what the
product itself would say, such as who holds a seat, is not. Time stands still until it is
told to go on, for up to three months; what happens then is delivered, too:

    curl -d '{"days": 3}' $STRIPE_API_BASE/_simulator/advance

Things go wrong when they are wished for (too_many, broken, hang, close, cut, repeat, skip,
gone, unknown), and go well again after a DELETE:

    FAULTS=$STRIPE_API_BASE/_simulator/faults
    curl -d '{"kind": "too_many", "path": "/v1/invoices", "times": 3}' $FAULTS
    curl -d '{"per_s": 25}' $STRIPE_API_BASE/_simulator/rate
    curl -X DELETE $FAULTS
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated, Final

import attrs
from aiohttp import web
from cyclopts import Parameter
from cyclopts.validators import Number

from ledger.clock import utc_now
from ledger.errors import UnavailableError
from replay.arguments.options import ProgressStyle, UsageError, Watching
from replay.report.progress import progress
from replay.report.words import say
from replay.simulator.api.company import Company
from replay.simulator.api.control import Control
from replay.simulator.api.deliveries import Post
from replay.simulator.api.server import SECRET_KEY, StripeServer
from replay.simulator.habits import Breadth
from replay.simulator.renewals import DAY_S, months_after
from replay.simulator.shapes import Shape
from replay.simulator.simulation import Simulation

HOST: Final = "127.0.0.1"
PORT: Final = 12_111
AHEAD_MONTHS: Final = 3
_SECRETS: Final = "STRIPE_WEBHOOK_SECRETS"


@Parameter(name="*")
@attrs.frozen(kw_only=True)
class Delivering:
    """Where webhooks go."""

    deliver: Annotated[
        str | None, Parameter(help="Endpoint that its webhooks are posted to.")
    ] = None
    secret: Annotated[
        str | None,
        Parameter(help=f"What signs them; the first of {_SECRETS} if not given."),
    ] = None
    drop: Annotated[
        float,
        Parameter(
            help="Percentage of the events whose webhook is lost.",
            validator=Number(gte=0, lte=100),
        ),
    ] = 0


def run(
    *,
    port: Annotated[int, Parameter(validator=Number(gte=0, lte=65_535))] = PORT,
    accounts: Annotated[int, Parameter(validator=Number(gte=1, lte=20_000))] = 200,
    months: Annotated[int, Parameter(validator=Number(gte=1, lte=60))] = 12,
    seed: int = 1,
    delivering: Delivering | None = None,
    options: Watching | None = None,
) -> int:
    """Play Stripe until a signal ends it.

    Args:
        port: Where its API is; 0 is a free one, printed.
        accounts: Companies that sign up.
        months: How long they have lived, up to now.
        seed: The same one tells the same story.
    """
    post = _post(delivering or Delivering(), seed)
    company = _company(accounts, months, seed)
    style = (options or Watching()).progress
    asyncio.run(_play(company, post, port, style))
    return 0


def _post(wish: Delivering, seed: int) -> Post | None:
    """Return what delivers; None if nothing is to be delivered.

    Raises:
        UsageError: The options do not fit together.
    """
    if wish.deliver is None:
        if wish.secret is not None or wish.drop:
            raise UsageError("--secret and --drop need --deliver URL")
        return None
    if not wish.deliver.startswith(("http://", "https://")):
        raise UsageError(f"--deliver {wish.deliver!r} is no http address of an endpoint")
    secret = wish.secret or os.environ.get(_SECRETS, "").partition(",")[0].strip()
    if not secret:
        raise UsageError(f"--deliver needs --secret, or {_SECRETS}, to sign with")
    return Post(url=wish.deliver, secret=secret, drop=wish.drop / 100, seed=seed)


def _company(accounts: int, months: int, seed: int) -> Company:
    today = int(utc_now().timestamp()) // DAY_S * DAY_S
    start = datetime.fromtimestamp(months_after(today, -months), tz=UTC)
    simulation = Simulation(
        seed=seed,
        accounts=accounts,
        months=months + AHEAD_MONTHS,
        start=start,
        shape=Shape.ENDIVE,
        breadth=Breadth.WHOLE,
    )
    return Company(simulation, now=datetime.fromtimestamp(today, tz=UTC))


async def _play(
    company: Company, post: Post | None, port: int, style: ProgressStyle
) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    server = StripeServer(company)
    control = Control(server=server, post=post)
    async with _listening(control, port) as address:
        telling = asyncio.create_task(_tell(control, style))
        waiting = asyncio.create_task(stopped.wait())
        await asyncio.wait({telling, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if telling.done():
            telling.result()
            _announce(company, post, address)
            await waiting
        telling.cancel()
        waiting.cancel()


@asynccontextmanager
async def _listening(control: Control, port: int) -> AsyncIterator[str]:
    """Yield the address once it listens.

    Raises:
        UnavailableError: The port is not to be had.
    """
    application = control.server.application()
    control.add_routes(application)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, HOST, port).start()
        except OSError as error:
            reason = f"port {port} of {HOST} cannot be had ({error.strerror}); try another"
            raise UnavailableError(reason) from None
        yield f"http://{HOST}:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def _tell(control: Control, style: ProgressStyle) -> None:
    """Live up to now, and deliver it where it is to be delivered."""
    company = control.server.company
    start = int(company.simulation.start.timestamp())
    days = (company.now - start) // DAY_S
    label = "simulating" if control.post is None else "delivering"
    with progress(label, style) as tick:

        def reached(at: int) -> None:
            tick(min((at - start) // DAY_S, days), days)

        await control.tell(reached)


def _announce(company: Company, post: Post | None, address: str) -> None:
    counts = attrs.asdict(post.counted) if post else {}
    simulation, now = company.simulation, datetime.fromtimestamp(company.now, tz=UTC)
    say(
        f"bl simulate: ready, {simulation.accounts} companies since "
        f"{simulation.start:%Y-%m-%d}, now it is {now:%Y-%m-%d %H:%M} UTC"
    )
    say(f"    Stripe's API   STRIPE_API_BASE={address} STRIPE_API_KEY={SECRET_KEY}")
    say("    for a ledger   LEDGER_MODE=test, then bl import and bl reconcile")
    say(f"    its account    {company.account_id}, version {company.version.value}")
    say(f"    time, faults   {address}/_simulator")
    if post is not None:
        say(f"    delivered      {counts['posted']:,}, given up {counts['given_up']:,}")
