"""Until when what was made of an account holds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from ledger.horizon import Horizon
from projections.account import Account
from projections.api.billings import Watched
from projections.api.kept_answers import Watch
from projections.api.touches import Touches
from projections.models.links import resolve
from projections.views import View

NOW = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.mark.parametrize("position", [4, 5])
def test_K_an_answer_that_may_lack_news_of_the_catalogue_holds_no_longer(
    position: int,
) -> None:
    nobody = cast("Any", None)
    watch = Watch(nobody, nobody)
    watch.touches = Touches(5)
    horizon, linked = Horizon(NOW), resolve("cus_1", {})
    turns = NOW + timedelta(minutes=30)
    before = horizon.now < turns
    view = View(
        linked=linked, account=Account(linked=linked), now=horizon.now, position=position
    )

    present = Watched(view=view, wares={"price_1"}, horizon=horizon)

    assert before
    assert present.until(watch, NOW) == (turns if position == 5 else NOW)
