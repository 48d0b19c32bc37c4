"""The clients, against the doors that they are for and against a server with moods."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta

import attrs
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from doors import TOKEN_KEY, settings_of
from ledger.database import Role
from ledger.postgres import PostgresLog
from ledger.problems import TOKEN_KEYS, problems
from ledger.tokens import Scope, mint
from projections.api import app as read_api
from projections.api.app import Api
from projections.client.blocking import Ledger
from projections.client.calls import pause_s
from projections.client.concurrent import AsyncLedger
from projections.client.problems import (
    FaultError,
    NotNowError,
    NotThereError,
    TokenRefusedError,
    UnreachableError,
    WrongRequestError,
)
from projections.projector import process
from projections.reading import Reader
from test_projections_api_app import HISTORY
from webhooks import app as stripe_door
from webhooks.app import Door


@attrs.frozen
class Doors:
    """Where seat intake and read API are served, and a token for both."""

    base: str
    token: str


@pytest.fixture
async def doors(ledger_database18: str) -> AsyncIterator[Doors]:
    """Both doors on one port, and a projector behind them."""
    door, stop = Door(settings_of()), asyncio.Event()
    door.token_keys.append(TOKEN_KEY)
    async with PostgresLog.open(ledger_database18, role=Role.APPENDER) as log:
        await log.append(HISTORY)
        door.open(log)
        reader = Reader(ledger_database18)
        await reader.open()
        app = web.Application(middlewares=[problems])
        app[TOKEN_KEYS] = [TOKEN_KEY]
        api = Api(reader=reader, log=log, ledger_id=log.ledger_id, mode=log.mode)
        app.add_routes([*stripe_door.routes(door), *read_api.routes(api)])
        projector = asyncio.create_task(process.run(ledger_database18, stop))
        now = datetime.now(UTC)
        token = mint(
            key=TOKEN_KEY, scopes=list(Scope), account=None, expires_at=None, now=now
        )
        async with TestServer(app) as server:
            yield Doors(str(server.make_url("/")), token)
        stop.set()
        await projector
        await reader.close()


async def test_B12_who_writes_with_a_client_reads_what_was_written(doors: Doors) -> None:
    async with AsyncLedger(doors.base, doors.token) as ledger:
        position = await ledger.assign_seat("shop-17", "u_9", actor="u_1")
        seats = await ledger.seats("shop-17")
        assert [each["user"] for each in seats["users"]] == ["u_9"]
        assert seats["meta"]["position"] >= position
        again = await ledger.release_seat("shop-17", "u_9", key="k")
        assert await ledger.release_seat("shop-17", "u_9", key="k") == again
        assert (await ledger.access("shop-17"))["access"]["level"] == "full"
        before = await ledger.billing("cus_1", known_at=1)
        assert before["meta"]["position"] == 1
        assert [each async for each in ledger.invoices("cus_1")] == []
        assert (await ledger.explain("cus_1", "status"))["figure"] == "status"

    def wait_for_answers() -> None:
        with Ledger(doors.base, doors.token) as ledger:
            ledger.set_seats("shop-17", {"u_5", "u_6"})
            seats = ledger.seats("shop-17")
            assert [each["user"] for each in seats["users"]] == ["u_5", "u_6"]
            linked = ledger.link("shop-88", "cus_3")
            assert ledger.billing("cus_3")["linked_account"] == "shop-88"
            events = ledger.events(linked - 1)
            assert [each["position"] for each in events["data"]] == [linked]
            assert ledger.dunning("cus_1")["data"] == []
            assert list(ledger.invoices("cus_1")) == []

    await asyncio.to_thread(wait_for_answers)


async def test_what_is_refused_is_an_exception_that_says_what_to_do(doors: Doors) -> None:
    async with AsyncLedger(doors.base, doors.token) as ledger:
        with pytest.raises(NotThereError):
            await ledger.access("cus_nobody")
        with pytest.raises(WrongRequestError, match="future"):
            await ledger.billing("cus_1", known_at=10**9)
        with pytest.raises(ValueError, match="zone"):
            await ledger.billing("cus_1", as_of=datetime(2026, 1, 1))  # noqa: DTZ001
    async with AsyncLedger(doors.base, "bl_forged.x") as stranger:
        with pytest.raises(TokenRefusedError) as refused:
            await stranger.access("cus_1")
    assert (refused.value.status, refused.value.slug) == (401, "invalid-token")


@attrs.define
class Moody:
    """A server that answers with what it was told to, one after the other."""

    answers: list[tuple[int, Mapping[str, str], str]]
    keys: list[str | None] = attrs.Factory(list)

    async def answer(self, request: web.Request) -> web.Response:
        self.keys.append(request.headers.get("Idempotency-Key"))
        status, headers, text = self.answers.pop(0)
        return web.Response(status=status, headers=headers, text=text)


AGAIN = (503, {"Retry-After": "0"}, '{"type": "x:problem:unavailable", "detail": "later"}')
DONE = (201, {"Ledger-Position": "7"}, '{"position": 7}')
BROKEN: tuple[int, dict[str, str], str] = (502, {}, "<html>a proxy between us</html>")


@pytest.mark.parametrize("blocking", [False, True])
async def test_what_is_refused_for_now_is_sent_again_under_the_same_key(
    *, blocking: bool
) -> None:
    moody = Moody([AGAIN, (429, {"Retry-After": "0"}, "{}"), DONE, BROKEN, *[AGAIN] * 2])
    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", moody.answer)
    async with TestServer(app) as server:
        base = str(server.make_url("/"))

        def wait_for_answers() -> None:
            with Ledger(base, "t", tries_max=3) as ledger:
                assert ledger.assign_seat("a/b", "u_1") == 7
                with pytest.raises(FaultError, match="no reason"):
                    ledger.access("a")
            with Ledger(base, "t", tries_max=2) as ledger, pytest.raises(NotNowError):
                ledger.access("a")

        if blocking:
            await asyncio.to_thread(wait_for_answers)
        else:
            async with AsyncLedger(base, "t", tries_max=3) as ledger:
                assert await ledger.assign_seat("a/b", "u_1") == 7
                with pytest.raises(FaultError, match="no reason"):
                    await ledger.access("a")
            async with AsyncLedger(base, "t", tries_max=2) as ledger:
                with pytest.raises(NotNowError, match="later"):
                    await ledger.access("a")
    assert moody.keys[0]
    assert moody.keys[:3] == [moody.keys[0]] * 3


async def test_a_ledger_that_is_not_there_is_unreachable() -> None:
    async with TestServer(web.Application()) as server:
        base = str(server.make_url("/"))
    async with AsyncLedger(base, "t", tries_max=1) as ledger:
        with pytest.raises(UnreachableError):
            await ledger.access("a")
    with Ledger(base, "t", tries_max=1) as waiting, pytest.raises(UnreachableError):
        waiting.access("a")


def test_pauses_grow_unless_the_answer_says_how_long() -> None:
    asked = [pause_s(tries, {}) for tries in (1, 2, 3, 9)]

    assert asked == [0.2, 0.4, 0.8, 10.0]
    assert pause_s(1, {"Retry-After": "3"}) == 3
    assert pause_s(2, {"Retry-After": str(timedelta(days=1))}) == 0.4


def test_both_clients_ask_and_tell_the_same_in_the_same_words() -> None:
    def methods(client: type) -> dict[str, object]:
        found = inspect.getmembers(client, inspect.isfunction)
        return {
            name: (list(inspect.signature(method).parameters), method.__doc__)
            for name, method in found
            if not name.startswith("_")
        }

    apart = {"close"}
    waiting, not_waiting = methods(Ledger), methods(AsyncLedger)
    assert waiting.keys() == not_waiting.keys()
    for name in waiting.keys() - apart:
        assert waiting[name] == not_waiting[name]


async def test_everything_that_a_product_needs_can_be_asked(doors: Doors) -> None:
    def work() -> list[object]:
        with Ledger(doors.base, doors.token) as ledger:
            position = ledger.set_seats("shop-17", ["u_1", "u_2"], key="all")
            with Ledger(doors.base, doors.token) as other:
                other.see(position)
                seen = other.seats("shop-17")["meta"]["position"] >= position
            then = datetime(2099, 1, 1, tzinfo=UTC)
            return [
                seen,
                ledger.seats_at("shop-17", then)["active"],
                ledger.period("shop-17")["account"],
                ledger.status()["position"] == position,
                [each["event"] for each in ledger.timeline("shop-17")] != [],
                ledger.movements("2099-11", "2099-11")["data"],
                ledger.page_session("shop-17", "u_1").partition("?link=")[0],
            ]

    page = f"{doors.base}billing/shop-17"
    assert await asyncio.to_thread(work) == [True, 2, "cus_1", True, True, [], page]
