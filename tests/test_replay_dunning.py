from __future__ import annotations

import json
from datetime import UTC, timedelta
from pathlib import Path
from xml.etree import ElementTree as ET

import attrs
import pytest
from rich.cells import cell_len

from command_line import bl, bl_here, on
from ledger.clock import utc_now
from ledger.database import Role
from ledger.envelope import stripe_event
from ledger.events import StripeEvent
from ledger.log import Recorded
from ledger.policy import Policy
from ledger.postgres import PostgresLog
from projections.answer import unpaid as owed
from projections.assembly import as_of
from projections.models.links import Linked
from projections.projector.process import catch_up
from replay.arguments.options import UsageError
from replay.report.style import Style
from replay.shown.dunning_picture import picture
from replay.what_if import Compared, policy_in
from test_trials_dunning import charge, failing, intent
from unpaid import ACCOUNT, INVOICE, Unpaid

TODAY = utc_now().replace(microsecond=0, second=0, minute=0)


def told_of(day: float) -> Unpaid:
    """Return four failures, two with the bank's words, *day* days ago the first."""
    unpaid = failing(TODAY - timedelta(days=day))
    charge(unpaid, 0)
    intent(unpaid, 3, reference=INVOICE[:25])
    return unpaid


@pytest.mark.parametrize("width", [60, 80, 200])
@pytest.mark.parametrize("day", [4, 19, 31])
def test_C08_the_picture_is_no_wider_than_the_terminal(width: int, day: int) -> None:
    unpaid = told_of(day)
    (told,) = unpaid.billing(day).dunning

    lines = picture(told, Style(zone=UTC, width=width)).splitlines()

    assert max(map(cell_len, lines)) < width
    text = " ".join(lines)
    assert "USD 92.00" in text
    assert "insufficient funds" in text
    assert ("▼" in text.replace("today ▼", "")) is (day < 30)


def test_the_picture_shows_each_step_where_it_stands() -> None:
    (told,) = told_of(19).billing(19).dunning

    heading, line, said = picture(told, Style(zone=UTC, width=100)).splitlines()

    assert "today ▼ day 19" in heading
    places = [line.index(mark) for mark in ("d0 ✕", "d3 ✕", "d5 ✕", "d7 ✕ ‖ PAUSED", "▼")]
    assert places == sorted(places)
    assert line.index("▼") < line.index("d30 ■ cancels")
    assert said.strip() == "insufficient funds · do not honor · 11 days left"


@attrs.frozen
class Known:
    """A ledger with one account that does not pay, and one that paid on day 10."""

    env: dict[str, str]


@pytest.fixture
async def known(ledger_database18: str) -> Known:
    unpaid = told_of(8)
    paid = failing(TODAY - timedelta(days=60))
    paid.paid(10)
    events = list(unpaid.events)
    for event in paid.events:
        assert isinstance(event, StripeEvent)
        body = event.body.replace(b"cus_1", b"cus_2").replace(b"sub_1", b"sub_2")
        body = body.replace(INVOICE.encode(), b"in_2").replace(b"evt_", b"evt_paid_")
        events.append(stripe_event(body, ledger_livemode=False))
    async with PostgresLog.open(ledger_database18, Role.APPENDER) as log:
        await log.append(events)
    async with PostgresLog.open(ledger_database18, Role.PROJECTOR) as log:
        await catch_up(ledger_database18, log)
    return Known(on(ledger_database18))


