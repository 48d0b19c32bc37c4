"""A Stripe door on a real socket, and deliveries to knock with."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress

import attrs

from ledger.events import StripeEvent
from ledger.log import Log, Recorded
from ledger.settings import Mode, Secret, Settings, WebhookSecret
from ledger.twin import MemoryLog
from replay.simulator.signing import header
from webhooks.app import Door, application
from webhooks.process import Listener

SECRET = "whsec_of_the_tests"
TOKEN_KEY = b"a key for tests and of no other use"
PATH = "/webhooks/stripe"


@attrs.frozen
class Reply:
    """An answer as it came over the wire."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, object]:
        return dict(json.loads(self.body))


@attrs.frozen
class Served:
    """A door of this process, and the log behind it."""

    port: int
    door: Door
    log: Log
    listener: Listener

    async def stored(self) -> list[Recorded]:
        return [each async for page in self.log.read() for each in page]

    async def bodies(self) -> list[bytes]:
        events = [recorded.event for recorded in await self.stored()]
        return [event.body for event in events if isinstance(event, StripeEvent)]

    async def deliver(self, body: bytes, **options: object) -> Reply:
        return await deliver(self.port, body, **options)


def settings_of(*secrets: WebhookSecret, **changes: object) -> Settings:
    given = secrets or (WebhookSecret(secret=Secret(SECRET)),)
    base = Settings(
        port=0,
        mode=Mode.TEST,
        webhook_secrets=given,
        token_keys=(Secret(TOKEN_KEY),),
        grace_s=3,
    )
    return attrs.evolve(base, **changes)  # type: ignore[arg-type]


@asynccontextmanager
async def served(
    settings: Settings | None = None, log: Log | None = None
) -> AsyncIterator[Served]:
    """Serve a door in this process."""
    settings = settings or settings_of()
    log = log or MemoryLog()
    door = Door(settings)
    door.token_keys.append(TOKEN_KEY)
    listener = await Listener.start(application(door), door, settings)
    door.open(log)
    try:
        yield Served(listener.port, door, log, listener)
    finally:
        await listener.close()


def event(event_id: str = "evt_1", **changes: object) -> bytes:
    """Write a Stripe event as Stripe does: over several lines."""
    body = {
        "id": event_id,
        "object": "event",
        "api_version": "2026-02-25.clover",
        "created": 1_793_523_600,
        "type": "customer.updated",
        "livemode": False,
        "pending_webhooks": 1,
        "data": {"object": {"id": "cus_1", "object": "customer"}},
        **changes,
    }
    return json.dumps(body, indent=2).encode()


def signed(body: bytes, *, secret: str = SECRET, age_s: int = 0) -> str:
    """Sign *body*, *age_s* seconds ago."""
    return header(secret=secret, timestamp=int(time.time()) - age_s, body=body)


def post(
    body: bytes,
    *,
    signatures: Sequence[str] | None = None,
    headers: Sequence[str] = (),
    chunked: bool = False,
    path: str = PATH,
    method: str = "POST",
) -> bytes:
    """Write a request; each item of *headers* is a whole line."""
    given = [signed(body)] if signatures is None else signatures
    lines = [f"{method} {path} HTTP/1.1", "Host: door", "Content-Type: application/json"]
    lines += [f"Stripe-Signature: {signature}" for signature in given]
    lines += headers
    if chunked:
        lines.append("Transfer-Encoding: chunked")
        parts = [body[at : at + 5000] for at in range(0, len(body), 5000)]
        body = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts)
        body += b"0\r\n\r\n"
    elif not any(line.lower().startswith("content-length") for line in headers):
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("utf-8", "surrogateescape") + body


async def deliver(port: int, body: bytes, **options: object) -> Reply:
    """Post *body* on a connection of its own."""
    return await exchange(port, post(body, **options))  # type: ignore[arg-type]


async def exchange(port: int, request: bytes) -> Reply:
    """Send *request* as it is and return the first answer."""
    async with connected(port) as (reader, writer):
        writer.write(request)
        return await reply(reader)


@asynccontextmanager
async def connected(
    port: int,
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Connect, and end the connection with the block."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield reader, writer
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def reply(reader: asyncio.StreamReader) -> Reply:
    """Read one answer."""
    async with asyncio.timeout(20):
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        status_line, *lines = head.strip().split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines)
        body = await reader.readexactly(int(headers.get("Content-Length", "0")))
    return Reply(int(status_line.split()[1]), headers, body)


@attrs.frozen
class Process:
    """A door in a process of its own."""

    process: asyncio.subprocess.Process
    port: int
    metrics_port: int


async def start_process(
    *arguments: str, **environment: str
) -> tuple[asyncio.subprocess.Process, asyncio.StreamReader]:
    """Start ``python -m webhooks`` with no other setting than *environment*."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("LEDGER_", "STRIPE_", "DATABASE_", "SMTP_"))
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",
        "-m",
        "webhooks",
        *arguments,
        env={**inherited, **environment},
        stderr=asyncio.subprocess.PIPE,
    )
    if process.stderr is None:
        raise RuntimeError("its standard error is not a pipe")
    return process, process.stderr


@asynccontextmanager
async def process(database_url: str, **environment: str) -> AsyncIterator[Process]:
    """Run a door against *database_url* until the block ends."""
    given = {
        "DATABASE_URL": database_url,
        "LEDGER_PORT": "0",
        "LEDGER_MODE": "test",
        "LEDGER_TOKEN_KEY": TOKEN_KEY.decode(),
        "STRIPE_WEBHOOK_SECRETS": SECRET,
        **environment,
    }
    running, errors = await start_process(
        **{name: given[name] for name in given if given[name]}
    )
    try:
        async with asyncio.timeout(30):
            listening = await line_of(errors, "listening")
            await line_of(errors, "ready")
        drained = asyncio.create_task(errors.read())
        yield Process(running, int(listening["port"]), int(listening["metrics_port"]))
    finally:
        if running.returncode is None:
            running.kill()
        await running.wait()
    await drained


async def line_of(errors: asyncio.StreamReader, name: str) -> dict[str, str]:
    """Return the fields of the next log line called *name*."""
    seen = []
    while line := await errors.readline():
        seen.append(line.decode())
        if line.startswith(b"{") and (fields := json.loads(line))["event"] == name:
            return dict(fields)
    raise RuntimeError(f"no line {name} in {''.join(seen)}")
