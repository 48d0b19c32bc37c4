"""What is said of a price with ``bl terms set``, over what was set before."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final

import attrs
from cyclopts import Parameter
from cyclopts.validators import Number

from ledger.events import TermsSet
from ledger.moments import rfc3339
from projections import facts
from projections.terms import DIGITS_MAX, Counts, Increase, Role
from replay.decisions import command

INCLUDED_MAX: Final = 10**DIGITS_MAX - 1
COUNTS: Final[Mapping[str | None, str | None]] = {
    "all": "every seat",
    "extra": "seats above the included",
    None: None,
}
INCREASES: Final[Mapping[str | None, str | None]] = {
    "prorated": "for the rest of the period",
    "full": "for the whole period",
    "next_cycle": "from the next period on",
    None: None,
}
PARTS: Final = ("role", "included", "counts", "increase")


@Parameter(name="*")
@attrs.frozen(kw_only=True)
class Given:
    """The parts that are given; None leaves one as it was set before."""

    role: Annotated[Role | None, Parameter(help="What it is on an invoice.")] = None
    included: Annotated[
        int | None,
        Parameter(
            validator=Number(gte=0, lte=INCLUDED_MAX), help="Seats that cost nothing extra."
        ),
    ] = None
    counts: Annotated[
        Counts | None,
        Parameter(name="--quantity", help="What Stripe's quantity counts of the seats."),
    ] = None
    increase: Annotated[
        Increase | None, Parameter(help="How a seat added within a period is charged.")
    ] = None

    def event(
        self,
        price: str,
        before: facts.TermsSet | None,
        effective_at: datetime | None,
        actor: str | None,
    ) -> TermsSet:
        """Return what is to be appended: these parts, and the others as *before*."""
        role, included, counts, increase = (
            mine if mine is not None else set_before
            for mine, set_before in zip(said_by(self), said_by(before), strict=True)
        )
        return TermsSet(
            command=command("terms"),
            price=price,
            role=role,
            included=included,
            counts=counts,
            increase=increase,
            actor=actor,
            effective_at=effective_at,
        )


def said_by(terms: Given | TermsSet | facts.TermsSet | None) -> tuple[Any, ...]:
    """Return the parts of *terms*; None for each that they do not say."""
    return tuple(None if terms is None else getattr(terms, name) for name in PARTS)


def sentence(event: TermsSet) -> str:
    """Return what *event* says, from when on."""
    parts = [
        None if event.role is None else f"is {event.role}",
        None if event.included is None else f"includes {event.included:,} seats",
        None if event.counts is None else f"its quantity counts {COUNTS[event.counts]}",
        None
        if event.increase is None
        else f"an added seat is charged {INCREASES[event.increase]}",
    ]
    said = "; ".join(part for part in parts if part) or "is left to Stripe's metadata"
    start = "now on" if event.effective_at is None else rfc3339(event.effective_at)
    return f"{event.price} {said}; from {start}"