def test_B07_bl_dunning_draws_an_account_and_a_calendar_of_what_comes(
    known: Known, tmp_path: Path
) -> None:
    svg = tmp_path / "timeline.svg"
    drawn = bl("dunning", ACCOUNT, "--svg", svg, env=known.env)
    assert drawn.code == 0, drawn.err
    assert "PAUSED" in drawn.out
    assert ET.parse(svg).getroot().tag.endswith("svg")

    asked = bl("dunning", ACCOUNT, "-O", "json", env=known.env)
    (timeline,) = json.loads(asked.out)["timelines"]
    assert timeline["stage"] == "paused"

    coming = bl("dunning", "--upcoming", "-O", "json", env=known.env)
    assert [
        (each["what"], each["account"]) for each in json.loads(coming.out)["upcoming"]
    ] == [("cancels", ACCOUNT)]

    table = bl_here("dunning", "--upcoming", env=known.env).out
    assert [line.split()[2:] for line in table.splitlines() if ACCOUNT in line] == [
        ["cancels", ACCOUNT, INVOICE, "USD", "92.00"]
    ]

    day_5 = f"{TODAY - timedelta(days=3):%Y-%m-%dT%H:%M:%SZ}"
    then = bl_here("dunning", "--upcoming", "--as-of", day_5, "-O", "json", env=known.env)
    assert [each["what"] for each in json.loads(then.out)["upcoming"]] == [
        "next try",
        "pauses",
        "cancels",
    ]
    nothing = bl_here(
        "dunning", "--upcoming", "--as-of", day_5, "--known-at", "#1", env=known.env
    )
    assert (nothing.code, ACCOUNT in nothing.out) == (0, False)

    assert bl("dunning", env=known.env).code == 2
    assert bl("dunning", "cus_none", env=known.env).code == 4


def test_B08_what_if_compares_policies_in_customers_and_money(
    known: Known, tmp_path: Path
) -> None:
    gentle = tmp_path / "gentle.toml"
    gentle.write_text("pause_day = 9\ncancel_day = 45\n")

    said = bl("what-if", "--policy", gentle, "-O", "json", env=known.env)

    assert said.code == 0, said.err
    body = json.loads(said.out)
    assert (body["customers"], body["customers_affected"]) == (2, 2)
    found = {each["measure"]: each for each in body["measures"]}
    paused = found["paused"]
    assert (paused["invoices"], paused["invoices_then"]) == (2, 1)
    assert (paused["amount"], paused["amount_difference"]) == (18400, -9200)
    assert found["recovered"]["invoices_difference"] == 0

    table = bl_here("what-if", "--policy", gentle, env=known.env).out
    rows = [line.split() for line in table.splitlines() if line.startswith(" paused")]
    assert rows == [["paused", "2", "1", "-1", "usd", "184.00", "92.00", "-92.00"]]

    month_ago = f"{TODAY - timedelta(days=30):%Y-%m-%d}"
    then = bl_here(
        "what-if", "--policy", gentle, "--as-of", month_ago, "-O", "json", env=known.env
    )
    assert json.loads(then.out)["customers"] == 1

    wrong = tmp_path / "wrong.json"
    wrong.write_text('{"pause_days": 9}')
    refused = bl("what-if", "--policy", wrong, env=known.env)
    assert (refused.code, "Traceback" in refused.err) == (2, False)


def test_B08_the_policy_that_was_in_force_changes_nothing() -> None:
    unpaid = told_of(40)
    recorded = [
        Recorded(position=place, recorded_at=TODAY, event=event)
        for place, event in enumerate(unpaid.events, start=1)
    ]
    found = owed(as_of(Linked(customer=ACCOUNT, product=None), recorded, None))
    compared = Compared()

    compared.take(ACCOUNT, found, Policy(), TODAY)
    assert (compared.accounts, compared.others) == (1, 0)
    assert compared.before == compared.after

    compared.take(ACCOUNT, found, Policy(pause_day=41, cancel_day=50), TODAY)
    assert compared.others == 1


@pytest.mark.parametrize(
    "written",
    [
        "",
        "[]",
        "{",
        '{"pause_day": -1}',
        '{"pause_day": 31}',
        '{"retry_days": []}',
        '{"retry_days": [0, 5, 3]}',
        '{"cancel_day": 99999}',
        '{"cancel_day": 3e999}',
        '{"pause": 3}',
    ],
)
def test_what_is_no_policy_is_refused_in_words(tmp_path: Path, written: str) -> None:
    file = tmp_path / "policy.json"
    file.write_text(written)

    with pytest.raises(UsageError):
        policy_in(file)
    with pytest.raises(UsageError):
        policy_in(tmp_path / "none.json")
