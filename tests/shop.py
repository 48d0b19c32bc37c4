"""A shop that bills through Stripe: deliveries and seat changes in, read API out."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, Final

import attrs
from aiohttp.test_utils import TestClient, TestServer

from doors import TOKEN_KEY, Served, exchange, post, served
from ledger.clock import utc_now
from ledger.database import Role
from ledger.postgres import PostgresLog
from ledger.tokens import mint
from projections.api.app import Api, application
from projections.projector import process
from projections.reading import Reader

CUSTOMER: Final = "cus_JT01"
TODAY: Final = utc_now().replace(microsecond=0, second=0, minute=0)
VERSION: Final = "2026-02-25.clover"


def day(number: float) -> datetime:
    """Return the hour *number* days from today."""
    return TODAY + timedelta(days=number)


def seconds(moment: datetime) -> int:
    return int(moment.timestamp())


def item(price: str, quantity: int, start: float = -10, end: float = 20) -> dict[str, Any]:
    """Return an item of a subscription as clover shows it."""
    return {
        "id": f"si_{price}",
        "object": "subscription_item",
        "quantity": quantity,
        "price": {
            "id": f"price_{price}",
            "object": "price",
            "product": f"prod_{price}",
            "currency": "usd",
            "created": seconds(day(-400)),
            "billing_scheme": "per_unit",
            "unit_amount": 9900 if price == "base" else 800,
            "unit_amount_decimal": "9900" if price == "base" else "800",
            "recurring": {"interval": "month", "interval_count": 1},
            "metadata": METADATA.get(price, {}),
        },
        "current_period_start": seconds(day(start)),
        "current_period_end": seconds(day(end)),
    }


METADATA: Final[Mapping[str, Mapping[str, str]]] = {
    "base": {"billing_role": "base", "included_seats": "10"},
    "seat": {"billing_role": "seat", "seat_quantity": "extra"},
}


def subscription(
    status: str = "active",
    **changes: Any,  # noqa: ANN401 - any field
) -> dict[str, Any]:
    """Return a subscription with ten seats included and two more billed."""
    return {
        "id": "sub_1",
        "object": "subscription",
        "customer": CUSTOMER,
        "status": status,
        "created": seconds(day(-40)),
        "currency": "usd",
        "items": {"object": "list", "data": [item("base", 1), item("seat", 2)]},
        "cancel_at_period_end": False,
        "cancel_at": None,
        "canceled_at": None,
        "ended_at": None,
        "trial_end": None,
        **changes,
    }


@attrs.define
class Shop:
    """The doors of one ledger."""

    door: Served
    client: TestClient[Any, Any]
    log: PostgresLog
    conninfo: str
    numbers: Any = attrs.Factory(lambda: count(1))

    async def deliver(
        self,
        kind: str,
        shown: Mapping[str, object],
        at: float = 0,
        before: Mapping[str, object] | None = None,
    ) -> int:
        """Deliver an event of Stripe's, created *at* days from today."""
        number = next(self.numbers)
        data = {"object": shown} | (
            {} if before is None else {"previous_attributes": before}
        )
        body = {
            "id": f"evt_{number:04}",
            "object": "event",
            "api_version": VERSION,
            "created": seconds(day(at)),
            "type": kind,
            "livemode": False,
            "data": data,
        }
        reply = await self.door.deliver(json.dumps(body, indent=2).encode())
        assert reply.status == 200, reply.body
        return int(str(reply.json["position"]))

    async def tell(
        self, method: str, path: str, body: object, account: str = CUSTOMER
    ) -> int:
        """Tell a seat change, a set or a link, under a key of its own."""
        token = mint(
            key=TOKEN_KEY, scopes=["seats:write"], account=None, expires_at=None, now=TODAY
        )
        headers = [
            f"Authorization: Bearer {token}",
            f"Idempotency-Key: key-{next(self.numbers)}",
        ]
        request = post(
            json.dumps(body).encode(),
            signatures=[],
            headers=headers,
            path=f"/v1/accounts/{account}/{path}",
            method=method,
        )
        reply = await exchange(self.door.port, request)
        assert reply.status == 201, reply.body
        return int(reply.headers["Ledger-Position"])

    async def seat(
        self, user: str, *, active: bool = True, at: float | None = None, **told: str
    ) -> int:
        """Tell that a user got a seat, or that it was freed."""
        body: dict[str, object] = {"user": user, "active": active, **told}
        if at is not None:
            body["effective_at"] = day(at).isoformat()
        return await self.tell("POST", "seat-changes", body)

    async def users(self, *names: str) -> int:
        """Tell all the active users."""
        return await self.tell("PUT", "seats", {"users": list(names)})

    async def get(self, path: str, *, scope: str = "read") -> dict[str, Any]:
        """Ask the read API, once it has caught up."""
        await process.catch_up(self.conninfo, self.log)
        token = mint(
            key=TOKEN_KEY, scopes=[scope], account=None, expires_at=None, now=TODAY
        )
        sent = {"Authorization": f"Bearer {token}"}
        async with self.client.get(path, headers=sent) as answer:
            assert answer.status == 200, await answer.text()
            body: dict[str, Any] = await answer.json()
            return body

    async def billing(self, question: str = "", account: str = CUSTOMER) -> dict[str, Any]:
        """Ask for everything about an account."""
        return await self.get(f"/v1/accounts/{account}/billing{question}")


@asynccontextmanager
async def opened(conninfo: str) -> AsyncIterator[Shop]:
    """Open the doors of the ledger in the database of *conninfo*."""
    async with PostgresLog.open(conninfo, role=Role.APPENDER) as log:
        reader = Reader(conninfo)
        await reader.open()
        api = Api(reader=reader, log=log, ledger_id=log.ledger_id, mode=log.mode)
        server = TestServer(application(api, [TOKEN_KEY]))
        async with served(log=log) as door, TestClient(server) as client:
            yield Shop(door, client, log, conninfo)
        await reader.close()


def moment(written: str) -> datetime:
    """Read a time as the API writes it."""
    return datetime.fromisoformat(written).astimezone(UTC)
