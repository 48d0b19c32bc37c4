"""An existing account of Stripe's, taken into the log: every object as it is now.

    what is sold → who buys → what they subscribed to → what was billed and paid
    → the events that Stripe made meanwhile

Nothing is written to Stripe. An object that the log knows as it is is no news, so that an
import can be given twice, and one that was cut off goes on where it was.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from datetime import datetime
from typing import Final, Protocol

import attrs
import msgspec

from ledger.errors import NotConfiguredError
from ledger.events import CATALOGUE, Check, Command, Source, StripeChecked, StripeObject
from ledger.log import Log
from ledger.shown_objects import Showing, UnreadableObjectError, stripe_object
from webhooks.catching_up import CaughtUp, catch_up
from webhooks.import_batches import OBJECTS, Batches
from webhooks.import_progress import Progress, ProgressFile
from webhooks.stripe_account import StripeAccount, identify, instant, readable, runs
from webhooks.stripe_client import StripeClient
from webhooks.stripe_errors import NotThereError
from webhooks.stripe_pages import Page, pages
from webhooks.stripe_resources import RESOURCES, Resource
from webhooks.whole_invoices import is_cut, whole


class Watch(Protocol):
    """Whoever wants to know how far it is."""

    def __call__(self, done: int, total: int, resource: str) -> None:
        """Take objects read, about how many there are, and what is being read."""


@attrs.frozen(kw_only=True)
class Imported:
    """What an import found.

    Attributes:
        counts: Objects, by resource.
        appended: Of them all, those that were news since the import went on.
        missing: Resources that this account does not have.
        unreadable: What stood in a list and is no object.
        cut_invoices: Invoices whose further lines could not be had.
        caught_up: What catching up came to at the end; None where events may not be read.
    """

    account: StripeAccount
    begun_at: datetime
    counts: dict[str, int]
    appended: int
    missing: Sequence[str]
    unreadable: int
    cut_invoices: int
    caught_up: CaughtUp | None
    resumed: bool
    position: int


class _Within(msgspec.Struct):
    data: list[msgspec.Raw] = []


_WHOLE: Final = 1000
_HOLDER: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_WITHIN: Final = msgspec.json.Decoder(_Within | None)


class Import:
    """One import, from where an earlier one was cut off, or from the beginning.

    Args:
        client: Open.
        file: Where its progress is kept.

    Attributes:
        resources: What is read, in this order.
        objects_at_once: How many are appended together.
    """

    def __init__(
        self,
        client: StripeClient,
        log: Log,
        file: ProgressFile,
        *,
        ledger_id: str,
        livemode: bool,
        clock: Callable[[], datetime],
    ) -> None:
        self._client = client
        self._log = log
        self._file = file
        self._ledger_id = ledger_id
        self._livemode = livemode
        self._clock = clock
        self.resources: Sequence[Resource] = RESOURCES
        self.objects_at_once = OBJECTS

    async def run(self, watch: Watch | None = None) -> Imported:
        """Read everything, and say what was found.

        Raises:
            StripeKeyError: The key is wrong, of another mode or account, or may not read
                something, which is named; nothing was appended.
            StripeUnavailableError: Stripe does not answer; given again it goes on.
            NotConfiguredError: The progress cannot be kept.
        """
        checks = await runs(self._log)
        account = await identify(self._client, checks)
        found, missing = await readable(
            self._client, self.resources, livemode=self._livemode
        )
        kept = await self._file.found(self._log, self._ledger_id, account.id)
        progress = kept or Progress(
            ledger=self._ledger_id, account=account.id, begun_at=self._clock()
        )
        self._file.keep(progress)
        batches = Batches(self._log, self._file, progress, objects=self.objects_at_once)
        estimate = _Estimate(found, account, self._clock)
        try:
            for resource in _left(found, progress):
                async for page in self._pages(resource, progress):
                    await self._keep(resource, page, progress, batches)
                    if watch is not None:
                        done = sum(progress.counts.values())
                        total = estimate.total(resource, page, done)
                        watch(done, total, resource.path.replace("_", " "))
            await batches.settle()
        finally:
            await batches.stop()
        caught_up = await self._catch_up()
        position = await self._tell(progress, account, missing)
        self._file.forget()
        return Imported(
            account=account,
            begun_at=progress.begun_at,
            counts=dict(progress.counts),
            appended=batches.appended,
            missing=missing,
            unreadable=progress.unreadable,
            cut_invoices=progress.cut_invoices,
            caught_up=caught_up,
            resumed=kept is not None,
            position=position,
        )

    async def _pages(self, resource: Resource, progress: Progress) -> AsyncGenerator[Page]:
        if progress.resource != resource.path:
            progress.resource, progress.after = resource.path, None
            progress.counts[resource.path] = 0
        begun_after = progress.after
        try:
            async for page in self._listed(resource, begun_after):
                yield page
        except NotThereError:
            if begun_after is None or progress.after != begun_after:
                raise
            # Where it was cut off is no more there: what was read is no news again.
            progress.after, progress.counts[resource.path] = None, 0
            async for page in self._listed(resource, None):
                yield page

    def _listed(self, resource: Resource, after: str | None) -> AsyncGenerator[Page]:
        return pages(self._client, resource.path, resource.asked, after=after)

    async def _keep(
        self, resource: Resource, page: Page, progress: Progress, batches: Batches
    ) -> None:
        showing = Showing(
            source=Source.IMPORT,
            at=page.asked_at,
            api_version=page.api_version,
        )
        events: list[StripeObject] = []
        for each in page.objects:
            shown = each.raw
            if resource.path == "invoices" and is_cut(shown):
                shown = await whole(self._client, shown)
                progress.cut_invoices += is_cut(shown)
            for raw in (shown, *_within(resource, shown)):
                try:
                    events.append(stripe_object(raw, showing))
                except UnreadableObjectError:
                    progress.unreadable += 1
        named = [each.id for each in page.objects if each.id]
        if events and named:
            progress.after, progress.mark = named[-1], events[-1].id
        progress.counts[resource.path] += len(page.objects)
        await batches.take(events)

    async def _catch_up(self) -> CaughtUp | None:
        try:
            return await catch_up(
                self._client,
                self._log,
                livemode=self._livemode,
                clock=self._clock,
            )
        except NotConfiguredError:
            return None  # what may not be read, or is not there; the objects are in

    async def _tell(
        self, progress: Progress, account: StripeAccount, missing: Sequence[str]
    ) -> int:
        event = StripeChecked(
            command=Command.identify(
                account=CATALOGUE,
                route=Check.IMPORT,
                key=progress.begun_at.isoformat(),
                fingerprint="",
            ),
            check=Check.IMPORT,
            begun_at=progress.begun_at,
            ended_at=self._clock(),
            ok=not missing and not progress.unreadable,
            counts=tuple(sorted(progress.counts.items())),
            stripe_account=account.id,
        )
        (receipt,) = await self._log.append([event])
        return receipt.position


class _Estimate:
    """About how many objects there are: lists begin with the newest and tell no total."""

    def __init__(
        self,
        resources: Sequence[Resource],
        account: StripeAccount,
        clock: Callable[[], datetime],
    ) -> None:
        self._resources = resources
        self._begun = account.created
        self._now = clock()

    def total(self, resource: Resource, page: Page, done: int) -> int:
        """Return about how many there are, from how far back *page* reaches."""
        before = 0
        for each in self._resources:
            if each is resource:
                break
            before += each.share
        whole = sum(each.share for each in self._resources)
        part = before * _WHOLE + resource.share * self._reached(page)
        return max(done, done * whole * _WHOLE // part) if part > 0 else done

    def _reached(self, page: Page) -> int:
        """Return which part of a list is read, of 1,000."""
        created = page.objects[-1].created if page.objects else None
        if not page.has_more:
            return _WHOLE
        if created is None or self._begun is None or self._begun >= self._now:
            return _WHOLE // 2
        made = instant(created)
        if made is None:
            return _WHOLE // 2
        back = self._now - made
        return min(_WHOLE, max(1, back * _WHOLE // (self._now - self._begun)))


def _left(found: Sequence[Resource], progress: Progress) -> Iterator[Resource]:
    """Yield what is still to be read, beginning with what was cut off."""
    paths = [each.path for each in found]
    begun = paths.index(progress.resource) if progress.resource in paths else 0
    yield from found[begun:]


def _within(resource: Resource, raw: bytes) -> Iterator[bytes]:
    """Yield the objects that stand in lists within an object."""
    for name in resource.within:
        try:
            listed = _WITHIN.decode(_HOLDER.decode(raw).get(name, b"null"))
        except msgspec.MsgspecError:
            continue
        yield from (bytes(each) for each in (listed.data if listed else ()))
