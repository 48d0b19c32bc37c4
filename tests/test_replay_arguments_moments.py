from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from replay.arguments.moments import earlier, later
from replay.arguments.options import UsageError

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-10-01", datetime(2026, 10, 1, tzinfo=UTC)),
        ("2026-10-01T09:30:00Z", datetime(2026, 10, 1, 9, 30, tzinfo=UTC)),
        ("2026-10-01T09:30:00+02:00", datetime(2026, 10, 1, 7, 30, tzinfo=UTC)),
        ("90m", NOW - timedelta(minutes=90)),
        ("2w", NOW - timedelta(weeks=2)),
    ],
)
def test_moment_is_read_as_people_write_it(text: str, moment: datetime) -> None:
    assert earlier(text, NOW) == moment


def test_span_counts_on_from_now_where_something_ends() -> None:
    assert later("30d", NOW) == NOW + timedelta(days=30)


@pytest.mark.parametrize("text", ["", "soon", "0d", "-1d", "1y", "2026-13-01", "999999w"])
def test_anything_else_is_a_mistake(text: str) -> None:
    with pytest.raises(UsageError, match="is no time"):
        earlier(text, NOW)


@pytest.mark.parametrize(
    "text",
    [
        "1969-12-31",
        "9999-01-01",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "3000w",
    ],
)
def test_what_no_zone_may_carry_out_of_the_calendar_is_a_mistake(text: str) -> None:
    with pytest.raises(UsageError, match=r"is no time|is not between the years"):
        earlier(text, NOW)
