"""The billing page over HTTP: who gets in, and what it tells."""

from __future__ import annotations

import asyncio
import gzip
import json
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

import attrs
import psycopg
import pytest
from aiohttp import ClientResponse, DummyCookieJar
from aiohttp.test_utils import TestClient, TestServer

from ledger.database import Role
from ledger.events import Command, Event, SeatsCounted, StripeEvent
from ledger.postgres import PostgresLog
from ledger.problems import CLOCK
from ledger.tokens import mint
from projections.api.app import Api, application
from projections.facts import SubscriptionObserved
from projections.models.declaration import on, table
from projections.models.registry import PROJECTIONS
from projections.models.subscriptions import SUBSCRIPTIONS, History
from projections.projector import process
from projections.reading import Reader

NOW: Final = datetime(2099, 11, 1, 12, tzinfo=UTC)
KEY: Final = b"0123456789abcdef"
OTHER_KEY: Final = b"fedcba9876543210"
HOSTILE: Final = '</script><b onclick="x">\u202eevil ' + "A" * 10_000


def stripe(name: str, kind: str, account: str, **shown: object) -> StripeEvent:
    return StripeEvent(
        event_id=name,
        body=json.dumps({"id": name, "data": {"object": shown}}).encode(),
        account=account,
        object_id=str(shown["id"]),
        occurred_at=NOW - timedelta(hours=1),
        stripe_type=kind,
    )


def subscription(account: str, status: str = "active", plan: str = "Shop") -> StripeEvent:
    item = {
        "id": "si_1",
        "quantity": 1,
        "price": {
            "id": f"price_{account}",
            "unit_amount": 9900,
            "currency": "usd",
            "nickname": plan,
            "recurring": {"interval": "month"},
        },
        "current_period_start": int((NOW - timedelta(days=3)).timestamp()),
        "current_period_end": int((NOW + timedelta(days=27)).timestamp()),
    }
    return stripe(
        f"evt_sub_{account}_{status}",
        "customer.subscription.updated",
        account,
        id=f"sub_{account}",
        status=status,
        currency="usd",
        items={"data": [item]},
    )


def invoice(account: str, number: int, status: str = "paid", **more: object) -> StripeEvent:
    created = NOW - timedelta(days=number)
    return stripe(
        f"evt_in_{account}_{number}",
        "invoice.paid",
        account,
        id=f"in_{account}_{number}",
        number=more.pop("text", f"N-{number:04}"),
        created=int(created.timestamp()),
        status=status,
        total=9900 + number,
        amount_due=9900,
        amount_paid=9900,
        amount_remaining=0,
        currency="usd",
        **more,
    )


HISTORY: Final[list[Event]] = [
    subscription("cus_1"),
    *[invoice("cus_1", number) for number in range(60)],
    subscription("cus_evil", plan=HOSTILE),
    invoice("cus_evil", 1, text=HOSTILE, hosted_invoice_url="javascript:alert(1)"),
    SeatsCounted(
        account="cus_1",
        command=Command(id="cmd:1", fingerprint=""),
        users=("u_1", "u_2"),
        effective_at=NOW - timedelta(hours=3),
    ),
]


@attrs.define
class Visitor:
    """A browser without scripts, in front of the page."""

    client: TestClient[Any, Any]
    log: PostgresLog
    keys: list[bytes]
    conninfo: str
    now: datetime = NOW
    cookies: dict[str, str] = attrs.Factory(dict)

    async def invite(
        self,
        account: str,
        *,
        scope: str = "page",
        bound: str | None = None,
        body: dict[str, str] | None = None,
    ) -> ClientResponse:
        token = mint(
            key=self.keys[0], scopes=[scope], account=bound, expires_at=None, now=self.now
        )
        return await self.client.post(
            f"/v1/accounts/{account}/page-sessions",
            json={"admin": "u_1"} if body is None else body,
            headers={"Authorization": f"Bearer {token}"},
        )

    async def link(self, account: str) -> str:
        answer = await self.invite(account)
        assert answer.status == 201, await answer.text()
        parts = urlsplit((await answer.json())["url"])
        return f"{parts.path}?{parts.query}"

    async def get(self, path: str, **headers: str) -> ClientResponse:
        answer = await self.client.get(
            path, headers=headers, cookies=self.cookies, allow_redirects=False
        )
        for name, morsel in answer.cookies.items():
            self.cookies[name] = morsel.value
        return answer

    async def enter(self, account: str) -> str:
        answer = await self.get(await self.link(account))
        assert answer.status == 303
        return answer.headers["Location"]

    async def page(self, account: str, **headers: str) -> str:
        answer = await self.get(await self.enter(account), **headers)
        assert answer.status == 200
        return await answer.text()


