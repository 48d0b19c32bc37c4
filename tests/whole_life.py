"""A whole simulation, told once for all tests that look at it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final

from replay.simulator.habits import Breadth
from replay.simulator.occurrences import Occurrence, StripeOccurrence
from replay.simulator.shapes import Shape
from replay.simulator.simulation import Simulation

START: Final = datetime(2025, 1, 1, tzinfo=UTC)


@cache
def run(shape: Shape | None = Shape.ENDIVE) -> tuple[Simulation, tuple[Occurrence, ...]]:
    """Return a simulation and all it told."""
    simulation = Simulation(
        seed=11,
        accounts=110,
        months=12,
        start=START,
        shape=shape,
        breadth=Breadth.WHOLE,
    )
    return simulation, tuple(simulation.occurrences())


@cache
def events(shape: Shape | None = Shape.ENDIVE) -> Sequence[dict[str, Any]]:
    """Return what Stripe said, in the order in which it happened."""
    _, told = run(shape)
    return tuple(json.loads(o.body) for o in told if isinstance(o, StripeOccurrence))


def of_type(*types: str) -> Iterator[dict[str, Any]]:
    """Yield the events of some types."""
    return (event for event in events() if event["type"] in types)


def objects(*types: str) -> list[dict[str, Any]]:
    """Return what the events of some types are about."""
    return [event["data"]["object"] for event in of_type(*types)]


def history(object_id: str) -> list[dict[str, Any]]:
    """Return the events about one object, in the order in which they happened."""
    return [event for event in events() if event["data"]["object"]["id"] == object_id]
