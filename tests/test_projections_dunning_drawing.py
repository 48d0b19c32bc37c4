"""The drawing of a timeline: what it says, alone and on a page."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from importlib import resources
from typing import Final
from xml.etree import ElementTree as ET

import pytest

from projections.dunning.drawing import Lane, drawing
from projections.dunning.looks import LOOKS
from projections.dunning.steps import Step

FAILED: Final = datetime(2026, 11, 1, 1, tzinfo=UTC)
DAY: Final = timedelta(days=1)
TEXT: Final = "{http://www.w3.org/2000/svg}text"


def step(kind: str, day: int, outcome: str | None = None, n: int | None = None) -> Step:
    at = FAILED + day * DAY
    return Step(
        kind=kind, n=n, due_at=at, happened_at=at if outcome else None, outcome=outcome
    )


def texts(lane: Lane, day: int) -> list[str]:
    root = ET.fromstring(drawing([lane], FAILED + day * DAY))
    return [each.text or "" for each in root.iter(TEXT)]


def lane(*steps: Step, open: bool = True, heading: str = "") -> Lane:  # noqa: A002 - as the lane's
    return Lane(heading=heading, told="told", start=FAILED, open=open, steps=steps)


RETRYING: Final = lane(
    step("attempt", 0, "failed", 1),
    step("attempt", 3, "failed", 2),
    step("attempt", 5),
    step("attempt", 7),
    step("pause", 7),
    step("cancel", 30),
)
RECOVERED: Final = lane(
    step("attempt", 0, "failed", 1), step("recovery", 5, "paid"), open=False
)
WRITTEN_OFF: Final = lane(
    step("attempt", 0, "failed", 1), step("recovery", 5, "uncollectible"), open=False
)


@pytest.mark.parametrize(
    ("told", "band", "line"),
    [
        (
            RETRYING,
            ["full access", "read-only", "canceled", "today, day 4"],
            "day 0 failed day 3 failed day 5 next day 7 later day 30 cancels",
        ),
        (RECOVERED, ["full access", "paid"], "day 0 failed day 5 paid"),
        (WRITTEN_OFF, ["full access", "closed"], "day 0 failed day 5 uncollectible"),
    ],
)
def test_words_say_what_shapes_and_colours_say(
    told: Lane, band: list[str], line: str
) -> None:
    found = texts(told, 4)

    assert found[: len(band)] == band
    assert " ".join(found[len(band) :]) == line


def test_tries_within_hours_keep_their_marks_and_share_a_label() -> None:
    crowd = lane(*(step("attempt", 0, "failed", n) for n in range(1, 40)))

    drawn = drawing([crowd], FAILED)

    assert drawn.count("<circle") == 39
    assert texts(crowd, 0).count("day 0") == 1


def test_foreign_text_is_escaped_and_turns_nothing() -> None:
    hostile = lane(heading='</text><script>alert(1)</script>"\u202e\x00evil')

    drawn = drawing([hostile], FAILED)

    assert ET.fromstring(drawn).tag.endswith("svg")
    assert "<script" not in drawn
    assert "\u202e" not in drawn


def test_on_a_page_it_brings_no_style_and_the_page_knows_all_its_classes() -> None:
    drawn = drawing([RETRYING], FAILED, alone=False)
    css = (resources.files("projections.page") / "static" / "page.css").read_text()

    assert "style" not in drawn
    used = set(re.findall(r'class="([\w-]+)"', drawn))
    assert used <= set(LOOKS)
    for name, colours in LOOKS.items():
        for colour in colours:
            assert re.search(rf"\.{name}\b[^{{}}]*\{{ {colour}: var", css), (name, colour)


def test_alone_it_turns_dark_with_its_reader() -> None:
    drawn = drawing([RETRYING], FAILED)

    assert "prefers-color-scheme:dark" in drawn
    assert "d-ground" in drawn


def test_nothing_overdue_is_drawn_as_that() -> None:
    root = ET.fromstring(drawing([], FAILED))

    assert [each.text for each in root.iter(TEXT)] == ["No payment has failed"]


def test_a_timeline_of_thousands_of_years_is_drawn() -> None:
    last = Step(kind="cancel", n=None, due_at=datetime(9998, 12, 31, tzinfo=UTC))
    drawn = texts(lane(step("attempt", 0, "failed", 1), last), 1)

    assert f"day {(last.due_at - FAILED) // DAY}" in drawn