@pytest.fixture
async def visitor(module_ledger18: str) -> AsyncIterator[Visitor]:
    async with PostgresLog.open(module_ledger18, role=Role.APPENDER) as log:
        if (await log.head()).position == 0:
            await log.append(HISTORY)
            await process.catch_up(module_ledger18, log)
        reader = Reader(module_ledger18)
        await reader.open()
        found: list[Visitor] = []
        keys = [KEY]

        def clock() -> datetime:
            return found[0].now

        api = Api(
            reader=reader, log=log, ledger_id=log.ledger_id, mode=log.mode, clock=clock
        )
        app = application(api, keys)
        app[CLOCK] = clock
        jar = DummyCookieJar()
        async with TestClient(TestServer(app), cookie_jar=jar) as client:
            found.append(Visitor(client, log, keys, module_ledger18))
            yield found[0]
        await reader.close()


async def test_a_link_becomes_a_cookie_and_leads_to_the_clean_address(
    visitor: Visitor,
) -> None:
    answer = await visitor.get(await visitor.link("cus_1"))

    cookie = answer.cookies["bl_page"]
    assert answer.status == 303
    assert answer.headers["Location"] == "/billing/cus_1"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert cookie["path"] == "/billing/cus_1"
    assert not cookie["secure"]
    assert 0 < int(cookie["max-age"]) <= 30 * 60


async def test_a_cookie_is_secure_where_the_browser_came_over_https(
    visitor: Visitor,
) -> None:
    answer = await visitor.get(
        await visitor.link("cus_1"), **{"X-Forwarded-Proto": "https"}
    )

    assert answer.cookies["bl_page"]["secure"]


async def test_the_page_is_kept_framed_and_told_by_nobody(visitor: Visitor) -> None:
    answer = await visitor.get(await visitor.enter("cus_1"))

    policy = answer.headers["Content-Security-Policy"]
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy


@pytest.mark.parametrize(
    "wrong",
    ["no cookie", "expired link", "expired cookie", "forged", "another account", "no key"],
)
async def test_anyone_else_gets_404(visitor: Visitor, wrong: str) -> None:
    link = await visitor.link("cus_1")
    path = link
    if wrong == "no cookie":
        path = "/billing/cus_1"
    elif wrong == "expired link":
        visitor.now += timedelta(minutes=5)
    elif wrong == "expired cookie":
        path = await visitor.enter("cus_1")
        visitor.now += timedelta(minutes=30)
    elif wrong == "forged":
        path = link[:-2] + ("AA" if not link.endswith("AA") else "BB")
    elif wrong == "another account":
        path = link.replace("/billing/cus_1", "/billing/cus_evil")
    else:
        visitor.keys[:] = [OTHER_KEY]

    answer = await visitor.get(path)

    assert answer.status == 404
    assert "bl_page" not in answer.cookies
    assert "cus_1" not in await answer.text()


async def test_a_session_of_one_account_opens_no_other(visitor: Visitor) -> None:
    await visitor.enter("cus_1")

    for path in ("", "/invoices", "/activity", "/explain?figure=total", "/freshness"):
        answer = await visitor.get(f"/billing/cus_evil{path}")
        assert answer.status == 404


async def test_a_link_is_no_cookie_and_a_cookie_no_link(visitor: Visitor) -> None:
    link = await visitor.link("cus_1")
    await visitor.get(link)
    cookie = visitor.cookies["bl_page"]

    assert (await visitor.get(f"/billing/cus_1?link={cookie}")).status == 404
    visitor.cookies["bl_page"] = link.partition("link=")[2]
    assert (await visitor.get("/billing/cus_1")).status == 404


