"""A simulated Stripe in time: it goes on when told to, and posts what happens."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from urllib.request import Request, urlopen

import stripe
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from command_line import bl, environment
from replay.simulator.api.company import Company
from replay.simulator.api.control import Control
from replay.simulator.api.deliveries import Post
from replay.simulator.api.server import SECRET_KEY, StripeServer
from replay.simulator.shapes import Shape
from replay.simulator.simulation import Simulation

SECRET = "whsec_simulated"
START = datetime(2026, 1, 1, tzinfo=UTC)
Client = TestClient[web.Request, web.Application]
AUTHORIZED = {"Authorization": f"Bearer {SECRET_KEY}"}


def company(*, days: int) -> Company:
    life = Simulation(seed=2, accounts=6, months=4, start=START, shape=Shape.ENDIVE)
    return Company(life, now=START + timedelta(days=days))


@asynccontextmanager
async def steered(known: Company, post: Post | None = None) -> AsyncIterator[Client]:
    server = StripeServer(known)
    control = Control(server=server, post=post)
    application = server.application()
    control.add_routes(application)
    await control.tell()
    async with TestClient(TestServer(application)) as client:
        yield client


@asynccontextmanager
async def endpoint(taken: list[stripe.Event], refuse: int = 0) -> AsyncIterator[str]:
    """An endpoint that verifies what it takes, after some refusals."""
    left = [refuse]

    async def take(request: web.Request) -> web.Response:
        body = await request.read()
        header = request.headers["Stripe-Signature"]
        if left[0]:
            left[0] -= 1
            return web.Response(status=503)
        taken.append(stripe.Webhook.construct_event(body, header, SECRET))
        return web.Response()

    application = web.Application()
    application.router.add_post("/hook", take)
    async with TestServer(application) as server:
        yield str(server.make_url("/hook"))


async def ids(client: Client, path: str) -> set[str]:
    found: set[str] = set()
    after = ""
    while True:
        async with client.get(f"{path}?limit=100{after}", headers=AUTHORIZED) as response:
            page = await response.json()
        found |= {each["id"] for each in page["data"]}
        if not page["has_more"]:
            return found
        after = f"&starting_after={page['data'][-1]['id']}"


async def test_time_that_went_on_is_the_time_that_was_reached_at_once() -> None:
    gone, stood = company(days=40), company(days=55)
    async with steered(gone) as client, steered(stood) as other:
        before = await ids(client, "/v1/events")
        async with client.post("/_simulator/advance", json={"days": 15}) as response:
            assert (await response.json())["now"] == stood.now
        for path in ("/v1/events", "/v1/invoices", "/v1/charges", "/v1/customers"):
            assert await ids(client, path) == await ids(other, path), path
        assert await ids(client, "/v1/events") != before
        for shape in (Shape.ENDIVE, Shape.Y2024):
            assert (await gone.shelf(shape)).counts() == (await stood.shelf(shape)).counts()


async def test_time_does_not_go_back_nor_beyond_the_life() -> None:
    async with steered(company(days=40)) as client:
        for wish in ({"to": 1}, {"days": 400}, {"hours": 1}, {"days": "x"}):
            async with client.post("/_simulator/advance", json=wish) as response:
                assert response.status == 400
                assert "error" in await response.json()


async def test_every_event_is_delivered_but_those_that_are_dropped() -> None:
    whole: list[stripe.Event] = []
    some: list[stripe.Event] = []
    async with endpoint(whole) as url:
        known = company(days=25)
        post = Post(url=url, secret=SECRET)
        async with steered(known, post) as client:
            listed = await ids(client, "/v1/events")
            assert {event.id for event in whole} == listed
            async with client.post("/_simulator/advance", json={"days": 4}) as response:
                told = await response.json()
            assert told["posted"] == len(whole)
            assert told["given_up"] == 0
            assert {event.id for event in whole} == await ids(client, "/v1/events")
    async with endpoint(some) as url:
        post = Post(url=url, secret=SECRET, drop=0.3)
        async with steered(company(days=25), post) as client:
            heard = {event.id for event in some}
            assert heard < listed
            assert len(heard) > len(listed) / 2
            assert await ids(client, "/v1/events") == listed


async def test_faults_are_wished_for_over_http() -> None:
    async with steered(company(days=10)) as client:
        wish = {"kind": "broken", "path": "/v1/customers", "times": None}
        async with client.post("/_simulator/faults", json=wish) as response:
            assert await response.json() == {"wished": 1}
        async with client.get("/v1/customers", headers=AUTHORIZED) as response:
            assert response.status == 500
        async with client.post("/_simulator/faults", json={"kind": "rain"}) as response:
            assert response.status == 400
        async with client.delete("/_simulator/faults") as response:
            assert await response.json() == {"wished": 0}
        async with client.get("/v1/customers", headers=AUTHORIZED) as response:
            assert response.status == 200
        async with client.post("/_simulator/rate", json={"per_s": 0}) as response:
            assert response.status == 200
        async with client.get("/v1/customers", headers=AUTHORIZED) as response:
            assert response.status == 429


@contextmanager
def simulating(*arguments: str) -> Iterator[str]:
    """`bl simulate` in a process of its own; yields its address."""
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "replay", "simulate", "--port", "0", *arguments],
        stderr=subprocess.PIPE,
        env=environment(),
        text=True,
    )
    assert process.stderr is not None
    said = ""
    try:
        for line in process.stderr:
            said += line
            found = re.search(r"(http\S+)/_simulator", line)
            if found:
                yield found[1]
                break
        else:
            raise AssertionError(said)
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)
    assert process.returncode == 0


def test_bl_simulate_serves_a_company_until_it_is_interrupted() -> None:
    with simulating("--accounts", "3", "--months", "2") as base:
        request = Request(f"{base}/v1/customers", headers=AUTHORIZED)
        with urlopen(request, timeout=20) as response:
            assert len(json.load(response)["data"]) == 3
        with urlopen(f"{base}/_simulator", timeout=20) as response:
            shown = json.load(response)
        assert shown["now"] % 86400 == 0
        assert shown["end"] > shown["now"] + 80 * 86400
        assert shown["objects"]["customer"] == 3


def test_bl_simulate_refuses_what_does_not_fit_together() -> None:
    for arguments, reason in {
        ("--drop", "5"): "--deliver URL",
        ("--deliver", "nowhere"): "no http address",
        ("--deliver", "http://127.0.0.1:1"): "--secret",
        ("--drop", "101"): "--drop",
    }.items():
        said = bl("simulate", *arguments, env=environment())
        assert said.code == 2, arguments
        assert reason in said.err
