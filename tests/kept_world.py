"""Companies' lives beside read models in memory, asked by way of what is kept, and anew.

events are appended, some late · projections move on, each by itself · rows are made
anew and swapped · accounts are parked · time passes · somebody asks
"""

from __future__ import annotations

import json
import random
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final

import attrs

from ledger.envelope import stripe_event
from ledger.events import CATALOGUE as CATALOGUE_ACCOUNT
from ledger.events import (
    AccountLinked,
    Check,
    Command,
    Event,
    PolicySet,
    SeatAssigned,
    SeatReleased,
    SeatsCounted,
    StripeChecked,
    StripeEvent,
    TermsSet,
)
from ledger.horizon import INSTANT
from ledger.log import Recorded
from ledger.policy import Policy
from ledger.tokens import Grant
from ledger.twin import MemoryLog
from projections import rendering
from projections.api.billings import billings
from projections.api.entitlements import entitlements
from projections.api.kept_answers import KeptAnswers, Watch
from projections.api.questions import Question
from projections.api.responses import Written
from projections.assembly import ROAMING, Kept, Needs
from projections.facts import Fact
from projections.models.catalogue import CATALOGUE
from projections.models.checks import CHECKS
from projections.models.links import LINKS, Link, resolve
from projections.models.registry import PROJECTIONS
from projections.projector.folding import Key, apply, fold
from projections.pulse import Beat
from projections.reading import Found
from projections.translation.translate import translation
from projections.views import Views
from replay.simulator.habits import Breadth
from replay.simulator.occurrences import (
    LinkOccurrence,
    Occurrence,
    SeatOccurrence,
    SeatSetOccurrence,
    StripeOccurrence,
)
from replay.simulator.simulation import Simulation

START: Final = datetime(2025, 1, 1, tzinfo=UTC)
ALL: Final = Grant(scopes=frozenset({"read"}))
TRANSLATION: Final = translation({fact for each in PROJECTIONS for fact in each.handlers})
# A generation with a defect that a later one has not: it lacks every so manieth event.
LACKING: Final = 9
# What is nobody's by itself often comes when nothing else does.
ALONE: Final = ("charge.dispute", "refund", "invoice_payment", "product.updated")


class Models:
    """The read models' twin: each as far as it has come on a log in memory."""

    def __init__(self, log: MemoryLog) -> None:
        self._log = log
        self._facts: list[tuple[int, Fact]] = []
        self._at = {each.name: 0 for each in PROJECTIONS}
        self._states: dict[str, dict[Key, Any]] = {each.name: {} for each in PROJECTIONS}
        self.generation = 1
        self.parked: set[str] = set()
        self.meanwhile: Callable[[], None] | None = None

    async def translate(self) -> int:
        """Read the facts of what the log has taken; return its head."""
        head = await self._log.head()
        stream = self._log.read(after=self._translated, until=head.position)
        recorded = [one async for batch in stream for one in batch]
        self._facts += [(one.position, fact) for one in recorded for fact in told(one)]
        self._translated = head.position
        return head.position

    _translated = 0

    def advance(self, name: str, until: int) -> None:
        """Let a projection read up to *until*, if it has not."""
        projection = next(each for each in PROJECTIONS if each.name == name)
        after = self._at[name]
        if until <= after:
            return
        new = [each for each in self._seen() if after < each[0] <= until]
        if apply(projection, new, self._states[name]).late:
            all_of_it = [each for each in self._seen() if each[0] <= until]
            self._states[name] = dict(fold(projection, all_of_it))
        self._at[name] = until

    def swap(self) -> None:
        """Put rows in place that were made anew, without the defect."""
        self.generation += 1
        for each in PROJECTIONS:
            until = self._at[each.name]
            facts = [one for one in self._seen() if one[0] <= until]
            self._states[each.name] = dict(fold(each, facts))

    async def find(self, account: str) -> Found:
        """Return what is kept of *account*."""
        links = self._related(account)
        linked = resolve(account, links)
        kept = {
            name: {key: one for key, one in states.items() if key[0] in linked.streams}
            for name, states in self._states.items()
        }
        return Found(
            linked=linked,
            links=links,
            kept=kept,
            position=min(self._at.values()),
            stale=bool({account, *links, *linked.streams} & self.parked),
        )

    find_deciding = find

    def _related(self, account: str) -> dict[str, Link]:
        """Return the links that a reader finds: its own, and those of whom they lead to."""
        refers = LINKS.refers or _nothing
        links = {key[0]: link for key, link in self._states[LINKS.name].items()}
        own = [name for name, link in links.items() if account in {name, refers(link)}]
        to = {refers(links[name]) for name in own} - {None}
        return {
            name: link
            for name, link in links.items()
            if name in {account, *own, *to} or refers(link) in to
        }

    async def around(self, needs: Needs) -> Kept:
        """Return what stands outside an account, after what happens *meanwhile*."""
        if self.meanwhile is not None:
            happen, self.meanwhile = self.meanwhile, None
            happen()
        found: dict[str, dict[Key, Any]] = defaultdict(dict)
        entries = self._states[CATALOGUE.name]
        found[CATALOGUE.name] = {
            key: one for key, one in entries.items() if key[1] in needs.wares
        }
        found[CHECKS.name] = dict(self._states[CHECKS.name])
        for each in ROAMING:
            refers = each.refers or _nothing
            found[each.name] = {
                key: one
                for key, one in self._states[each.name].items()
                if refers(one) in needs.referred
            }
        return found

    async def look(self) -> Beat:
        """Return where all is."""
        head = await self._log.head()
        return Beat(
            least=min(self._at.values()),
            most=max(self._at.values()),
            rows=str(self.generation),
            parked=" ".join(sorted(self.parked)),
            head=head.position,
            head_at=head.recorded_at,
            waiting_since=None,
        )

    async def position(self) -> int:
        """Return up to where all projections have read."""
        return min(self._at.values())

    def _seen(self) -> list[tuple[int, Fact]]:
        lacking = self.generation == 1
        return [one for one in self._facts if not (lacking and one[0] % LACKING == 0)]


