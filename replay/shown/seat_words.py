"""The figures of an account's seats in words: what is paid for, and what is not known.

12 active · 10 included · 12 billed · 2 extra
Stripe bills 1 of 2 wanted: one too few
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from projections.story.phrases import counted

Figures = Mapping[str, Any]

UNKNOWN: Final = "not known yet"
TERMS: Final[Mapping[str | None, str]] = {
    "set": "as set with bl terms set",
    "event": "as set with bl terms set",
    "metadata": "from the metadata in Stripe",
    "inferred": "inferred from the prices, since nobody has said; see bl terms",
    None: "none: no price of the subscription is known to sell seats",
}
SOURCES: Final[Mapping[str, str]] = {
    "product": "the product's own seat changes",
    "stripe": "Stripe's quantity, until the product has told of all its users",
}
BASELINE_CODE: Final = "seats_baseline_missing"
BASELINE: Final = (
    "Who is active is not known yet: the product has not told of all its users, and those "
    "it named do not explain what Stripe bills. Until then Stripe's quantity is what "
    "counts; a full set or a count (PUT /v1/accounts/…/seats) settles it."
)


def line(seats: Figures | None) -> str | None:
    """Return the seats in one line; None where there are none to speak of."""
    if seats is None:
        return None
    parts = [
        f"{seats[name]:,} {said}"
        for name, said in (
            ("active", "active"),
            ("included", "included"),
            ("billed", "billed"),
            ("extra", "extra"),
        )
        if seats[name] is not None
    ]
    if seats["freed_next_cycle"]:
        parts.append(f"{seats['freed_next_cycle']:,} freed next cycle")
    if seats["active"] is None:
        parts.append("active not known yet")
    return " · ".join(parts) + _drift_clause(seats)


def card(seats: Figures | None) -> list[tuple[str, object]]:
    """Return the figures with what each of them means."""
    if seats is None:
        return [("seats", "none: no subscription, and no seat change")]
    figures: list[tuple[str, object]] = [
        ("active", _known(seats["active"], "in the product now")),
        ("included", _known(seats["included"], "by the terms")),
        ("billed", _known(seats["billed"], "the most at any moment of this period")),
        ("extra", _known(seats["extra"], "billed above the included ones")),
        ("freed next cycle", _known(seats["freed_next_cycle"], "billed, no longer active")),
        ("Stripe's quantity", _known(seats["stripe_quantity"], None)),
        ("wanted", _known(seats["wanted"], "what Stripe's quantity should be")),
        ("drift", _drift(seats)),
        ("source", SOURCES.get(seats["source"], seats["source"])),
        ("terms", TERMS.get(seats["terms"], seats["terms"])),
    ]
    if seats["source"] == "stripe":
        figures.append(("not known", BASELINE))
    return figures


def _known(number: int | None, meaning: str | None) -> str:
    if number is None:
        return UNKNOWN
    return f"{number:,}" if meaning is None else f"{number:,}, {meaning}"


def _drift(seats: Figures) -> str:
    drift = seats["drift"]
    if drift is None:
        return UNKNOWN
    if drift == 0:
        return "0, Stripe bills what is used"
    few = "few" if drift > 0 else "many"
    return f"{drift:+,}, Stripe bills {counted(abs(drift), 'seat')} too {few}"


def _drift_clause(seats: Figures) -> str:
    drift = seats["drift"]
    if not drift:
        return ""
    few = "few" if drift > 0 else "many"
    return f"; Stripe bills {abs(drift):,} too {few}"
