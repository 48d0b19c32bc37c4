"""The billing page in Chromium: every state, wide and narrow, light and dark."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib import resources
from pathlib import Path
from typing import Any, Final, Literal

import attrs
import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer
from playwright.async_api import Browser, BrowserContext, Page, async_playwright

from page_states import STATES, happened
from projections.page import assets
from projections.page.composing import composed
from projections.page.offers import Offer

pytestmark = pytest.mark.asyncio(loop_scope="module")

Scheme = Literal["light", "dark"]
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

    assert reached[:3] == ["Skip to content", "Status: Past due", "Update payment method"]


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