@attrs.define
class World:
    """What happens, in an order of its own for each seed, and who asks meanwhile.

    Attributes:
        wrong: Accounts of which something was answered that is not so.
        again: How often something was answered as it had been kept, by kind.
    """

    chance: random.Random
    now: datetime = START
    wrong: list[str] = attrs.Factory(list)
    again: dict[str, int] = attrs.Factory(lambda: defaultdict(int))
    asked: int = 0

    async def live(self, steps: int) -> None:
        """Live through *steps* parts of some companies' lives."""
        log = MemoryLog(clock=lambda: self.now)
        models = Models(log)
        watch = Watch(models, log)
        views = Views(reader=models, log=log, clock=lambda: self.now)
        kinds: dict[str, KeptAnswers[Any]] = {
            "access": entitlements(models, watch),
            "billing": billings(models, views, watch),
        }
        seen: set[str] = set()
        for events in happenings(self.chance, steps):
            self.now = max([self.now, *filter(None, map(_date, events))])
            await log.append(events)
            names = {each.account or "" for each in events}
            seen |= names - {CATALOGUE_ACCOUNT, ""}
            head = await models.translate()
            move = partial(self._move, models, head, sorted(seen))
            for _ in range(self.chance.randint(1, 3)):
                move()
                self._pass(kinds["billing"], seen)
                await watch.pulse.take()
                for account in self.chance.sample(sorted(seen), min(4, len(seen))):
                    if self.chance.random() < 0.2:
                        models.meanwhile = move
                        for each in kinds.values():
                            await each.find(account, self.now)
                        models.meanwhile = None
                        await watch.pulse.take()
                    await self._ask(account, kinds, views)

    async def _ask(
        self, account: str, kinds: dict[str, KeptAnswers[Any]], views: Views
    ) -> None:
        for kind, answers in kinds.items():
            before = answers.peek(account)
            found = await answers.find(account, self.now)
            if found is None:
                continue
            view = await views.view(account, Question(), ALL)
            expected = getattr(rendering, kind)(view.answer())
            same = found.written == Written.of(expected) and found.stale == view.stale
            if kind == "billing":
                view = await views.with_wrongful(view, view.answer())
                same = same and found.answer.wrongful == view.wrongful
            if not same:
                self.wrong.append(account)
            self.asked += 1
            self.again[kind] += found is before

    def _move(self, models: Models, head: int, seen: list[str]) -> None:
        chance = self.chance
        if chance.random() < 0.5:
            for each in PROJECTIONS:
                models.advance(each.name, head)
        for each in chance.sample(PROJECTIONS, 4):
            models.advance(each.name, chance.randint(0, head))
        if chance.random() < 0.02:
            models.swap()
        if chance.random() < 0.02:
            models.parked ^= set(chance.sample(seen, min(1, len(seen))))

    def _pass(self, answers: KeptAnswers[Any], seen: set[str]) -> None:
        """Let time pass, now and then right up to where something kept may change."""
        chance = self.chance
        kept = answers.peek(chance.choice(sorted(seen) or [""]))
        if kept is not None and kept.until > self.now and chance.random() < 0.3:
            self.now = kept.until - chance.choice([INSTANT, timedelta()])
        self.now += timedelta(seconds=chance.choice([0, 0, 0.3, 60, 1800]))


