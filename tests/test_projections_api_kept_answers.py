"""What is kept of an answer is what would be worked out, whatever happens meanwhile."""

from __future__ import annotations

import random
from typing import Any, Final

import pytest

from kept_world import World
from projections.api.kept_answers import Kept
from projections.api.touches import Touches
from projections.facts import TieObserved

# The first of these meets all that can go wrong with one of the reasons left out.
SEEDS: Final = (4, 0, 1)
STEPS: Final = 30


async def lived(seed: int, steps: int = STEPS) -> World:
    world = World(random.Random(seed))
    await world.live(steps)
    return world


@pytest.mark.parametrize("seed", SEEDS)
async def test_A03_what_is_kept_is_what_is_worked_out_at_any_time(seed: int) -> None:
    world = await lived(seed)

    assert world.wrong == []
    for kind, times in world.again.items():
        assert 5 < times < world.asked / 2, f"{kind}: some is kept, some asked anew"


def _only_moved(touches: Touches, position: int) -> None:
    touches.position = position


def _but_ties(touches: Touches, fact: Any) -> Any:  # noqa: ANN401 - names, or None
    return () if isinstance(fact, TieObserved) else _TOUCHED(touches, fact)


_TOUCHED: Final = Touches._touched
LEFT_OUT: Final = {
    "dates": (Kept, "holds", lambda *_: True),
    "what is touched": (Touches, "untouched", lambda *_: True),
    "what hangs on payments": (Touches, "_touched", _but_ties),
    "news of what is sold": (Touches, "_news", lambda *_: ()),
    "what decides for all": (Touches, "forget", _only_moved),
    "what is not noted yet": (Touches, "watch", lambda *_: True),
}


@pytest.mark.parametrize("name", LEFT_OUT)
async def test_A03_K_without_one_of_the_reasons_to_ask_anew_something_is_wrong(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind, method, instead = LEFT_OUT[name]
    monkeypatch.setattr(kind, method, instead)

    for seed in (*SEEDS, *range(5, 20)):
        if (await lived(seed)).wrong:
            return
    pytest.fail(f"nothing goes wrong without {name}")
