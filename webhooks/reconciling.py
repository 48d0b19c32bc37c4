"""The ledger compared with what Stripe has now, and mended where that is wished.

    read ours → list Stripe's → what differs → look at both again → what Stripe has only
    just told, and nobody has brought yet, is in flight

A deleted subscription says so in its last event, so that one that Stripe does not show at
all is extra; a coupon that was deleted lives on in discounts. What is extra since Stripe
says that there is no such object was deleted unheard, and is mended as such; but not where
Stripe has nothing at all of what is kept here, which speaks for another account.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

import attrs
import msgspec

from ledger.errors import NotConfiguredError
from ledger.events import CATALOGUE, Check, Command, Source, StripeChecked, StripeObject
from ledger.log import Log
from ledger.shown_objects import Showing, UnreadableObjectError, stripe_object
from webhooks.comparing import (
    Difference,
    Differing,
    Holding,
    accounts_of,
    compared,
    of_stripe,
)
from webhooks.held import Held, with_discounts
from webhooks.retrieving import Look, gone, look
from webhooks.stripe_account import identify, readable, runs
from webhooks.stripe_client import StripeClient
from webhooks.stripe_pages import pages
from webhooks.stripe_resources import BY_PATH, PATHS, Resource

FLIGHT: Final = timedelta(minutes=15)
AT_ONCE: Final = 8
DIFFERING_MAX: Final = 500
# What is listed, and how far that is narrowed.
LISTS: Final[Mapping[str, Mapping[str, str]]] = {
    "customers": {},
    "subscriptions": {},
    "invoices": {"status": "open"},
    "coupons": {},
}
Read = Callable[[], Awaitable[Held]]
Tick = Callable[[int, str], None]


@attrs.frozen(kw_only=True)
class Reconciled:
    """What the comparison came to.

    Attributes:
        looked_at: Objects of Stripe's.
        fixed: The objects that were appended as Stripe shows them.
        missing: Lists that this Stripe does not have, so that they were not compared.
    """

    begun_at: datetime
    ended_at: datetime
    looked_at: int
    found: Sequence[Differing]
    fixed: frozenset[tuple[str, str]]
    missing: Sequence[str]
    position: int

    @property
    def left(self) -> list[Differing]:
        """What really differs, and was not mended."""
        return left(self.found, self.fixed)

    @property
    def ok(self) -> bool:
        """Whether nothing is left that really differs."""
        return not self.left


class _Data(msgspec.Struct):
    object: dict[str, msgspec.Raw]


class _Event(msgspec.Struct):
    id: str
    data: _Data


_EVENT: Final = msgspec.json.Decoder(_Event)
_TEXT: Final = msgspec.json.Decoder(str)


class Reconciliation:
    """One comparison.

    Args:
        read: Returns what the read models hold now, up to date with the log.
    """

    def __init__(
        self,
        client: StripeClient,
        log: Log,
        read: Read,
        clock: Callable[[], datetime],
        *,
        livemode: bool,
    ) -> None:
        self._livemode = livemode
        self._client = client
        self._log = log
        self._read = read
        self._clock = clock
        self._looked_at = self._met = 0

    async def run(self, *, fix: bool = False, tick: Tick | None = None) -> Reconciled:
        """Compare, mend if *fix*, and append what it came to.

        Raises:
            StripeUnavailableError: Stripe does not answer.
            StripeKeyError: The key is wrong, another account's or of the other mode, or
                may not read something, all of which is named.
            StripeRefusedError: It is no Stripe that is asked.
        """
        begun_at = self._clock()
        account = await identify(self._client, await runs(self._log))
        listed, missing = await readable(
            self._client, [BY_PATH[path] for path in LISTS], livemode=self._livemode
        )
        suspects = await self._suspects(listed, with_discounts(await self._read()), tick)
        found, shown = await self._again(suspects)
        found = await self._in_flight(found)
        fixed = await self._fixed(found, shown) if fix else frozenset()
        open_ones = left(found, fixed)
        event = StripeChecked(
            command=Command.identify(
                account=CATALOGUE,
                route=Check.RECONCILE,
                key=begun_at.isoformat(),
                fingerprint="",
            ),
            check=Check.RECONCILE,
            begun_at=begun_at,
            ended_at=self._clock(),
            ok=not open_ones,
            counts=_counts(self._looked_at, found, fixed),
            differing=accounts_of(open_ones)[:DIFFERING_MAX],
            stripe_account=account.id,
        )
        (receipt,) = await self._log.append([event])
        return Reconciled(
            begun_at=begun_at,
            ended_at=event.ended_at,
            looked_at=self._looked_at,
            found=found,
            fixed=fixed,
            missing=missing,
            position=receipt.position,
        )

    async def _suspects(
        self, listed: Sequence[Resource], ours: Held, tick: Tick | None
    ) -> list[tuple[str, str]]:
        """Return the objects that differ at first sight."""
        suspects: list[tuple[str, str]] = []
        paths = {each.path for each in listed}
        for resource in listed:
            path, asked = resource.path, {**resource.asked, **LISTS[resource.path]}
            async for page in pages(self._client, path, asked):
                showing = Showing(source=Source.RECONCILE, at=page.asked_at)
                for each in page.objects:
                    stripes = _read_whole(each.raw, showing)
                    if stripes is None:
                        continue
                    here = ours.pop(stripes.key, None)
                    self._met += here is not None
                    if any(compared(here, stripes)):
                        suspects.append(stripes.key)
                self._looked_at += len(page.objects)
                if tick is not None:
                    tick(self._looked_at, path)
        # What Stripe did not list, though it should have it.
        return suspects + [
            held.key for held in ours.values() if held.live and PATHS[held.kind] in paths
        ]

    async def _again(
        self, suspects: Sequence[tuple[str, str]]
    ) -> tuple[list[Differing], dict[tuple[str, str], StripeObject]]:
        """Look at both sides once more, since either may have changed meanwhile."""
        if not suspects:
            return [], {}
        gate = asyncio.Semaphore(AT_ONCE)

        async def ask(key: tuple[str, str]) -> Look:
            async with gate:
                return await look(self._client, *key, source=Source.RECONCILE)

        looked = await asyncio.gather(*(ask(key) for key in suspects))
        ours = with_discounts(await self._read())
        found: list[Differing] = []
        shown: dict[tuple[str, str], StripeObject] = {}
        for key, there in zip(suspects, looked, strict=True):
            here, now = ours.get(key), there.shown
            if now is None and here is not None and there.missing_since and self._met:
                now = gone(
                    *key, here.account, source=Source.RECONCILE, at=there.missing_since
                )
            if now is not None:
                shown[key] = now
            found += compared(here, None if now is None else of_stripe(now))
        return found, shown

    async def _in_flight(self, found: list[Differing]) -> list[Differing]:
        """Tell what Stripe has only just done, and nobody has brought yet."""
        if not found:
            return []
        wanted = {each.id for each in found}
        since = self._clock() - FLIGHT
        fresh: set[str] = set()
        asked = {"created[gte]": str(int(since.timestamp()))}
        try:
            async for page in pages(self._client, "events", asked):
                for each in page.objects:
                    name = _object_of(each.raw)
                    if name in wanted and not await self._log.find(each.id):
                        fresh.add(name)
        except NotConfiguredError:
            return found  # the key may not read events: then nothing is known of flights
        return [
            attrs.evolve(each, what=Difference.IN_FLIGHT) if each.id in fresh else each
            for each in found
        ]

    async def _fixed(
        self, found: Sequence[Differing], shown: dict[tuple[str, str], StripeObject]
    ) -> frozenset[tuple[str, str]]:
        """Append each object that differs as Stripe shows it, also if it was so before."""
        mended = [
            key for key in dict.fromkeys(each.key for each in left(found)) if key in shown
        ]
        for key in mended:
            known = await self._log.find(shown[key].id)
            await self._log.append([attrs.evolve(shown[key], version=len(known) + 1)])
        return frozenset(mended)


def left(
    found: Sequence[Differing], fixed: frozenset[tuple[str, str]] = frozenset()
) -> list[Differing]:
    """Return what really differs and is not among the *fixed*."""
    return [
        each
        for each in found
        if each.what is not Difference.IN_FLIGHT and each.key not in fixed
    ]


def _read_whole(raw: bytes, showing: Showing) -> Holding | None:
    try:
        return of_stripe(stripe_object(raw, showing))
    except UnreadableObjectError:
        return None


def _object_of(raw: bytes) -> str | None:
    try:
        return _TEXT.decode(_EVENT.decode(raw).data.object["id"])
    except (msgspec.MsgspecError, KeyError):
        return None


def _counts(
    looked_at: int, found: Sequence[Differing], fixed: frozenset[tuple[str, str]]
) -> tuple[tuple[str, int], ...]:
    classed = Counter(str(each.what) for each in found)
    return (("looked_at", looked_at), ("fixed", len(fixed)), *sorted(classed.items()))
