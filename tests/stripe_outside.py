"""Ledgers beside a simulated Stripe: imported from it, or told by its webhooks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from ledger.clock import utc_now
from ledger.envelope import stripe_event
from ledger.events import StripeEvent
from ledger.log import Log, Recorded
from ledger.twin import MemoryLog
from projections import history, rendering
from projections.answer import Billing, answer
from projections.assembly import assembled
from projections.models.catalogue import CATALOGUE
from projections.models.checks import CHECKS
from projections.models.invoices import INVOICES
from projections.models.links import resolve
from projections.models.mandates import MANDATES
from projections.models.payments import PAYMENTS
from projections.models.ties import TIES
from replay.simulator.habits import Breadth
from replay.simulator.occurrences import StripeOccurrence
from replay.simulator.simulation import Simulation
from stripe_server import RunningStripe
from test_laws import kept, states
from webhooks.catching_up import CaughtUp, catch_up
from webhooks.held import COMPARED, Held, keep
from webhooks.import_progress import ProgressFile
from webhooks.importing import Import, Imported
from webhooks.reconciling import Reconciled, Reconciliation
from webhooks.stripe_client import StripeClient
from webhooks.stripe_resources import BY_PATH

END: Final = datetime(2026, 10, 1, tzinfo=UTC)
QUICK: Final = (0.0, 0.0, 0.01, 0.01)


def company(
    accounts: int, months: int, seed: int = 5, only: frozenset[int] | None = None
) -> Simulation:
    """A company that has existed for so many months, up to 1 October 2026 or so."""
    start = (END - timedelta(days=30 * months)).replace(day=1)
    return Simulation(
        seed=seed,
        accounts=accounts,
        months=months,
        start=start,
        breadth=Breadth.WHOLE,
        only=only,
    )


def heard(simulation: Simulation) -> list[StripeEvent]:
    """Return every event of the company, as its webhooks would bring them."""
    return [
        stripe_event(each.body, ledger_livemode=False)
        for each in simulation.occurrences()
        if isinstance(each, StripeOccurrence)
    ]


async def log_of(events: Iterable[StripeEvent], name: str = "led_live") -> MemoryLog:
    log = MemoryLog(name, clock=utc_now)
    await log.append(list(events))
    return log


def client_of(server: RunningStripe, **changes: Any) -> StripeClient:  # noqa: ANN401
    given = {"key": server.key, "base": server.base, "pauses_s": QUICK, **changes}
    return StripeClient(**given)


async def imported(
    server: RunningStripe,
    log: Log,
    directory: Path,
    *,
    clock: Callable[[], datetime] = utc_now,
    only: Sequence[str] = (),
    at_once: int = 100,
    **changes: Any,  # noqa: ANN401 - of the client
) -> Imported:
    """Import *server* into *log*, or just the lists of it that *only* names."""
    async with client_of(server, **changes) as client:
        work = Import(
            client,
            log,
            ProgressFile(directory),
            ledger_id="led_test",
            livemode=False,
            clock=clock,
        )
        work.objects_at_once = at_once
        if only:
            work.resources = [BY_PATH[path] for path in only]
        return await work.run()


async def stored(log: Log) -> list[Recorded]:
    return [each async for page in log.read() for each in page]


async def told(log: MemoryLog, now: datetime) -> dict[str, Any]:
    """Return every account's answer, as the read API would give it."""
    billings = await answered(log, now)
    return {name: rendered(each) for name, each in billings.items()}


async def answered(log: MemoryLog, now: datetime) -> dict[str, Billing]:
    """Return every account's answer."""
    decoded = states(await kept(log))
    links = {key[0]: link for key, link in decoded["links"].items()}
    own = _by_account(decoded)
    common = {name: decoded[name] for name in (CATALOGUE.name, MANDATES.name, CHECKS.name)}
    found = {}
    for account in sorted(own):
        linked = resolve(account, links)
        streams = [own[each] for each in linked.streams if each in own]
        narrowed = {
            name: {key: row for each in streams for key, row in each.get(name, {}).items()}
            for name in decoded
        }
        found[account] = answer(assembled(linked, {**narrowed, **common}), now)
    return found


Rows = dict[tuple[str, str], Any]


def _by_account(decoded: dict[str, Rows]) -> dict[str, dict[str, Rows]]:
    """Return the rows of each account; what names none is of whose objects it names."""
    owners = {
        name: account
        for each in (PAYMENTS.name, INVOICES.name)
        for account, name in decoded[each]
    }
    found: dict[str, dict[str, Rows]] = {}
    for projection, rows in decoded.items():
        for (account, name), row in rows.items():
            owner = account
            if projection == TIES.name and (says := history.told(row)) is not None:
                tie = says.current.value
                named = (tie.charge, tie.payment_intent, tie.invoice)
                owner = next((owners[each] for each in named if each in owners), account)
            of_owner = found.setdefault(owner, {}).setdefault(projection, {})
            of_owner[account, name] = row
    return found


def rendered(billing: Billing) -> dict[str, Any]:
    """Return an answer as the read API gives it, but for what hangs on positions."""
    return rendering.without_evidence(rendering.billing(billing))


def differences(
    first: Any,  # noqa: ANN401 - any JSON
    second: Any,  # noqa: ANN401
    path: str = "",
) -> Iterable[tuple[str, Any, Any]]:
    """Yield the places where two answers differ, places of lists without their number."""
    if isinstance(first, dict) and isinstance(second, dict):
        for name in {**first, **second}:
            yield from differences(first.get(name), second.get(name), f"{path}.{name}")
    elif isinstance(first, list) and isinstance(second, list):
        if len(first) != len(second):
            yield f"{path}[]", len(first), len(second)
        for one, other in zip(first, second, strict=False):
            yield from differences(one, other, f"{path}[]")
    elif first != second:
        yield path, first, second


def ids(recorded: Sequence[Recorded]) -> list[str]:
    return [each.event.event_id for each in recorded if isinstance(each.event, StripeEvent)]


async def reconciled(
    server: RunningStripe,
    log: MemoryLog,
    *,
    fix: bool = False,
    clock: Callable[[], datetime] = utc_now,
) -> Reconciled:
    """Compare what *log* says with what *server* has."""

    async def read() -> Held:
        found: Held = {}
        for states_of in states(await kept(log, COMPARED)).values():
            for (account, name), state in states_of.items():
                keep(found, account, name, state)
        return found

    async with client_of(server) as client:
        work = Reconciliation(client, log, read, clock, livemode=server.company.livemode)
        return await work.run(fix=fix)


async def caught_up(
    server: RunningStripe,
    log: Log,
    *,
    clock: Callable[[], datetime] = utc_now,
    since: datetime | None = None,
) -> CaughtUp:
    async with client_of(server) as client:
        return await catch_up(client, log, livemode=False, clock=clock, since=since)
