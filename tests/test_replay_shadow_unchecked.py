from __future__ import annotations

from datetime import UTC, datetime

import attrs

from projections.shadow.compared import Compared
from projections.shadow.shadow_invoice import Shadow
from replay.commands.shadow import unchecked


def test_what_could_not_be_computed_is_named_with_what_it_lacks() -> None:
    line = Compared(
        what="line",
        description="2 of Seat",
        theirs=1600,
        ours=None,
        missing="the price is not known",
    )
    shadow = Shadow(
        invoice="in_1",
        number="AC-0001",
        made=datetime(2026, 11, 1, tzinfo=UTC),
        currency="eur",
        theirs=1600,
        ours=1600,
        compared=(line,),
        position=1,
    )

    assert unchecked(shadow) == "AC-0001: 2 of Seat, the price is not known"
    assert unchecked(attrs.evolve(shadow, compared=())) == ""
