"""The billing page in Chromium: every state, wide and narrow, light and dark."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from importlib import resources
from pathlib import Path
from typing import Any, Final, Literal

import attrs
import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer
from playwright.async_api import Browser, BrowserContext, Page, async_playwright

from ledger.clock import utc_now
from ledger.database import Role
from ledger.events import Command, SeatsCounted
from ledger.postgres import PostgresLog
from page_states import STATES, happened
from projections.api.app import application
from projections.api.serving import opened as opened_api
from projections.page import assets
from projections.page.composing import composed
from projections.page.offers import Offer
from projections.page.sessions import link
from projections.page.visits import LINK, path_of
from projections.projector import process

pytestmark = pytest.mark.asyncio(loop_scope="module")

Scheme = Literal["light", "dark"]
KEY: Final = b"0123456789abcdef"
CHROMIUM: Final = "/usr/bin/chromium"
WIDTHS: Final = (360, 768, 1440)
SCHEMES: Final[tuple[Scheme, ...]] = ("light", "dark")
AXE: Final = resources.files("axe_playwright_python") / "axe.min.js"
OFFERS: Final = (
    Offer(price="p_1", name="Shop", unit_amount="9900", currency="usd", interval="month"),
    Offer(price="p_2", name="Chain", unit_amount="99000", currency="usd", interval="year"),
)


@attrs.frozen
class Window:
    """A page of the browser, and what it complained of."""

    page: Page
    complaints: list[str]

    async def violations(self, *rules: str) -> list[str]:
        """Return what axe finds wrong for those who do not see or point."""
        await self.page.evaluate(AXE.read_text())
        only = {"runOnly": list(rules)} if rules else {}
        found: dict[str, Any] = await self.page.evaluate("only => axe.run(only)", only)
        return [
            f"{each['id']}: {node['html'][:200]} {node['failureSummary']}"
            for each in found["violations"]
            for node in each["nodes"]
        ]

    async def overflows(self) -> bool:
        script = "document.documentElement.scrollWidth > window.innerWidth"
        return bool(await self.page.evaluate(script))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def chromium(skip_unless_required: Callable[[str], None]) -> AsyncIterator[Browser]:
    path = os.environ.get("LEDGER_CHROMIUM", CHROMIUM)
    if shutil.which(path) is None:
        skip_unless_required(
            f"no {path}: install Debian's chromium, or set LEDGER_CHROMIUM"
        )
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        yield browser
        await browser.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def faces() -> AsyncIterator[str]:
    """The address below which each state is shown as the page shows it."""

    async def show(request: web.Request) -> web.Response:
        state = request.match_info["state"]
        return composed(
            request,
            STATES[state],
            path=f"/states/{state}",
            token="token",
            tag="0",
            activity=happened(state),
            offers=OFFERS,
        )

    app = web.Application()
    app.router.add_get("/states/{state}", show)
    app.router.add_get(assets.ROUTE, assets.served)
    async with TestServer(app) as server:
        yield str(server.make_url("/states"))


@asynccontextmanager
async def opened(
    chromium: Browser, *, width: int, scripts: bool = True
) -> AsyncIterator[Window]:
    context: BrowserContext = await chromium.new_context(
        viewport={"width": width, "height": 900},
        java_script_enabled=scripts,
        timezone_id="UTC",
        locale="en-US",
        bypass_csp=False,
    )
    page = await context.new_page()
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("requestfailed", lambda request: complaints.append(request.url))
    yield Window(page, complaints)
    await context.close()


@pytest.mark.parametrize("state", STATES)
async def test_every_state_is_readable_for_all_and_fits_every_width(
    chromium: Browser, faces: str, state: str
) -> None:
    kept = os.environ.get("LEDGER_SCREENSHOTS")
    async with opened(chromium, width=360) as window:
        await window.page.goto(f"{faces}/{state}")
        for scheme in SCHEMES:
            await window.page.emulate_media(color_scheme=scheme)
            for width in WIDTHS:
                await window.page.set_viewport_size({"width": width, "height": 900})
                assert not await window.overflows(), f"{state} at {width}"
                if kept:
                    path = Path(kept) / f"{state}-{width}-{scheme}.png"
                    await window.page.screenshot(path=path, full_page=True)
            # In the dark only the colours are others.
            rules = ("color-contrast",) if scheme == "dark" else ()
            assert await window.violations(*rules) == []
        assert window.complaints == []


async def test_the_page_says_everything_without_scripts(
    chromium: Browser, faces: str
) -> None:
    async with opened(chromium, width=768, scripts=False) as window:
        await window.page.goto(f"{faces}/past_due")
        text = await window.page.inner_text("main")

    for said in (
        "Past due",
        "Your card has insufficient funds.",
        "Update payment method",
        "12 seats",
        "10 included",
        "2 \N{MULTIPLICATION SIGN} $8.00",
        "$92.00",
        "JT-0008",
        "fixed at signup",
        "Up to date",
    ):
        assert said in text


async def test_what_comes_first_is_first(chromium: Browser, faces: str) -> None:
    async with opened(chromium, width=360) as window:
        await window.page.goto(f"{faces}/past_due")
        headings = await window.page.locator("h1, h2").all_inner_texts()

    assert headings == [
        "Billing",
        "Your last payment failed",
        "What follows the failed payment",
        "Seats",
        "This period's total",
        "Recent invoices",
        "Payment method",
        "Billing details",
        "Scheduled changes",
        "Activity",
    ]


async def test_the_keyboard_reaches_everything_and_shows_where_it_is(
    chromium: Browser, faces: str
) -> None:
    async with opened(chromium, width=768) as window:
        await window.page.goto(f"{faces}/past_due")
        reached = []
        for _ in range(6):
            await window.page.keyboard.press("Tab")
            outline = await window.page.evaluate(
                "getComputedStyle(document.activeElement).outlineStyle"
            )
            assert outline == "solid"
            reached.append(
                await window.page.evaluate("document.activeElement.textContent.trim()")
            )

    assert reached[:4] == [
        "Skip to content",
        "Status: Past due",
        "$92.00",
        "Update payment method",
    ]


async def test_no_card_number_and_no_turned_text_is_ever_shown(
    chromium: Browser, faces: str
) -> None:
    async with opened(chromium, width=1440) as window:
        await window.page.goto(f"{faces}/hostile")
        text = await window.page.inner_text("body")
        images = await window.page.locator("img").count()

    assert "4111" not in text.replace("•••• 1111", "")
    assert not set(text) & set("\u202e\u2067")
    assert "W" * 301 not in text
    assert images == 0
    assert window.complaints == []


async def test_a_payment_made_good_stays_to_be_looked_at(
    chromium: Browser, faces: str
) -> None:
    async with opened(chromium, width=768) as window:
        page = window.page
        await page.goto(f"{faces}/cancels")
        assert not await page.is_visible("#past table")
        await page.click("#past summary")
        assert "Your card has insufficient funds." in await page.inner_text("#past table")
        assert await page.is_visible("#past svg")
        assert await window.violations() == []


# What the page's clock shows instead of the time, while a test has set it.
served_at: list[datetime] = []
AGAIN: Final = "htmx.ajax('GET', location.pathname + '/freshness', '.fresh > div')"


@attrs.frozen
class Served:
    """The read API and the page on a ledger of their own."""

    address: str
    log: PostgresLog
    conninfo: str

    def link(self, account: str) -> str:
        given = link(account, "u_1", key=KEY, now=utc_now())
        return f"{self.address}{path_of(account)}?{LINK}={given}"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def served(module_ledger18: str) -> AsyncIterator[Served]:
    async with (
        PostgresLog.open(module_ledger18, role=Role.APPENDER) as log,
        opened_api(module_ledger18) as found,
    ):
        api = attrs.evolve(found, clock=lambda: served_at[0] if served_at else utc_now())
        await log.append([counted(12)])
        await process.catch_up(module_ledger18, log)
        async with TestServer(application(api, [KEY])) as server:
            yield Served(str(server.make_url("")).rstrip("/"), log, module_ledger18)


def counted(seats: int) -> SeatsCounted:
    command = Command(id=f"cmd:{seats}", fingerprint="")
    return SeatsCounted(account="shop-17", command=command, count=seats)


async def test_a_link_opens_the_page_and_its_figures_are_explained(
    chromium: Browser, served: Served
) -> None:
    async with opened(chromium, width=768) as window:
        await window.page.goto(served.link("shop-17"))
        assert window.page.url == f"{served.address}/billing/shop-17"
        await window.page.click("#status")
        assert "figure=status" in window.page.url
        assert await window.violations() == []
        assert window.complaints == []


async def test_the_last_line_turns_stale_when_the_projector_stops_and_heals(
    chromium: Browser, served: Served
) -> None:
    line = "#freshness"
    async with opened(chromium, width=768) as window:
        page = window.page
        await page.goto(served.link("shop-17"))
        assert await page.get_attribute(line, "data-state") == "fresh"

        await served.log.append([counted(13)])
        later = utc_now() + timedelta(minutes=3)
        served_at.append(later)
        await page.evaluate(AGAIN)
        await page.wait_for_selector("#freshness[data-state=stale]")
        assert "Behind by" in await page.inner_text(line)

        await process.catch_up(served.conninfo, served.log)
        await page.evaluate(AGAIN)
        await page.wait_for_selector("#freshness[data-state=fresh]")
        served_at.clear()
        assert window.complaints == []


async def test_a_visit_that_has_ended_says_so(chromium: Browser, served: Served) -> None:
    async with opened(chromium, width=768) as window:
        await window.page.goto(served.link("shop-17"))
        await window.page.context.clear_cookies()
        await window.page.evaluate(AGAIN)
        await window.page.wait_for_selector("#freshness[data-state=stale]")
        said = await window.page.inner_text("#freshness")

    assert "This visit has ended" in said


PROMISES: Final[dict[str, tuple[str, str]]] = {
    "J02 the status is a badge": ("trial", "Trial"),
    "J03 figures carry their freshness": (
        "active",
        "Up to date just now · matches Stripe just now",
    ),
    "J03 a difference is shown": ("behind", "Differs from Stripe"),
    "J03 a comparison that found differences": ("cancels", "differed from Stripe just now"),
    "J04 seats included and in total": ("active", "12 seats 10 included"),
    "J05 each further seat is charged": (
        "active",
        "Seats Extra seats 2 \N{MULTIPLICATION SIGN} $8.00 $16.00",
    ),
    "J06 base and seats less the coupon": ("active", "\N{MINUS SIGN}$23.00 Total $92.00"),
    "J07 recent invoices": ("active", "Oct 2, 2026 JT-0008 Paid $92.00"),
    "J08 one click to the portal": ("active", "Manage billing"),
    "J10 canceled is offered a restart": ("canceled", "Start again"),
    "J10 none is offered a start": ("none", "Start a subscription"),
    "J12 a freed seat waits for the cycle": ("active", "1 is freed at the next cycle"),
    "P02 a card is shown as it is": ("active", "Visa •••• ending in 4242"),
    "P02 a debit is shown as it is": ("active", "SEPA Direct Debit •••• ending in 3000"),
    "P03 the default is marked": ("active", "4242 Default"),
    "P07 the bank's own reason": ("past_due", "Your card has insufficient funds."),
    "P08 day 7 is read-only": ("stage_paused", "Read-only since Nov 8, 2026"),
    "P09 day 30 is canceled": ("stage_canceled", "Canceled on Dec 1, 2026"),
    "P10 a payment resumes": ("stage_paused", "Pay and resume"),
    "P12 the currency is fixed": ("active", "US Dollar (USD) fixed at signup"),
    "P13 a card about to expire": ("cancels", "Expires soon, 11/2026"),
    "P14 a receipt to download again": ("active", "Receipt of invoice JT-0007"),
    "P15 the billing contact": ("active", "accounts@shop.example"),
    "P17 access until the period ends": ("cancels", "Access stays until then"),
    "B09 access and since when": ("stage_paused", "Read-only access"),
}


@pytest.fixture(scope="module")
def read() -> dict[str, str]:
    """What has been read of each state's page."""
    return {}


