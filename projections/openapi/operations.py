"""Every operation of this door: where it is, what it takes, what it answers.

One table: the document is made of it, and the tests hold the routes to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import attrs

from ledger.tokens import Scope
from projections.explain.tree import Figure
from projections.openapi.account_answers import AccessAnswer, BillingAnswer
from projections.openapi.list_answers import (
    CheckpointAnswer,
    EventAnswer,
    EventsAnswer,
    InvoicesAnswer,
    MovementsAnswer,
    PageAnswer,
    PageWanted,
    SeatsAnswer,
    SeatsThenAnswer,
    StatusAnswer,
    TimelineAnswer,
)
from projections.openapi.period_answers import (
    DunningAnswer,
    ExplanationAnswer,
    PeriodAnswer,
)

Schema = Mapping[str, Any]

POSITION: Final[Schema] = {"type": "integer", "minimum": 0, "maximum": 10**18 - 1}
MOMENT: Final[Schema] = {"type": "string", "format": "date-time"}
MONTH: Final[Schema] = {"type": "string", "pattern": "^[0-9]{4}-(0[1-9]|1[0-2])$"}
TEXT: Final[Schema] = {"type": "string", "minLength": 1, "maxLength": 255}

PARAMETERS: Final[Mapping[str, tuple[Schema, str]]] = {
    "as_of": (MOMENT, "what was true then"),
    "known_at": (
        {"anyOf": [{"type": "integer", "minimum": 1}, MOMENT]},
        "what was known then: a time, or a position",
    ),
    "at_least": (POSITION, "wait until the read models have this position"),
    "at": (MOMENT, "who held a seat then"),
    "limit": ({"type": "integer", "minimum": 1, "maximum": 100}, "entries in a page"),
    "cursor": ({"type": "string"}, "where the list goes on: next of the page before"),
    "account": (TEXT, "a Stripe customer, or the product's own id once linked"),
    "after": (POSITION, "only what came after this position, in order"),
    "figure": ({"enum": [str(each) for each in Figure]}, "what is to be explained"),
    "period": (TEXT, "current, next, or the day it starts, such as 2026-11-01"),
    "from": (MONTH, "the first month, such as 2026-01"),
    "to": (MONTH, "the last month, included"),
}
PLACES: Final[Mapping[str, tuple[Schema, str]]] = {
    "account": PARAMETERS["account"],
    "start": PARAMETERS["period"],
    "event": (TEXT, "a position, or an event's id"),
}
AT_LEAST: Final = "at_least"
CLOCKS: Final = ("as_of", "known_at", AT_LEAST)
PAGES: Final = ("limit", "cursor")
JSON: Final = "application/json"
SVG: Final = "image/svg+xml"
STREAM: Final = "text/event-stream"


@attrs.frozen(kw_only=True)
class Operation:
    """One request and what it is answered with.

    Attributes:
        scope: What a token must hold; None needs none.
        takes: Parameters, of `PARAMETERS`.
        answers: Types of the JSON; empty where it is none.
        also: Other media types that it can be answered in.
        tagged: Whether a caller that has the answer already is told so.
        body: The type of what is sent; None is nothing.
        keyed: Whether it needs an Idempotency-Key.
        done: What it is answered with when all is well.
        refused: Statuses that it alone may be refused with.
    """

    path: str
    name: str
    meaning: str
    method: str = "get"
    scope: Scope | None = Scope.READ
    takes: tuple[str, ...] = ()
    answers: tuple[Any, ...] = ()
    also: tuple[str, ...] = ()
    tagged: bool = False
    body: Any = None
    keyed: bool = False
    done: tuple[int, ...] = (200,)
    refused: tuple[int, ...] = ()


def _of_account(
    name: str, answer: tuple[Any, ...], meaning: str, *takes: str, also: str = ""
) -> Operation:
    return Operation(
        path=f"/v1/accounts/{{account}}/{name}",
        name=name.split("/", maxsplit=1)[0].replace(".", "_"),
        meaning=meaning,
        takes=(*CLOCKS, *takes),
        answers=answer,
        also=(also,) if also else (),
        tagged=True,
    )


OPERATIONS: Final[tuple[Operation, ...]] = (
    _of_account("billing", (BillingAnswer,), "Everything known of an account"),
    _of_account("access", (AccessAnswer,), "What an account may do now, and why"),
    _of_account("invoices", (InvoicesAnswer,), "Invoices, newest first", *PAGES),
    _of_account(
        "seats",
        (SeatsAnswer, SeatsThenAnswer),
        "Seats and who holds them, now or at a moment",
        *PAGES,
        "at",
    ),
    _of_account("dunning", (DunningAnswer,), "What becomes of what was not paid"),
    _of_account("dunning.svg", (), "The same as a drawing", also=SVG),
    _of_account("periods/{start}", (PeriodAnswer,), "What a period comes to"),
    _of_account(
        "explain",
        (ExplanationAnswer,),
        "Why a figure is what it is, down to events",
        "figure",
        "period",
    ),
    _of_account("timeline", (TimelineAnswer,), "What happened, newest first", *PAGES),
    Operation(
        path="/v1/events",
        name="events",
        meaning="Events of the log, newest first, or as they come",
        scope=Scope.AUDIT,
        takes=(*PAGES, "account", "after", AT_LEAST),
        tagged=True,
        answers=(EventsAnswer,),
        also=(STREAM,),
    ),
    Operation(
        path="/v1/events/{event}",
        name="event",
        meaning="One event, with its body",
        scope=Scope.AUDIT,
        takes=(AT_LEAST,),
        answers=(EventAnswer,),
        tagged=True,
    ),
    Operation(
        path="/v1/movements",
        name="movements",
        meaning="How recurring revenue moved from month to month",
        takes=("from", "to", AT_LEAST),
        answers=(MovementsAnswer,),
        tagged=True,
    ),
    Operation(
        path="/v1/status",
        name="status",
        meaning="How far the log and each projection are",
        takes=(AT_LEAST,),
        answers=(StatusAnswer,),
        tagged=True,
    ),
    Operation(
        path="/v1/checkpoint",
        name="checkpoint",
        meaning="The end of the log, to be kept outside its database",
        scope=Scope.AUDIT,
        takes=(AT_LEAST,),
        answers=(CheckpointAnswer,),
        tagged=True,
    ),
    Operation(
        path="/v1/accounts/{account}/page-sessions",
        name="page_session",
        meaning="A link to the billing page, for an admin who may manage users",
        method="post",
        scope=Scope.PAGE,
        body=PageWanted,
        answers=(PageAnswer,),
        done=(201,),
        refused=(408, 413),
    ),
    Operation(
        path="/v1/openapi.json",
        name="openapi",
        meaning="This description",
        scope=None,
        tagged=True,
    ),
)
