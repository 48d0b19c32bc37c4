"""Companies' lives beside read models in memory, asked by way of what is kept, and anew.

events are appended, some late · projections move on, each by itself · rows are made
anew and swapped · accounts are parked · time passes · somebody asks
"""

from __future__ import annotations

import random
from collections import defaultdict
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

import attrs

from eventful_lives import START, happenings
from ledger.events import CATALOGUE as CATALOGUE_ACCOUNT
from ledger.events import (
    Event,
    StripeEvent,
)
from ledger.horizon import INSTANT
from ledger.tokens import Grant
from ledger.twin import MemoryLog
from projections import rendering
from projections.api.billings import billings
from projections.api.entitlements import entitlements
from projections.api.explanations import Asked, Why, explained, explanations, told_by
from projections.api.kept_answers import KeptAnswers, Watch
from projections.api.periods import NEXT
from projections.api.questions import Question
from projections.api.responses import Written
from projections.explain import rendering as explanation_rendering
from projections.explain.tree import Explanation, Figure
from projections.models.registry import PROJECTIONS
from projections.views import View, Views
from twin_models import Models

ALL: Final = Grant(scopes=frozenset({"read"}))
WHYS: Final = (*map(Why, Figure), Why(Figure.TOTAL, NEXT))


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
        kinds: dict[str, KeptAnswers[Any, Any]] = {
            "access": entitlements(models, watch),
            "billing": billings(models, views, watch),
            "explain": explanations(models, views, watch),
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
                        for kind, each in kinds.items():
                            await each.find(_wanted(kind, account), self.now)
                        models.meanwhile = None
                        await watch.pulse.take()
                    await self._ask(account, kinds, views)

    async def _ask(
        self, account: str, kinds: dict[str, KeptAnswers[Any, Any]], views: Views
    ) -> None:
        for kind, answers in kinds.items():
            wanted = _wanted(kind, account)
            before = answers.peek(wanted)
            found = await answers.find(wanted, self.now)
            if found is None:
                continue
            view = await views.view(account, Question(), ALL)
            if (found.written, found.stale) != (_anew(wanted, kind, view), view.stale):
                same = False
            elif kind == "billing":
                view = await views.with_wrongful(view, view.answer())
                same = found.answer.wrongful == view.wrongful
            else:
                same = kind != "explain" or found.answer == await told_by(
                    views, view, _explained(wanted, view)
                )
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

    def _pass(self, answers: KeptAnswers[str, Any], seen: set[str]) -> None:
        """Let time pass, now and then right up to where something kept may change."""
        chance = self.chance
        kept = answers.peek(chance.choice(sorted(seen) or [""]))
        if kept is not None and kept.until > self.now and chance.random() < 0.3:
            self.now = kept.until - chance.choice([INSTANT, timedelta()])
        self.now += timedelta(seconds=chance.choice([0, 0, 0.3, 60, 1800]))


def _wanted(kind: str, account: str) -> Any:  # noqa: ANN401 - what each kind is asked
    if kind != "explain":
        return account
    return Asked(account, WHYS[sum(account.encode()) % len(WHYS)])


def _anew(wanted: Any, kind: str, view: View) -> Written:  # noqa: ANN401 - as above
    if kind != "explain":
        return Written.of(getattr(rendering, kind)(view.answer()))
    return Written.of(explanation_rendering.explanation(_explained(wanted, view)))


def _explained(wanted: Asked, view: View) -> Explanation:
    found = explained(view.account, view.answer(), wanted.why)
    assert found is not None
    return found


def _date(event: Event) -> datetime | None:
    return event.occurred_at if isinstance(event, StripeEvent) else None