@pytest.mark.parametrize("promise", PROMISES)
async def test_the_page_keeps_its_promises(
    chromium: Browser, faces: str, read: dict[str, str], promise: str
) -> None:
    state, said = PROMISES[promise]
    if state not in read:
        async with opened(chromium, width=1440) as window:
            await window.page.goto(f"{faces}/{state}")
            shown = await window.page.inner_text("body")
        read[state] = " ".join(shown.replace("·", " ").split())

    assert " ".join(said.replace("·", " ").split()) in read[state]


README: Final = Path(__file__).parents[1] / "README.md"
PICTURES: Final[dict[str, tuple[str, Scheme, int]]] = {
    "past-due": ("past_due", "light", 960),
    "active": ("active", "dark", 700),
}
PICTURE_BYTES_MAX: Final = 150_000


@pytest.mark.parametrize("name", PICTURES)
async def test_the_readme_shows_the_page(chromium: Browser, faces: str, name: str) -> None:
    """With LEDGER_SCREENSHOTS=.readme, makes the pictures anew."""
    kept = os.environ.get("LEDGER_SCREENSHOTS")
    state, scheme, height = PICTURES[name]
    if kept:
        async with opened(chromium, width=1040) as window:
            await window.page.emulate_media(color_scheme=scheme)
            await window.page.set_viewport_size({"width": 1040, "height": height})
            await window.page.goto(f"{faces}/{state}")
            await window.page.screenshot(path=Path(kept) / f"{name}.png")
    picture = README.parent / ".readme" / f"{name}.png"

    assert f"(.readme/{name}.png)" in README.read_text()
    assert 0 < picture.stat().st_size <= PICTURE_BYTES_MAX


FIGURES: Final = (
    "[...document.querySelectorAll('main data')].filter(e => !e.closest('a, .plans'))"
    ".map(e => e.closest('section').getAttribute('aria-labelledby') + ' ' + e.textContent)"
)


@pytest.mark.parametrize("state", ["past_due", "cancels", "behind", "paused"])
async def test_every_amount_leads_to_its_explanation(
    chromium: Browser, faces: str, state: str
) -> None:
    async with opened(chromium, width=768) as window:
        await window.page.goto(f"{faces}/{state}")
        unexplained: list[str] = await window.page.evaluate(FIGURES)

    assert unexplained == []
