"""What the read API answers about one account.

GET /v1/accounts/{account}/billing     everything, in one call
GET /v1/accounts/{account}/access      what it may do now: small, asked on every request
GET /v1/accounts/{account}/invoices    newest first, a page at a time
GET /v1/accounts/{account}/seats       figures, who holds one, history; ?at= who held one
GET /v1/accounts/{account}/dunning     each unpaid invoice's timeline, the latest first
GET /v1/accounts/{account}/dunning.svg the same as a drawing
GET /v1/accounts/{account}/periods/current, …/next, …/2026-11-01     a period's total
GET /v1/accounts/{account}/explain?figure=total|status|seats|dunning[&period=…]    why
GET /v1/accounts/{account}/timeline    what happened, in sentences, newest first
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import attrs
from aiohttp import web

from ledger.moments import rfc3339
from ledger.problems import require, unknown_account
from ledger.tokens import Grant, Scope
from projections import rendering
from projections.api.billings import Beside
from projections.api.coverage import covered
from projections.api.explanations import (
    FIGURE,
    PERIOD,
    Asked,
    Told,
    explained,
    told_by,
    why,
)
from projections.api.kept_answers import KeptAnswers, Watch
from projections.api.paging import Page, links, listed, page
from projections.api.periods import no_such_period, period_named, total_of
from projections.api.questions import Question, question
from projections.api.responses import answered, drawn
from projections.dunning.drawing import drawing, lane
from projections.dunning.rendering import timelines
from projections.explain import rendering as explanation_rendering
from projections.seating.history import Step, held, steps
from projections.status.access import Access
from projections.status.entitlement import Entitlement
from projections.story.subscription_story import told
from projections.story.timeline import Entry, entries, shown
from projections.totals import rendering as total_rendering
from projections.views import View, Views

CLOCKS: Final = ("as_of", "known_at", "at_least")
PAGES: Final = ("limit", "cursor")
ACCOUNT_CHARS_MAX: Final = 255
# A product asks on every request; so long it may go by what it has.
ACCESS_FRESH_S: Final = 2
BEFORE_ALL: Final = datetime.min.replace(tzinfo=UTC)


@attrs.frozen(kw_only=True)
class Accounts:
    """The handlers of one account's paths."""

    views: Views
    watch: Watch
    entitlements: KeptAnswers[str, Entitlement]
    billings: KeptAnswers[str, Beside]
    explanations: KeptAnswers[Asked, Told]

    async def billing(self, request: web.Request) -> web.Response:
        """Answer with everything about an account."""
        grant, asked, account = self._asked(request)
        beat = await covered(self.watch.pulse, asked)
        now = max(self.views.clock(), beat.head_at or BEFORE_ALL)
        kept = None if asked.past else await self.billings.find(account, now)
        if kept is None:
            view = await self.views.view(account, asked, grant, beat)
            told = await view.answered()
            view = await self.views.with_wrongful(view, told)
            return answered(request, rendering.billing(told), view)
        view = attrs.evolve(kept.view(beat, grant, now), wrongful=kept.answer.wrongful)
        return answered(request, kept.written, view)

    async def access(self, request: web.Request) -> web.Response:
        """Answer with what an account may do."""
        grant, asked, account = self._asked(request)
        beat = await covered(self.watch.pulse, asked)
        now = max(self.views.clock(), beat.head_at or BEFORE_ALL)
        kept = None if asked.past else await self.entitlements.find(account, now)
        if kept is None:
            view = await self.views.view(account, asked, grant, beat)
            return answered(request, rendering.access(await view.answered()), view)
        fresh = 0 if asked.at_least else _fresh_s(kept.answer.access, now)
        view = kept.view(beat, grant, now)
        return answered(request, kept.written, view, fresh_s=fresh)

    async def invoices(self, request: web.Request) -> web.Response:
        """Answer with an account's invoices."""
        view, asked = await self._view(request, PAGES)
        invoices = rendering.invoices(await view.answered())
        return _page(request, view, page(invoices, _dated, asked.cursor, asked.limit))

    async def seats(self, request: web.Request) -> web.Response:
        """Answer with the seats now, or with who held one at a moment."""
        view, asked = await self._view(request, (*PAGES, "at"))
        if asked.at is not None:
            then = held(view.account.registers, asked.at)
            users = rendering.users(then)
            body = {"at": rfc3339(asked.at), "active": then.active, "users": users}
            return answered(request, {"account": view.linked.account, **body}, view)
        told = steps(view.account.registers, view.now)
        found = page(told, _stepped, asked.cursor, asked.limit)
        history = listed([rendering.step(each) for each in found.entries], found.next)
        body = {**rendering.seats(await view.answered()), "history": history}
        return answered(request, body, view, headers=links(request, found.next))

    async def dunning(self, request: web.Request) -> web.Response:
        """Answer with the timelines of an account."""
        view, _ = await self._view(request)
        told = await view.answered()
        view = await self.views.with_wrongful(view, told)
        body = {"account": view.linked.account, "data": timelines(told.dunning)}
        return answered(request, body, view)

    async def dunning_drawing(self, request: web.Request) -> web.Response:
        """Answer with the timelines of an account as a drawing."""
        view, _ = await self._view(request)
        told = await view.answered()
        lanes = [lane(each) for each in reversed(told.dunning)]
        return drawn(request, drawing(lanes, view.now), view)

    async def period(self, request: web.Request) -> web.Response:
        """Answer with what the current period comes to, or the one that starts on a day."""
        view, _ = await self._view(request)
        start = period_named(request.match_info["start"])
        total = total_of(await view.answered(), start)
        if total is None:
            raise no_such_period()
        body = {"account": view.linked.account, **total_rendering.period_total(total)}
        return answered(request, body, view)

    async def explain(self, request: web.Request) -> web.Response:
        """Answer with why a figure is what it is, down to the events that say so."""
        grant, asked, account = self._asked(request, (FIGURE, PERIOD))
        reason = why(asked.chosen)
        beat = await covered(self.watch.pulse, asked)
        now = max(self.views.clock(), beat.head_at or BEFORE_ALL)
        wanted = Asked(account, reason)
        kept = None if asked.past else await self.explanations.find(wanted, now)
        if kept is not None:
            events = {"events": kept.answer.seen_by(grant)}
            view = kept.view(beat, grant, now)
            return answered(request, kept.written, view, beside=events)
        view = await self.views.view(account, asked, grant, beat)
        found = explained(view.account, await view.answered(), reason)
        if found is None:
            raise no_such_period()
        events = {"events": (await told_by(self.views, view, found)).seen_by(grant)}
        body = explanation_rendering.explanation(found)
        return answered(request, body, view, beside=events)

    async def timeline(self, request: web.Request) -> web.Response:
        """Answer with what happened to an account."""
        view, asked = await self._view(request, PAGES)
        recorded = await self.views.recorded(view)
        found = page(entries(recorded, view.now), _entered, asked.cursor, asked.limit)
        stories = told(recorded, view.account.catalogue, UTC)
        said = [shown(each, stories.get(each.recorded.position)) for each in found.entries]
        return _page(request, view, Page(said, found.next))

    async def _view(
        self, request: web.Request, allowed: Sequence[str] = ()
    ) -> tuple[View, Question]:
        grant, asked, account = self._asked(request, allowed)
        beat = await covered(self.watch.pulse, asked)
        view = await self.views.view(account, asked, grant)
        lag_ms = beat.replica_lag_ms(self.views.clock())
        return attrs.evolve(view, replica_lag_ms=lag_ms), asked

    def _asked(
        self, request: web.Request, allowed: Sequence[str] = ()
    ) -> tuple[Grant, Question, str]:
        grant = require(request, Scope.READ)
        asked = question(request, (*CLOCKS, *allowed))
        return grant, asked, named_account(request.match_info["account"])


