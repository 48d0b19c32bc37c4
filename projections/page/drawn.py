"""The timeline of a failed payment as the page shows it: the one drawing, between cards."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from markupsafe import Markup

from projections.dunning.drawing import Lane, drawing
from projections.dunning.steps import Step
from projections.dunning.words import step_sentence
from projections.page.banners import OPEN_STAGES
from projections.page.document import Dunning

_KNOWN: Final = frozenset({"attempt", "pause", "cancel", "recovery"})


def drawn(dunning: Dunning | None, now: datetime) -> Markup | None:
    """Return *dunning* as SVG; None where there is no day 0 to draw from."""
    if dunning is None or dunning.first_failed_at is None:
        return None
    steps = tuple(_steps(dunning))
    told = "; ".join([dunning.stage, *(step_sentence(each) for each in steps)])
    lane = Lane(
        told=f"{told}.",
        start=dunning.first_failed_at,
        open=dunning.stage in OPEN_STAGES,
        steps=steps,
    )
    # All foreign text in it is escaped where it is drawn.
    return Markup(drawing([lane], now, alone=False))  # noqa: S704


def _steps(dunning: Dunning) -> list[Step]:
    return [
        Step(
            kind=step.kind,
            n=step.n,
            due_at=at,
            happened_at=step.happened_at,
            outcome=step.outcome,
            reason=step.reason,
        )
        for step in dunning.steps
        if step.kind in _KNOWN and (at := step.due_at or step.happened_at) is not None
    ]
