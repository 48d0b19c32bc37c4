"""The server: from a request to what Stripe would answer, or to what goes wrong.

key ─ version ─ fault ─ address ─ permission ─ objects in that version ─ page
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Final

import attrs
import msgspec
from aiohttp import web

from replay.simulator.api import errors
from replay.simulator.api.access import ApiKey, api_key
from replay.simulator.api.asking import asked
from replay.simulator.api.company import Company, Written
from replay.simulator.api.faults import Fault, FaultKind, Faults
from replay.simulator.api.idempotency import Answer, KeptAnswers
from replay.simulator.api.pages import listing
from replay.simulator.api.reading import Place, Reader, place
from replay.simulator.api.sessions import MAKERS
from replay.simulator.api.shelf import Shelf
from replay.simulator.api.versions import shape_of
from replay.simulator.api.writing import Change, change_at, nested
from replay.simulator.chances import Chance
from replay.simulator.envelope import Request
from replay.simulator.identities import Identities
from replay.simulator.occurrences import StripeOccurrence

SECRET_KEY: Final = "sk_test_simulated"  # noqa: S105 -- opens nothing but this simulator
_SEEN_MAX: Final = 100_000
_SINGLE: Final = {
    "account": "rak_accounts_kyc_basic_read",
    "balance": "rak_balance_read",
}
_REFUSALS: Final[Mapping[FaultKind, errors.StripeError]] = {
    FaultKind.BROKEN: errors.broken(),
}


@attrs.frozen
class Seen:
    """A request that came, for whoever wants to know what was asked."""

    method: str
    path: str
    version: str | None
    idempotency_key: str | None


class StripeServer:
    """Plays the API of one company.

    Attributes:
        faults: What is to go wrong.
        seen: The latest requests, the oldest first.
        answers: Kept by idempotency key.
        tell: What is to be called with the event about a change that a request made.
    """

    def __init__(
        self, company: Company, keys: Iterable[ApiKey] = (ApiKey(SECRET_KEY),)
    ) -> None:
        self.company = company
        self.faults = Faults()
        self.seen: deque[Seen] = deque(maxlen=_SEEN_MAX)
        self.answers = KeptAnswers()
        self.tell: Callable[[StripeOccurrence], None] = _nobody
        self._keys = {key.secret: key for key in keys}
        chance = Chance.named(f"{company.simulation.seed}/api")
        letters = company.account_id[-10:]
        self._ids = Identities(chance=chance, stripe_account=letters)

    def application(self) -> web.Application:
        """Return what listens; below ``/v1/`` it is Stripe."""
        application = web.Application()
        application.router.add_route("*", "/v1/{path:.*}", self.handle)
        return application

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        request_id = self._ids.short("req")
        version = request.headers.get("Stripe-Version")
        headers = {
            "Request-Id": request_id,
            "Stripe-Version": version or self.company.version.value,
        }
        key = request.headers.get("Idempotency-Key")
        if key is not None:
            headers["Idempotency-Key"] = key
        self.seen.append(Seen(request.method, request.path, version, key))
        try:
            answer = await self._answer(request, version)
        except errors.StripeError as refused:
            headers |= refused.headers
            answer = Answer(refused.status, refused.to_bytes())
        if answer.replayed:
            headers["Idempotent-Replayed"] = "true"
        return web.Response(
            status=answer.status,
            body=answer.body,
            headers=headers,
            content_type="application/json",
        )

    async def _answer(self, request: web.Request, version: str | None) -> Answer:
        key = api_key(request.headers, self._keys)
        account = request.headers.get("Stripe-Account", self.company.account_id)
        if account != self.company.account_id:
            raise errors.other_account(key.secret, account)
        shape = shape_of(version) if version else self.company.version
        if self.faults.is_too_fast():
            raise errors.too_many(None)
        fault = self.faults.take(request.method, request.path)
        if fault is not None:
            await self._go_wrong(request, fault)
        path = request.match_info["path"].strip("/")
        shelf = await self.company.shelf(shape)
        if request.method == "GET":
            return Answer(200, self._read(request, path, key, shelf, fault))
        return await self._write(request, path, key, shelf)

    def _read(
        self,
        request: web.Request,
        path: str,
        key: ApiKey,
        shelf: Shelf,
        fault: Fault | None,
    ) -> bytes:
        """Return the body of the answer to a GET."""
        if path in _SINGLE:
            self._permit(key, _SINGLE[path])
            return msgspec.json.encode(_singles(self.company)[path])
        asked_for = place(path)
        if asked_for is None:
            raise errors.unknown_address(request.method, request.path)
        self._permit(key, asked_for.permission)
        if asked_for.resource.name == "event":
            shelf = self.company.events
        reader = Reader(shelf=shelf, url=request.path, request=asked(request.query.items()))
        if fault is None:
            return reader.whole(asked_for)
        return self._damaged(reader, asked_for, fault)

    async def _write(
        self, request: web.Request, path: str, key: ApiKey, shelf: Shelf
    ) -> Answer:
        """Answer a request that makes or changes something, once for each key."""
        pairs = {**request.query, **await request.post()}
        form = {name: str(value) for name, value in pairs.items()}
        idempotency_key = request.headers.get("Idempotency-Key")

        async def do() -> Answer:
            if request.method == "POST" and path in MAKERS:
                maker, permission = MAKERS[path]
                self._permit(key, permission)
                made = maker(form, shelf, self._ids, self.company.now)
                return Answer(200, msgspec.json.encode(made))
            found = change_at(request.method, path)
            if found is None:
                raise errors.unsupported(request.method, request.path)
            self._permit(key, found[0].permission)
            return await self._change(*found, form, shelf, idempotency_key)

        same = (request.method, path, form)
        return await self.answers.once(idempotency_key, same, do)

    async def _change(
        self,
        change: Change,
        object_id: str,
        form: Mapping[str, str],
        shelf: Shelf,
        idempotency_key: str | None,
    ) -> Answer:
        """Change an object, and tell and deliver the event about it."""
        plain = {name: value for name, value in form.items() if "expand" not in name}
        whole = nested(plain)
        for name in sorted(whole.keys() - change.understood):
            raise errors.unknown_parameter(name)
        asked_for = shelf.find(change.asked, object_id)
        if asked_for is None or asked_for.deleted:
            raise errors.no_such(change.asked, object_id, param="id")
        name, changed_id = change.asked, object_id
        if change.held_by is not None:
            name, changed_id = change.held_by, asked_for.rendered()[change.held_by]
        now = self.company.now
        written = Written(
            name=name,
            object_id=changed_id,
            told=change.told,
            alter=lambda rendered: change.alter(rendered, whole, object_id, now),
            at=now,
        )
        cause = Request(self._ids.short("req"), idempotency_key)
        event_id = self._ids.dated("evt", now)
        occurrence = await self.company.write(written, event_id, cause)
        if occurrence is not None:
            self.tell(occurrence)
        return Answer(200, asked_for.body)

    async def _go_wrong(self, request: web.Request, fault: Fault) -> None:
        """Fail before anything is answered, where the fault is of that kind."""
        if fault.kind is FaultKind.TOO_MANY:
            raise errors.too_many(fault.retry_after_s)
        if fault.kind in _REFUSALS:
            raise _REFUSALS[fault.kind]
        if fault.kind is FaultKind.GONE:
            object_id = request.path.rpartition("/")[2]
            raise errors.no_such("object", object_id, param="id")
        if fault.kind is FaultKind.UNKNOWN:
            raise errors.unknown_address(request.method, request.path)
        if fault.kind is FaultKind.HANG:
            await asyncio.sleep(fault.seconds)
        if fault.kind is FaultKind.CLOSE and request.transport is not None:
            request.transport.close()

    def _damaged(self, reader: Reader, asked_for: Place, fault: Fault) -> bytes:
        """Return an answer that looks whole, and is not."""
        if fault.kind is FaultKind.CUT or not asked_for.is_list:
            body = reader.whole(asked_for)
            return body[: len(body) // 2] if fault.kind is FaultKind.CUT else body
        found, has_more = reader.listed(asked_for)
        bodies = reader.bodies(found)
        if fault.kind is FaultKind.SKIP and bodies:
            del bodies[len(bodies) // 2]
        if fault.kind is FaultKind.REPEAT and bodies:
            bodies.insert(0, reader.before(asked_for) or bodies[-1])
        return listing(reader.url, bodies, has_more=has_more)

    def _permit(self, key: ApiKey, permission: str) -> None:
        if not key.may(permission):
            raise errors.not_permitted(key.secret, self.company.account_id, permission)


def _nobody(_occurrence: StripeOccurrence) -> None:
    """Tell nobody."""


def _singles(company: Company) -> dict[str, dict[str, object]]:
    """Return what there is one of."""
    nothing = [{"amount": 0, "currency": "usd", "source_types": {"card": 0}}]
    return {
        "account": {
            "id": company.account_id,
            "object": "account",
            "business_profile": {"name": "Acme", "url": "https://acme.example"},
            "charges_enabled": True,
            "country": "US",
            "created": int(company.simulation.start.timestamp()),
            "default_currency": "usd",
            "details_submitted": True,
            "email": "billing@acme.example",
            "payouts_enabled": True,
            "settings": {"dashboard": {"display_name": "Acme", "timezone": "Etc/UTC"}},
            "type": "standard",
        },
        "balance": {
            "object": "balance",
            "available": nothing,
            "livemode": company.livemode,
            "pending": nothing,
        },
    }
