"""An existing Stripe account taken into the log, whatever happens on the way."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from ledger.clock import utc_now
from ledger.errors import UnavailableError
from ledger.events import Check, Event, StripeChecked, StripeObject
from ledger.log import Receipt
from ledger.twin import MemoryLog
from replay.simulator.api.access import ApiKey
from replay.simulator.api.faults import FaultKind
from replay.simulator.api.server import SECRET_KEY
from stripe_likeness import Side, unlike
from stripe_outside import answered, company, heard, imported, log_of, rendered, stored
from stripe_server import RunningStripe, running_stripe
from webhooks.stripe_errors import StripeKeyError, StripeUnavailableError

NARROW: Final = ApiKey(
    "rk_test_narrow", frozenset({"rak_customer_read", "rak_product_read"})
)

# Companies of two thousand whose present rests on what their past was.
WITH_A_PAST: Final = frozenset(
    {
        # Nothing to pay, or past due once more, with older invoices still open.
        *(813, 1658),
        # The last that had failed was made void.
        *(221, 1113),
        # An item that went, and a coupon of later than the period's start.
        *(998, 1427),
    }
)


@pytest.fixture(scope="module")
def server() -> Iterator[RunningStripe]:
    with running_stripe(company(30, 12), keys=(ApiKey(SECRET_KEY), NARROW)) as running:
        yield running


@pytest.fixture(autouse=True)
def well(server: RunningStripe) -> None:
    server.faults.clear()


class Dying(MemoryLog):
    """A log whose process is killed at its n-th append, before or after the commit."""

    def __init__(self, at: int, *, committed: bool) -> None:
        super().__init__("led_test", clock=utc_now)
        self.left = at
        self._committed = committed

    async def append(self, events: Sequence[Event]) -> Sequence[Receipt]:
        self.left -= 1
        if self.left == 0 and not self._committed:
            raise UnavailableError("killed")
        receipts = await super().append(events)
        if self.left == 0:
            raise UnavailableError("killed")
        return receipts


def objects(log: Sequence[Any]) -> list[tuple[str, str]]:
    return sorted(
        (each.event.kind, each.event.object_id)
        for each in log
        if isinstance(each.event, StripeObject)
    )


@pytest.mark.parametrize(
    ("accounts", "months", "only"),
    [
        (30, 12, None),
        (2000, 36, WITH_A_PAST),
        pytest.param(200, 36, None, marks=pytest.mark.slow),
        pytest.param(2000, 36, None, marks=pytest.mark.slow),
    ],
)
async def test_an_imported_company_is_what_the_ledger_that_heard_it_all_says(
    accounts: int, months: int, only: frozenset[int] | None, tmp_path: Path
) -> None:
    """Both are shown the prices and coupons, of which webhooks leave out the half."""
    with running_stripe(company(accounts, months, only=only)) as server:
        server.ready()
        late = MemoryLog("led_test", clock=utc_now)
        found = await imported(server, late, tmp_path)
        events = heard(company(accounts, months, only=only))
        heard_it = await log_of(events)
        await imported(server, heard_it, tmp_path, only=("prices", "coupons"))
    now = utc_now() + timedelta(seconds=2)

    live, then = await sides(heard_it, now), await sides(late, now)

    assert found.missing == []
    # A customer that was deleted is shown by nobody any more, but for what it bought.
    assert then.keys() <= live.keys()
    deleted = {e.account for e in events if e.stripe_type == "customer.deleted"}
    gone = {name for name, each in live.items() if each.customer in deleted}
    assert live.keys() - then.keys() <= gone
    unlikely = [
        (name, *each)
        for name in then.keys() - gone
        for each in unlike(live[name], then[name])
    ]
    assert unlikely == []


async def sides(log: MemoryLog, now: datetime) -> dict[str, Side]:
    billings = await answered(log, now)
    return {name: Side(each, rendered(each)) for name, each in billings.items()}


async def test_twice_is_once(server: RunningStripe, tmp_path: Path) -> None:
    log = MemoryLog("led_test", clock=utc_now)
    first = await imported(server, log, tmp_path)
    again = await imported(server, log, tmp_path)
    events = await stored(log)

    assert first.appended > 0
    assert again.appended == 0
    assert again.counts == first.counts
    assert len(objects(events)) == len(set(objects(events)))
    last = events[-1].event
    assert isinstance(last, StripeChecked)
    assert (last.check, last.ok) == (Check.IMPORT, True)
    assert last.stripe_account == server.company.account_id


@pytest.mark.parametrize("committed", [False, True])
async def test_a_kill_at_any_step_loses_and_doubles_nothing(
    server: RunningStripe, tmp_path: Path, *, committed: bool
) -> None:
    whole = MemoryLog("led_test", clock=utc_now)
    await imported(server, whole, tmp_path)
    wanted = objects(await stored(whole))
    log = Dying(1, committed=committed)

    for step in range(1, 60):
        log.left = 1 + step % 4
        try:
            found = await imported(server, log, tmp_path)
        except UnavailableError:
            continue
        assert found.resumed
        break
    else:
        pytest.fail("it never came to its end")

    assert objects(await stored(log)) == wanted


async def test_progress_of_a_log_that_was_put_back_does_not_count(
    server: RunningStripe, tmp_path: Path
) -> None:
    dying = Dying(7, committed=True)
    with pytest.raises(UnavailableError):
        await imported(server, dying, tmp_path)

    restored = MemoryLog("led_test", clock=utc_now)
    found = await imported(server, restored, tmp_path)

    assert not found.resumed
    assert sum(found.counts.values()) == len(
        [kind for kind, _ in objects(await stored(restored)) if kind != "tax_id"]
    )


async def test_a_cancellation_is_a_kill_as_well(
    server: RunningStripe, tmp_path: Path
) -> None:
    log = MemoryLog("led_test", clock=utc_now)
    work = asyncio.create_task(imported(server, log, tmp_path))
    assert await log.wait(after=0, timeout_s=5)
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)

    found = await imported(server, log, tmp_path)

    assert found.resumed
    assert len(objects(await stored(log))) == len(set(objects(await stored(log))))


async def test_bytes_are_kept_as_they_were_shown(
    server: RunningStripe, tmp_path: Path
) -> None:
    log = MemoryLog("led_test", clock=utc_now)
    await imported(server, log, tmp_path)
    prices = [
        each.event
        for each in await stored(log)
        if isinstance(each.event, StripeObject) and each.event.kind == "price"
    ]
    shown = {each["id"]: each for each in await _raw(server, "prices")}

    assert prices
    for price in prices:
        assert price.api_version == "2026-10-28.endive"
        assert msgspec.json.decode(price.body) == shown[price.object_id]
    assert any(b'"tiers":[' in price.body for price in prices)


async def test_a_resource_that_is_not_there_is_named_and_skipped(
    server: RunningStripe, tmp_path: Path
) -> None:
    server.faults.add(FaultKind.UNKNOWN, "/v1/tax_rates", times=None)
    log = MemoryLog("led_test", clock=utc_now)

    found = await imported(server, log, tmp_path)

    assert found.missing == ["tax_rates"]
    assert found.counts["customers"] > 0


async def test_all_the_permissions_that_lack_are_named_before_anything_is_written(
    server: RunningStripe, tmp_path: Path
) -> None:
    log = MemoryLog("led_test", clock=utc_now)

    with pytest.raises(StripeKeyError) as refused:
        await imported(server, log, tmp_path, key=NARROW.secret)

    for name in ("rak_invoice_read", "rak_subscription_read", "rak_charge_read"):
        assert name in str(refused.value)
    assert "rak_customer_read" not in str(refused.value)
    assert (await log.head()).position == 0


async def test_a_key_of_another_account_is_refused(
    server: RunningStripe, tmp_path: Path
) -> None:
    log = MemoryLog("led_test", clock=utc_now)
    await imported(server, log, tmp_path)

    with (
        running_stripe(company(1, 1, seed=9)) as other,
        pytest.raises(StripeKeyError, match="but this ledger is of"),
    ):
        await imported(other, log, tmp_path)


async def test_a_stripe_that_goes_away_is_unavailable_and_the_rest_follows(
    server: RunningStripe, tmp_path: Path
) -> None:
    log = MemoryLog("led_test", clock=utc_now)
    server.faults.add(FaultKind.BROKEN, "/v1/charges", times=None, after=2)
    with pytest.raises(StripeUnavailableError, match="it fails"):
        await imported(server, log, tmp_path)

    server.faults.clear()
    found = await imported(server, log, tmp_path)

    assert found.resumed
    assert found.counts["charges"] > 0


async def _raw(server: RunningStripe, path: str) -> list[dict[str, Any]]:
    from stripe_outside import client_of  # noqa: PLC0415
    from webhooks.stripe_pages import pages  # noqa: PLC0415
    from webhooks.stripe_resources import BY_PATH  # noqa: PLC0415

    async with client_of(server) as client:
        return [
            msgspec.json.decode(each.raw)
            async for page in pages(client, path, BY_PATH[path].asked)
            for each in page.objects
        ]
