"""The billing page over HTTP.

POST /v1/accounts/{account}/page-sessions        a link, for an admin the product names
GET  /billing/{account}?link=…                   the link becomes a cookie
GET  /billing/{account}                          the page
GET  /billing/{account}/explain?figure=total     why a figure is what it is
GET  /billing/{account}/invoices, …/activity     all of them, a page at a time
GET  /billing/{account}/freshness?seen=TAG       the last line alone, for refreshing
GET  /billing/-/page.….css                       the page's own files
"""

from __future__ import annotations

from typing import Any, Final

import attrs
import msgspec
from aiohttp import web

from ledger.log import Log
from ledger.problems import Problem, bad_request, unknown_account
from projections import rendering
from projections.api.accounts import named_account
from projections.api.paging import page as page_of
from projections.explain.figures import explanation
from projections.explain.tree import Figure
from projections.page import assets, tree, visits
from projections.page.activity import SHOWN, Happened, told
from projections.page.answers import html, reader_of, seen
from projections.page.composing import composed, name_of
from projections.page.document import Document, Invoice
from projections.page.explaining import Explanation, of_invoice
from projections.page.freshness import freshness
from projections.page.offers import Offer
from projections.page.pricing import offers
from projections.page.recent import Recent
from projections.page.sessions import Session
from projections.page.showing import Showing, Shown
from projections.page.view import Mode, mode_of
from projections.page.visits import now_of, path_of, visitor
from projections.reading import Reader
from projections.seating.history import held, steps

INVOICE: Final = "invoice"
INVOICES_PAGE: Final = 50
STEPS_SHOWN: Final = 50
HOLDERS_SHOWN: Final = 200


@attrs.frozen(kw_only=True)
class Pages:
    """The handlers of the page's paths.

    Attributes:
        prices: Those that are offered where there is nothing to manage.
    """

    showing: Showing
    recent: Recent
    reader: Reader
    log: Log
    prices: tuple[str, ...] = ()

    async def invite(self, request: web.Request) -> web.Response:
        """Answer with a link to an account's page."""
        grant, account = visits.asked_account(request)
        if grant.account not in {None, account}:
            found = await self.reader.find(account)
            if grant.account not in found.linked.streams:
                raise unknown_account()
        return await visits.invite(request, account)

    async def billing(self, request: web.Request) -> web.Response:
        """Answer with the page, or with the cookie that a link is exchanged for."""
        account = named_account(request.match_info["account"])
        if visits.LINK in request.query:
            return visits.exchanged(request, account)
        session = visitor(request, account)
        shown = await self.showing.kept(request, session)
        found = await self.recent.lately(shown, reader_of(request))
        return composed(
            request,
            shown.document,
            path=path_of(account),
            token=visits.form_token(request, session),
            tag=shown.tag,
            activity=found.entries[:SHOWN],
            offers=await self._offers(shown.document),
        )

    async def freshness(self, request: web.Request) -> web.Response:
        """Answer with the last line; where figures have changed, the page asks for them."""
        session = self._visitor(request)
        shown = await self.showing.kept(request, session)
        now = shown.document.meta.as_of
        response = html(request, "freshness.html", now, fresh=freshness(shown.document))
        if request.query.get("seen") != shown.tag:
            response.headers["HX-Trigger"] = "figures-changed"
        return response

    async def invoices(self, request: web.Request) -> web.Response:
        """Answer with all invoices, a page at a time."""
        shown = await self.showing.whole(request, self._visitor(request))
        cursor = request.query.get("cursor")
        rows = [] if shown.billing is None else rendering.invoices(shown.billing)
        found = page_of(rows, _dated, cursor, INVOICES_PAGE)
        listed = msgspec.convert(list(found.entries), list[Invoice])
        return _listing(
            request, shown, "invoices", title="Invoices", rows=listed, next=found.next
        )

    async def activity(self, request: web.Request) -> web.Response:
        """Answer with what happened, a page at a time."""
        shown = await self.showing.kept(request, self._visitor(request))
        before = request.query.get("cursor")
        if before is not None and not (before.isdigit() and before.isascii()):
            raise bad_request("cursor is none that this page gave")
        at = None if before is None else int(before[:18])
        found = await self.recent.before(shown, reader_of(request), at)
        return _listing(
            request,
            shown,
            "activity",
            title="Activity",
            rows=found.entries,
            next=found.next,
        )

    async def explain(self, request: web.Request) -> web.Response:
        """Answer with why a figure is what it is."""
        shown = await self.showing.whole(request, self._visitor(request))
        explained = _explanation(request, shown)
        return html(
            request,
            "explain.html",
            shown.document.meta.as_of,
            told=explained,
            name=name_of(shown.document),
            path=path_of(request.match_info["account"]),
            events=await self._events(shown, explained),
            **_seating(shown, wanted=request.query["figure"] == Figure.SEATS),
        )

    async def _offers(self, document: Document) -> list[Offer]:
        if mode_of(document) is Mode.MANAGE or not self.prices:
            return []
        return await offers(self.reader, self.prices, document.meta.as_of)

    def _visitor(self, request: web.Request) -> Session:
        return visitor(request, named_account(request.match_info["account"]))

    async def _events(self, shown: Shown, explained: Explanation) -> dict[int, Happened]:
        if shown.view is None:
            return {}
        streams = shown.view.linked.streams
        recorded = [
            each
            for position in explained.evidence
            async for batch in self.log.read(
                after=position - 1, until=position, accounts=streams
            )
            for each in batch
        ]
        found = {each.position: each for each in told(recorded, shown.view.now)}
        return dict(sorted(found.items()))


