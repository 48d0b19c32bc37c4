"""Requests of the product: let in by token, appended once whatever is sent again.

    same key, same request       200, Idempotent-Replayed, the first position
    same key, another request    422
    same key, still under way    409
    no key, or an unreadable one 400

Keys are per account and route and are never forgotten: the log keeps them.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, TypeVar, get_args

import attrs
import msgspec
from aiohttp import web

from ledger.errors import UnavailableError
from ledger.events import Command, CommandEvent
from ledger.log import Log, Receipt, Recorded
from ledger.problems import (
    Problem,
    bad_request,
    no_parameters,
    require,
    unknown_account,
)
from ledger.strictness import NotStrictError, parse
from ledger.tokens import Grant, Scope
from webhooks.bodies import BodyLimits, read_body

T = TypeVar("T")
Reader = Callable[[str, object, Command], Sequence[CommandEvent]]
Names = Callable[[str], Awaitable[frozenset[str]]]
"""Tells all names of an account, by any of them."""

ID_CHARS_MAX: Final = 255
EVENTS_MAX: Final = 1000


class Intake:
    """Takes requests of the product into one log.

    Attributes:
        log: None until the log is open; every request is 503 until then.
        names: Tells all names of an account, by any of them, where links are known.
    """

    def __init__(self, *, limits: BodyLimits, deadline_s: float = 3) -> None:
        self.log: Log | None = None
        self.names: Names | None = None
        self._limits = limits
        self._deadline_s = deadline_s
        self._under_way: set[str] = set()

    async def take(self, request: web.Request, route: str, read: Reader) -> web.Response:
        """Append what *read* makes of the request's body; answer with its position.

        Raises:
            Problem: As in the table above, or 401, 403, 404 for the token.
            UnavailableError: It is not committed, or that is not known.
        """
        grant = require(request, Scope.SEATS_WRITE)
        no_parameters(request)
        account = readable_id("account", request.match_info["account"])
        if grant.account not in {None, account} and not await self._is_own(grant, account):
            raise unknown_account()
        key = idempotency_key(request)
        body = await read_body(request, self._limits)
        command = Command.identify(
            account=account,
            route=route,
            key=key,
            fingerprint=fingerprint(request.method, request.rel_url.raw_path, body),
        )
        try:
            events = read(account, parsed(body), command)
        except Problem:
            await self._refuse_reuse(command)
            raise
        _allow(grant, events)
        return _answer(await self._append(command, events), command)

    async def _is_own(self, grant: Grant, account: str) -> bool:
        """Tell whether *account* is another name of the one that *grant* is bound to."""
        return self.names is not None and grant.account in await self.names(account)

    async def _refuse_reuse(self, command: Command) -> None:
        """Say that a key was used for another request, though this one cannot be read."""
        known = [] if self.log is None else await self.log.find(command.id)
        if known:
            _require_same(known[0], command)

    async def _append(
        self, command: Command, events: Sequence[CommandEvent]
    ) -> Sequence[Receipt]:
        if self.log is None:
            raise UnavailableError("the log is not open yet")
        if command.id in self._under_way:
            raise Problem(
                status=409,
                slug="in-flight",
                detail="a request with this Idempotency-Key is under way; ask again",
                headers={"Retry-After": "1"},
            )
        self._under_way.add(command.id)
        try:
            async with asyncio.timeout(self._deadline_s):
                return await self.log.append_together(events)
        except TimeoutError:
            raise UnavailableError("the database does not answer in time") from None
        finally:
            self._under_way.discard(command.id)


def numbered(command: Command, place: int) -> Command:
    """Return *command* for the event at *place*, from 1, of its request."""
    return attrs.evolve(command, version=place)


def convert(value: object, shape: type[T]) -> T:
    """Return *value* as *shape*.

    Raises:
        Problem: 400, naming the field.
    """
    try:
        return msgspec.convert(value, shape)
    except msgspec.ValidationError as error:
        raise bad_request(f"the body is not as expected: {error}") from None


def readable_id(name: str, value: str) -> str:
    """Return *value*, an id of the product's.

    Raises:
        Problem: 400; it is empty, too long, or holds what cannot be printed.
    """
    if not (0 < len(value) <= ID_CHARS_MAX and value.isprintable()):
        raise bad_request(f"{name} is not 1 to {ID_CHARS_MAX} printable characters")
    return value


def idempotency_key(request: web.Request) -> str:
    """Return the key by which *request* is known when it comes again.

    Raises:
        Problem: There is none, or it cannot be read (400).
    """
    keys = request.headers.getall("Idempotency-Key", ())
    if len(keys) != 1:
        raise bad_request("send one Idempotency-Key, new for each new request")
    key = keys[0]
    if not (0 < len(key) <= ID_CHARS_MAX and key.isascii() and key.isprintable()):
        raise bad_request(f"Idempotency-Key is not 1 to {ID_CHARS_MAX} ASCII characters")
    return key


def fingerprint(method: str, path: str, body: bytes) -> str:
    """Digest a request, so that the same key with another request is told apart."""
    digest = hashlib.sha256()
    for part in (method.encode(), path.encode(), body):
        digest.update(len(part).to_bytes(4, "big") + part)
    return digest.hexdigest()


def parsed(body: bytes) -> object:
    """Return the JSON of *body*.

    Raises:
        Problem: It is none (400).
    """
    try:
        return parse(body)
    except NotStrictError as error:
        raise bad_request(f"the body is not JSON: {error}") from None


def key_reused() -> Problem:
    """Say that a key was used for another request."""
    return Problem(
        status=422,
        slug="key-reused",
        detail="this Idempotency-Key was used for another request; take a new one",
    )


def _allow(grant: Grant, events: Sequence[CommandEvent]) -> None:
    """Keep a token that is bound to one account from reaching another through a link."""
    customers = {getattr(event, "customer", None) for event in events}
    if grant.account is not None and not customers <= {None, grant.account}:
        raise unknown_account()


def _require_same(original: Recorded, command: Command) -> None:
    first = original.event
    if not isinstance(first, _COMMANDS) or (
        first.command.fingerprint != command.fingerprint
    ):
        raise key_reused()


def _answer(receipts: Sequence[Receipt], command: Command) -> web.Response:
    originals = [receipt.original for receipt in receipts if receipt.original is not None]
    for original in originals:
        _require_same(original, command)
    position = receipts[-1].position
    answer: dict[str, Any] = {"position": position}
    if len(receipts) > 1:
        answer["positions"] = [receipt.position for receipt in receipts]
    headers = {"Ledger-Position": str(position)}
    if originals:
        headers["Idempotent-Replayed"] = "true"
    return web.Response(
        status=200 if originals else 201,
        body=msgspec.json.encode(answer),
        content_type="application/json",
        headers=headers,
    )


_COMMANDS: Final = get_args(CommandEvent)
