"""Every operation of this door described: deliveries, seats, links, Stripe's own pages.

Rows for the table of `projections.openapi.operations`, of the types that read requests.
"""

from __future__ import annotations

from typing import Any, Final, TypedDict

from ledger.tokens import Scope
from projections.openapi.operations import Operation
from projections.openapi.parts import Position
from webhooks.linking import Link
from webhooks.receiver import PATH
from webhooks.seats import Change, Count
from webhooks.wishes import Checkout, Portal

BODY: Final = (408, 413, 415, 417)


class ReceivedAnswer(TypedDict):
    """A delivery that is in the log."""

    received: bool
    position: Position
    duplicate: bool


class AppendedAnswer(TypedDict):
    """A request that is in the log."""

    position: Position


class BatchAnswer(AppendedAnswer, total=False):
    """A list that is in the log; *positions* where there are several."""

    positions: list[Position]


class HostedAnswer(AppendedAnswer):
    """Opens Stripe's page to whoever has it."""

    url: str


class AliveAnswer(TypedDict):
    """The process answers."""

    alive: bool


class ReadyAnswer(TypedDict):
    """It can keep what it is given."""

    ready: bool


def _taken(
    name: str,
    route: str,
    meaning: str,
    body: Any,  # noqa: ANN401 - a type
    answer: Any = AppendedAnswer,  # noqa: ANN401 - a type
) -> Operation:
    return Operation(
        path=f"/v1/accounts/{{account}}/{route}",
        name=name,
        meaning=meaning,
        method="put" if route == "seats" else "post",
        scope=Scope.SEATS_WRITE,
        body=body,
        keyed=True,
        answers=(answer,),
        done=(200, 201),
        refused=(*BODY, 409, 422),
    )


def _hosted(name: str, route: str, meaning: str, body: Any) -> Operation:  # noqa: ANN401 - a type
    return Operation(
        path=f"/v1/accounts/{{account}}/{route}",
        name=name,
        meaning=meaning,
        method="post",
        scope=Scope.PORTAL,
        body=body,
        keyed=True,
        answers=(HostedAnswer,),
        done=(200, 201),
        refused=(*BODY, 409, 422, 501, 502),
    )


OPERATIONS: Final[tuple[Operation, ...]] = (
    Operation(
        path=PATH,
        name="receive",
        meaning="A delivery of Stripe's, signed by its Stripe-Signature header",
        method="post",
        scope=None,
        answers=(ReceivedAnswer,),
        refused=BODY,
    ),
    _taken("seat_change", "seat-changes", "A user who came or went", Change),
    _taken(
        "seat_changes",
        "seat-changes:batch",
        "Users who came or went, all or none",
        list[Change],
        BatchAnswer,
    ),
    _taken("seats_set", "seats", "All active users, or how many there are", Count),
    _taken("link", "link", "Which customer of Stripe the account is", Link),
    _hosted("portal_session", "portal-sessions", "Stripe's page to manage", Portal),
    _hosted("checkout_session", "checkout-sessions", "Stripe's page to begin", Checkout),
    Operation(
        path="/healthz",
        name="healthz",
        meaning="Whether the process answers",
        scope=None,
        answers=(AliveAnswer,),
    ),
    Operation(
        path="/readyz",
        name="readyz",
        meaning="Whether it can keep what it is given, or why not",
        scope=None,
        answers=(ReadyAnswer,),
    ),
)