def routes(pages: Pages) -> list[web.RouteDef]:
    """Return the routes of *pages*; the application needs `problems` and `TOKEN_KEYS`."""
    below = {
        "": pages.billing,
        "/freshness": pages.freshness,
        "/invoices": pages.invoices,
        "/activity": pages.activity,
        "/explain": pages.explain,
    }
    return [
        web.post("/v1/accounts/{account}/page-sessions", pages.invite),
        web.get(assets.ROUTE, assets.served),
        *(
            web.get(f"/billing/{{account}}{name}", seen(handler, now_of))
            for name, handler in below.items()
        ),
    ]


def _listing(
    request: web.Request, shown: Shown, kind: str, /, **listed: object
) -> web.Response:
    path = path_of(request.match_info["account"])
    return html(
        request,
        "listing.html",
        shown.document.meta.as_of,
        kind=kind,
        name=name_of(shown.document),
        path=path,
        here=f"{path}/{kind}",
        later="cursor" in request.query,
        **listed,
    )


def _explanation(request: web.Request, shown: Shown) -> Explanation:
    asked = request.query.get("figure", "")
    name = request.query.get("id")
    rows = [] if shown.billing is None else rendering.invoices(shown.billing)
    if asked == INVOICE:
        invoice = next((row for row in rows if row["id"] == name), None)
        if invoice is not None:
            return of_invoice(msgspec.convert(invoice, Invoice))
    elif shown.view and shown.billing and asked in _figures(shown.document):
        found = explanation(shown.view.account, shown.billing, Figure(asked))
        names = {row["id"]: f"invoice {row['number']}" for row in rows if row["number"]}
        return tree.told(found, reader_of(request), names)
    raise Problem(status=404, slug="not-found", detail="there is no such figure")


def _figures(document: Document) -> set[Figure]:
    """Return those of the account's figures that there are."""
    told = {
        Figure.STATUS: True,
        Figure.SEATS: document.seats,
        Figure.TOTAL: document.period_total,
        Figure.DUNNING: document.dunning,
    }
    return {figure for figure, value in told.items() if value}


def _seating(shown: Shown, *, wanted: bool) -> dict[str, Any]:
    """Return who holds a seat and how it came to that, as far as a page shows it."""
    if shown.view is None or not wanted:
        return {"steps": [], "holders": [], "unnamed": 0}
    registers, now = shown.view.account.registers, shown.view.now
    holders = held(registers, now)
    named = holders.seats[:HOLDERS_SHOWN]
    return {
        "steps": list(reversed(steps(registers, now)[-STEPS_SHOWN:])),
        "holders": named,
        "unnamed": holders.active - len(named),
    }


def _dated(invoice: dict[str, Any]) -> tuple[str, str]:
    return invoice["date"] or "", invoice["id"]