async def test_sessions_outlive_the_signing_of_a_new_key(visitor: Visitor) -> None:
    path = await visitor.enter("cus_1")

    visitor.keys[:] = [OTHER_KEY, KEY]

    assert (await visitor.get(path)).status == 200
    assert (await visitor.get(await visitor.link("cus_1"))).status == 303


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ({"scope": "read"}, 403),
        ({"bound": "cus_2"}, 404),
        ({"body": {}}, 400),
        ({"body": {"admin": ""}}, 400),
        ({"body": {"admin": "a\u202eb"}}, 400),
        ({"body": {"admin": "u_1", "more": 1}}, 400),
        ({"body": {"admin": "x" * 5000}}, 413),
    ],
)
async def test_a_link_is_refused_where_it_must_be(
    visitor: Visitor, options: dict[str, Any], status: int
) -> None:
    assert (await visitor.invite("cus_1", **options)).status == status


async def test_the_page_tells_seats_invoices_and_activity(visitor: Visitor) -> None:
    text = await visitor.page("cus_1")

    assert re.search(r"Status: </span><bdi>Active", text)
    assert "$99.00" in text
    assert "N-0000" in text
    assert "All invoices" in text
    assert "Invoice" in text.partition("h-activity")[2]


async def test_figures_and_dates_are_written_for_the_reader(visitor: Visitor) -> None:
    path = await visitor.enter("cus_1")

    german = await (
        await visitor.get(f"{path}?tz=Asia/Tokyo", **{"Accept-Language": "de-AT,en;q=0.5"})
    ).text()

    assert "$\xa099,00" in german or "99,00\xa0$" in german
    assert 'datetime="2099-11-01T12:00:00Z" title="2099-11-01T12:00:00Z"' in german
    assert "21:00" in german


async def test_hostile_names_are_cut_isolated_and_never_markup(visitor: Visitor) -> None:
    text = await visitor.page("cus_evil")

    assert "<b onclick" not in text
    assert "\u202e" not in text
    assert "A" * 301 not in text
    assert "javascript:alert" not in text
    assert "<bdi>&lt;/script&gt;" in text


async def test_long_lists_are_paged_without_a_gap(visitor: Visitor) -> None:
    path = f"{await visitor.enter('cus_1')}/invoices"
    seen: list[str] = []
    following: str | None = path
    while following:
        text = await (await visitor.get(following)).text()
        seen += re.findall(
            r"N-\d{4}", re.sub(r"<span class=\"hidden\">.*?</span>", "", text)
        )
        more = re.search(r'href="([^"]+)" rel="next"', text)
        following = more[1] if more else None

    assert seen == [f"N-{number:04}" for number in range(60)]


@pytest.mark.parametrize("figure", ["status", "seats", "invoice&id=in_cus_1_3"])
async def test_every_figure_is_explained(visitor: Visitor, figure: str) -> None:
    path = await visitor.enter("cus_1")

    answer = await visitor.get(f"{path}/explain?figure={figure}")

    assert answer.status == 200
    assert "How it comes about" in await answer.text()


async def test_a_figure_that_is_not_there_is_404(visitor: Visitor) -> None:
    path = await visitor.enter("cus_1")

    for figure in ("", "nonsense", "dunning", "invoice&id=in_other"):
        assert (await visitor.get(f"{path}/explain?figure={figure}")).status == 404


async def test_an_account_we_never_heard_of_is_offered_a_start(visitor: Visitor) -> None:
    text = await visitor.page("shop-new")

    assert "No subscription" in text
    assert "Start a subscription" in text
    assert "This period" not in text


async def test_the_last_line_asks_for_figures_only_when_they_changed(
    visitor: Visitor,
) -> None:
    text = await visitor.page("cus_1")
    tag = re.search(r'data-tag="(\w+)"', text)
    assert tag

    same = await visitor.get(f"/billing/cus_1/freshness?seen={tag[1]}")
    other = await visitor.get("/billing/cus_1/freshness?seen=0")

    assert "HX-Trigger" not in same.headers
    assert other.headers["HX-Trigger"] == "figures-changed"
    assert 'data-state="fresh"' in await same.text()


