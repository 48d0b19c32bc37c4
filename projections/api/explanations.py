"""Why figures are what they are, as it is answered, kept while it holds.

The events of an explanation stand in ``meta``: those that were written once stay as they
are, and which of them a token may see hangs on the account's links, which touch it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

import attrs
import msgspec

from ledger.problems import bad_request
from ledger.tokens import Grant
from projections.account import Account
from projections.answer import Billing
from projections.api.billings import names_of, watched
from projections.api.kept_answers import (
    BESIDE_BYTES,
    Kept,
    KeptAnswers,
    LiveSource,
    Watch,
)
from projections.api.periods import period_named, total_of
from projections.api.responses import Written
from projections.explain import rendering
from projections.explain.evidence import Witness, witnesses
from projections.explain.figures import explanation, total_explanation
from projections.explain.tree import Explanation, Figure
from projections.views import View, Views

FIGURE: Final = "figure"
PERIOD: Final = "period"
BYTES_MAX: Final = 16 * 1024 * 1024


@attrs.frozen
class Why:
    """What is asked to be explained.

    Attributes:
        period: Whose total, as `period_named` returns it; None is the figure of now.
    """

    figure: Figure
    period: str | None = None


@attrs.frozen
class Asked:
    """Of which account something is asked to be explained."""

    account: str
    why: Why


@attrs.frozen(kw_only=True)
class Told:
    """The events that an explanation rests on, as JSON.

    Attributes:
        all: For whoever may see every account.
        own: For whoever may see this one.
        whole: Whether none is missing, as on a replica that is behind.
    """

    all: msgspec.Raw
    own: msgspec.Raw
    whole: bool

    @property
    def size(self) -> int:
        """How many bytes it takes."""
        return len(bytes(self.all)) + len(bytes(self.own))

    def seen_by(self, grant: Grant) -> msgspec.Raw:
        """Return those that *grant* may see."""
        return self.all if grant.account is None else self.own


def why(chosen: Mapping[str, str]) -> Why:
    """Return what *chosen* parameters ask to be explained.

    Raises:
        Problem: There is no such figure, or it is of no such period (400).
    """
    written = chosen.get(FIGURE, "")
    if written not in set(Figure):
        hint = f"figure is one of {', '.join(Figure)}"
        raise bad_request(hint, parameter=FIGURE)
    figure = Figure(written)
    if PERIOD not in chosen:
        return Why(figure)
    if figure is not Figure.TOTAL:
        raise bad_request("only a total is of a period", parameter=PERIOD)
    return Why(figure, period_named(chosen[PERIOD]))


def explained(account: Account, told: Billing, asked: Why) -> Explanation | None:
    """Return why the figure is what *told* says; None where there is no such period."""
    if asked.period is None:
        return explanation(account, told, asked.figure)
    total = total_of(told, asked.period)
    return None if total is None else total_explanation(account, told, total)


async def told_by(views: Views, view: View, found: Explanation) -> Told:
    """Return the events that *found*, of the account of *view*, rests on."""
    evidence = found.evidence
    recorded = await views.log.at(evidence)
    every = witnesses(recorded)
    own = witnesses(recorded, view.linked.streams)
    named = _written(every)
    return Told(
        all=named,
        own=named if len(own) == len(every) else _written(own),
        whole=len(recorded) == len(evidence),
    )


def _written(found: Mapping[int, Witness]) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(rendering.witnesses(found)))


def explanations(
    reader: LiveSource, views: Views, watch: Watch
) -> KeptAnswers[Asked, Told]:
    """Return what ``/explain`` answers for now, beside it the events that say so."""

    async def read(asked: Asked, now: datetime) -> Kept[Told] | None:
        found = await reader.find(asked.account)
        if not found.known:
            return None
        present = await watched(views, found, now)
        view, whole = present.view, present.view.account
        reasons = explained(whole, await view.answered(), asked.why)
        if reasons is None:
            return None
        # Written while it is watched: what is written of the moment itself is not kept.
        written = Written.of(rendering.explanation(reasons))
        told = await told_by(views, view, reasons)
        until = present.until(watch, now)
        return Kept(
            asked=asked.account,
            names=names_of(asked.account, found, present),
            position=found.position,
            account=Account(linked=found.linked, reconciled=whole.reconciled),
            stale=found.stale,
            decided_at=now,
            until=until if told.whole else now,
            answer=told,
            written=written,
            beside_bytes=BESIDE_BYTES + told.size,
        )

    return KeptAnswers(watch, read, bytes_max=BYTES_MAX)
