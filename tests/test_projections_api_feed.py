"""The log as it grows: what came after a position, and server-sent events."""

from __future__ import annotations

import asyncio
import json
from typing import Any, Final

import psycopg
import pytest
from aiohttp import ClientResponse
from aiohttp.test_utils import make_mocked_request

from ledger.problems import Problem
from projections.api.feed import Feed
from projections.api.questions import Question
from test_projections_api_app import Door, door, shown

__all__ = ["door"]

STREAM: Final = {"Accept": "text/event-stream"}


async def told(answer: ClientResponse, count: int) -> list[dict[str, Any]]:
    """Read *count* events of a stream."""
    found: list[dict[str, Any]] = []
    async with asyncio.timeout(5):
        while len(found) < count:
            line = (await answer.content.readline()).decode()
            if line.startswith("data: "):
                found.append(json.loads(line.removeprefix("data: ")))
    return found


async def test_what_came_after_a_position_is_asked_for_again_and_again(door: Door) -> None:
    found: list[int] = []
    path = "/v1/events?after=2&limit=3"
    while path:
        answer = await door.get(path, scope="audit")
        body = await answer.json()
        found += [each["position"] for each in body["data"]]
        assert body["has_more"] is ("Link" in answer.headers)
        path = answer.headers.get("Link", "").partition(">")[0].removeprefix("<")

    assert found == [3, 4, 5, 6, 7, 8]
    first = await (await door.get("/v1/events?after=2&limit=3", "audit")).json()
    second = await door.get(f"/v1/events?limit=3&cursor={first['next']}", "audit")
    assert [each["position"] for each in (await second.json())["data"]] == [6, 7, 8]
    own = await door.get("/v1/events?after=0", scope="audit", account="cus_2")
    assert [each["position"] for each in (await own.json())["data"]] == [6]
    both = await door.get("/v1/events?after=1&cursor=x", scope="audit")
    assert both.status == 400


async def test_a_listener_is_told_what_comes_and_resumes_where_it_was(door: Door) -> None:
    first = await door.get("/v1/events?after=6", scope="audit", **STREAM)
    assert (first.status, first.content_type) == (200, "text/event-stream")
    assert [each["position"] for each in await told(first, 2)] == [7, 8]
    await door.append(shown("evt_9", 0, "active"))
    assert [each["id"] for each in await told(first, 1)] == ["evt_9"]
    first.close()
    await door.append(shown("evt_10", 0, "unpaid"))

    again = await door.get("/v1/events", scope="audit", Last_Event_ID="9", **STREAM)

    assert [(each["position"], each["id"]) for each in await told(again, 1)] == [
        (10, "evt_10")
    ]
    again.close()


async def test_A01_a_listener_of_one_account_hears_of_that_account_alone(
    door: Door,
) -> None:
    stream = await door.get("/v1/events?after=0", "audit", "cus_2", **STREAM)
    await door.append(
        shown("evt_theirs", 0, "active"), shown("evt_own", 0, "active", "cus_2")
    )

    assert [each["id"] for each in await told(stream, 2)] == ["evt_3", "evt_own"]
    stream.close()
    other = await door.get("/v1/events?account=cus_1", "audit", "cus_2", **STREAM)
    reader = await door.get("/v1/events", "read", **STREAM)
    assert (other.status, reader.status) == (404, 403)


async def test_listeners_are_bounded_and_hear_that_the_line_is_alive(door: Door) -> None:
    stream = await door.get("/v1/events", scope="audit", **STREAM)
    assert (await stream.content.readline()).strip() == b": 8"
    stream.close()
    wrong = await door.get("/v1/events", scope="audit", Last_Event_ID="x", **STREAM)
    assert wrong.status == 400

    async def everything() -> None:
        return None

    full = Feed(door.log, listeners_max=0)
    with pytest.raises(Problem) as refused:
        await full.send(make_mocked_request("GET", "/v1/events"), Question(), everything)
    assert (refused.value.status, refused.value.headers["Retry-After"]) == (503, "30")


async def test_a_head_request_asks_for_a_head_and_never_listens(door: Door) -> None:
    async with asyncio.timeout(5):
        answer = await door.get("/v1/events", "audit", method="HEAD", **STREAM)

    assert (answer.status, answer.content_type) == (200, "application/json")


async def test_a_process_that_stops_lets_its_listeners_go_at_once(door: Door) -> None:
    stream = await door.get("/v1/events?after=7", "audit", **STREAM)
    assert [each["position"] for each in await told(stream, 1)] == [8]
    async with asyncio.timeout(5):
        await door.stop()
        await stream.content.read()


async def test_a_database_that_goes_away_ends_the_stream_and_says_nothing_of_it(
    door: Door,
) -> None:
    stream = await door.get("/v1/events?after=7", "audit", **STREAM)
    await told(stream, 1)
    await door.log.append([shown("evt_9", 0, "active")])
    await told(stream, 1)
    name = psycopg.conninfo.conninfo_to_dict(door.conninfo)["dbname"]
    beside = psycopg.conninfo.make_conninfo(door.conninfo, dbname="postgres")
    with psycopg.connect(beside, autocommit=True) as connection:
        connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
            (name,),
        )

    async with asyncio.timeout(5):
        rest = await stream.content.read()
    assert b"urn:" not in rest