async def test_the_page_with_all_it_needs_weighs_at_most_60_kb(visitor: Visitor) -> None:
    path = await visitor.enter("cus_1")
    seen, weight = {path}, 0
    waiting = [path]
    while waiting:
        answer = await visitor.get(waiting.pop(), **{"Accept-Encoding": "gzip"})
        body = await answer.read()
        weight += len(gzip.compress(body))
        for found in re.findall(r'(?:src|href)="(/billing/-/[^"]+)"', body.decode()):
            if found not in seen:
                seen.add(found)
                waiting.append(found)

    assert len(seen) == 5
    assert weight <= 60_000


async def test_nothing_on_the_page_is_inline_or_from_elsewhere(visitor: Visitor) -> None:
    text = await visitor.page("cus_1")

    assert not re.search(r"<script(?![^>]*src=)|<style|\sstyle=|\son\w+=", text)
    assert not re.search(r'(?:src|href|action)="(?:https?:)?//', text)


async def test_an_account_with_5000_invoices_is_shown_and_paged(visitor: Visitor) -> None:
    many = [invoice("cus_many", number) for number in range(5000)]
    await visitor.log.append([subscription("cus_many"), *many])
    await process.catch_up(visitor.conninfo, visitor.log)

    text = await visitor.page("cus_many")
    listed = await (await visitor.get("/billing/cus_many/invoices")).text()
    more = re.search(r'href="([^"]+)" rel="next"', listed)
    assert more
    second = await (await visitor.get(more[1])).text()

    assert len(text) < 40_000
    assert "N-0005" in text
    assert "N-0006" not in text
    assert "N-0049" in listed
    assert "N-0050" not in listed
    assert "N-0050" in second


async def test_a_database_that_goes_away_mid_request_is_told_and_nothing_of_it(
    visitor: Visitor, caplog: pytest.LogCaptureFixture
) -> None:
    path = await visitor.enter("cus_1")
    async with await psycopg.AsyncConnection.connect(visitor.conninfo) as connection:
        await connection.execute("LOCK TABLE read_models.bookmarks")
        asked = asyncio.create_task(visitor.get(path))
        while not asked.done():  # what is asked once more is cut off as well
            await connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE NOT granted"
            )
            await asyncio.sleep(0.01)
        answer = await asked
        text = await answer.text()

    assert answer.status == 503
    assert answer.headers["Retry-After"].isdigit()
    assert "Not just now" in text
    assert "Traceback" not in text + caplog.text
    assert 'http-equiv="refresh"' in text


def failing(_history: History, _fact: SubscriptionObserved) -> History | None:
    raise ZeroDivisionError("cannot divide")


async def test_a_parked_account_shows_what_is_known_and_that_it_stands_still(
    visitor: Visitor,
) -> None:
    await visitor.log.append([subscription("cus_parked")])
    await process.catch_up(visitor.conninfo, visitor.log)
    broken = attrs.evolve(SUBSCRIPTIONS, handlers=table(on(SubscriptionObserved, failing)))
    await visitor.log.append([subscription("cus_parked", "past_due")])
    projections = [broken if each is SUBSCRIPTIONS else each for each in PROJECTIONS]
    await process.catch_up(visitor.conninfo, visitor.log, projections)

    text = await visitor.page("cus_parked")

    assert "These figures stand still" in text
    assert 'data-state="stale"' in text
    assert re.search(r"Status: </span><bdi>Active", text)
    assert "These figures stand still" not in await visitor.page("cus_1")


async def test_who_has_a_seat_is_named_beside_the_figure(visitor: Visitor) -> None:
    path = await visitor.enter("cus_1")
    answer = await visitor.get(f"{path}/explain?figure=seats")
    text = await answer.text()

    assert "Who has a seat now" in text
    assert "u_1" in text.partition("Who has a seat now")[2].partition("</ul>")[0]