def routes(accounts: Accounts) -> list[web.RouteDef]:
    """Return the routes of *accounts*."""
    handlers: Mapping[str, Callable[[web.Request], Any]] = {
        "access": accounts.access,
        "billing": accounts.billing,
        "invoices": accounts.invoices,
        "seats": accounts.seats,
        "dunning": accounts.dunning,
        "dunning.svg": accounts.dunning_drawing,
        "explain": accounts.explain,
        "timeline": accounts.timeline,
    }
    return [
        *(
            web.get(f"/v1/accounts/{{account}}/{name}", handler)
            for name, handler in handlers.items()
        ),
        web.get("/v1/accounts/{account}/periods/{start}", accounts.period),
    ]


def named_account(account: str) -> str:
    """Return *account* if there may be one of that name.

    Raises:
        Problem: There is none (404).
    """
    if not is_text(account) or len(account) > ACCOUNT_CHARS_MAX:
        raise unknown_account()
    return account


def is_text(name: str) -> bool:
    """Tell whether PostgreSQL can have a text like *name*."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in name


def _page(request: web.Request, view: View, found: Page[Any]) -> web.Response:
    body = {"account": view.linked.account, **listed(found.entries, found.next)}
    return answered(request, body, view, headers=links(request, found.next))


def _fresh_s(may: Access, now: datetime) -> int:
    """Return for how long the access holds; never beyond the next known change."""
    change = may.next_change
    if change is None:
        return ACCESS_FRESH_S
    return min(ACCESS_FRESH_S, int((change.at - now).total_seconds()))


def _dated(invoice: Mapping[str, Any]) -> tuple[str, str]:
    return invoice["date"] or "", invoice["id"]


def _stepped(step: Step) -> tuple[str, str]:
    return step.at.strftime("%Y-%m-%dT%H:%M:%S.%f"), f"{step.position:018d}"


def _entered(entry: Entry) -> tuple[str, str]:
    return entry.key