def happenings(chance: random.Random, steps: int) -> Iterator[list[Event]]:
    """Yield companies' lives: much of it at once, the rest little by little, some late."""
    run = Simulation(
        seed=chance.randint(1, 10_000),
        accounts=3,
        months=3,
        start=START,
        breadth=Breadth.WHOLE,
    )
    lives = [event for one in run.occurrences() if (event := event_of(one)) is not None]
    late = {at: _late(event, chance) for at, event in enumerate(lives)}
    lives = [lives[at] for at in sorted(late, key=lambda at: at + late[at])]
    own = _own(lives, chance)
    begun = chance.randint(len(lives) // 4, len(lives) - 2 * steps)
    yield lives[:begun]
    for number in range(begun, begun + 2 * steps, 2):
        few = lives[number : number + chance.choice([0, 1, 2])]
        yield [*few, next(own)] if chance.random() < 0.7 else few


def _late(event: Event, chance: random.Random) -> float:
    """Return how many events later *event* comes than it happened."""
    alone = isinstance(event, StripeEvent) and (event.stripe_type or "").startswith(ALONE)
    return chance.expovariate(1 / 200 if alone else 1 / 20)


def _own(lives: list[Event], chance: random.Random) -> Iterator[Event]:
    """Yield what the product and its operator do, and what is sold under another name."""
    customers = sorted({name for one in lives if (name := one.account or "")[:4] == "cus_"})
    shown = [one for one in lives if isinstance(one, StripeEvent)]
    prices = sorted({one.object_id or "" for one in shown if _is(one, "price.created")})
    products = [one for one in shown if _is(one, "product.created")]
    charges = [one for one in shown if _is(one, "charge.succeeded")] or products
    for number in range(1_000):
        command = Command(id=f"cmd:own:{number}", fingerprint="")
        shop, customer = f"shop-{chance.randint(1, 3)}", chance.choice(customers)
        policy = Policy(retry_days=(1,), pause_day=chance.randint(2, 4), cancel_day=9)
        yield chance.choice(
            [
                AccountLinked(account=shop, command=command, customer=customer),
                PolicySet(command=command, policy=policy, effective_at=START),
                TermsSet(command=command, price=chance.choice(prices), included=number),
                StripeChecked(
                    command=command,
                    check=Check.RECONCILE,
                    begun_at=START,
                    ended_at=START + timedelta(days=number),
                    ok=True,
                ),
                *[_renamed(chance.choice(products), number) for _ in range(5)],
                *[_disputed(chance.choice(charges), number) for _ in range(3)],
            ]
        )


def _renamed(product: StripeEvent, number: int) -> Event:
    body = json.loads(product.body)
    body["id"], body["type"] = f"evt_renamed{number}", "product.updated"
    body["created"] += number
    body["data"]["object"]["name"] = f"Name {number}"
    return stripe_event(json.dumps(body).encode(), ledger_livemode=False)


def _disputed(charge: StripeEvent, number: int) -> Event:
    """Return a dispute of *charge*, which names no customer."""
    body = json.loads(charge.body)
    body["id"], body["type"] = f"evt_disputed{number}", "charge.dispute.created"
    body["created"] += number
    body["data"]["object"] = {
        "id": f"dp_{number}",
        "object": "dispute",
        "charge": charge.object_id,
        "amount": 100,
        "currency": "usd",
        "status": "needs_response",
        "reason": "fraudulent",
    }
    return stripe_event(json.dumps(body).encode(), ledger_livemode=False)


def _is(event: StripeEvent, kind: str) -> bool:
    return event.stripe_type == kind


def event_of(one: Occurrence) -> Event | None:
    """Return what the log takes of an occurrence."""
    if isinstance(one, StripeOccurrence):
        return stripe_event(one.body, ledger_livemode=False)
    if isinstance(one, LinkOccurrence):
        command = Command(id=f"cmd:{one.key}", fingerprint="")
        return AccountLinked(
            account=one.product_account, command=command, customer=one.account
        )
    command = Command(id=f"cmd:{one.key}", fingerprint="")
    at = one.effective_at
    if isinstance(one, SeatOccurrence):
        kind = SeatAssigned if one.active else SeatReleased
        return kind(account=one.account, command=command, user=one.user, effective_at=at)
    if isinstance(one, SeatSetOccurrence):
        return SeatsCounted(
            account=one.account, command=command, users=one.users, effective_at=at
        )
    return None


def _date(event: Event) -> datetime | None:
    return event.occurred_at if isinstance(event, StripeEvent) else None


def told(recorded: Recorded) -> list[Fact]:
    return TRANSLATION.facts([recorded])


def _nothing(_state: object) -> None:
    return None
