from __future__ import annotations

import json
from typing import Any

import attrs
import pytest

from command_line import bl, bl_here, damaged, on
from told_account import ACCOUNT, CARD, SUBSCRIPTION, USERS, tell


@attrs.frozen
class Told:
    """A ledger that holds the account, and where each of its events stands."""

    env: dict[str, str]
    at: dict[str, int]

    def json(self, *arguments: str) -> Any:  # noqa: ANN401 - any report
        said = bl(*arguments, "-O", "json", env=self.env)
        assert said.code == 0, said.err
        return json.loads(said.out)

    def table(self, *arguments: str) -> str:
        said = bl(*arguments, env=self.env)
        assert said.code == 0, said.err
        return said.out


@pytest.fixture
async def told(ledger_database18: str) -> Told:
    return Told(on(ledger_database18), await tell(ledger_database18))


def test_account_is_shown_as_it_was_and_as_it_was_known(told: Told) -> None:
    before_failure = str(told.at["freed"])
    expected = {
        (): "active",
        ("--as-of", "2026-02-28"): "none",
        ("--as-of", "2026-03-14"): "trialing",
        ("--as-of", "2026-03-15"): "active",
        ("--as-of", "2026-04-15T00:00:01Z"): "past_due",
        ("--known-at", before_failure): "active",
        ("--known-at", f"#{told.at['began']}"): "trialing",
        ("--as-of", "2026-04-16", "--known-at", before_failure): "active",
        ("--as-of", "2026-04-16", "--known-at", str(told.at["paid_up"])): "past_due",
    }

    shown = {clocks: told.json("show", ACCOUNT, *clocks)["status"] for clocks in expected}

    assert shown == expected


def test_seats_are_shown_as_they_were_and_as_they_were_known(told: Told) -> None:
    untold = str(told.at["late_seat"] - 1)
    first_eleven = set(USERS) - {"u_12"}
    expected = {
        ("--as-of", "2026-03-01"): set(),
        ("--as-of", "2026-03-12"): {*USERS, "u_13"},
        ("--as-of", "2026-03-12", "--known-at", untold): set(USERS),
        ("--as-of", "2026-03-21"): {*first_eleven, "u_13"},
        ("--as-of", "2026-03-21", "--known-at", str(told.at["named"])): set(USERS),
    }

    shown = {
        clocks: {user["user"] for user in told.json("seats", ACCOUNT, *clocks)["users"]}
        for clocks in expected
    }

    assert shown == expected


def test_timeline_ends_with_what_had_happened_and_was_known(told: Told) -> None:
    def positions(*clocks: str) -> set[int]:
        events = told.json("timeline", ACCOUNT, "--all", *clocks)["events"]
        return {event["position"] for event in events}

    everything = set(told.at.values()) - {told.at["product"]}
    late = told.at["late_seat"]

    assert positions() == everything
    assert positions("--known-at", str(late - 1)) == everything - {late}
    assert late in positions("--as-of", "2026-03-12")
    assert told.at["active"] not in positions("--as-of", "2026-03-12")
    assert positions("--as-of", "2026-03-12", "--known-at", str(late - 1)) == {
        told.at[name] for name in ("customer", "card", "began", "named")
    }


def test_status_counts_accounts_as_they_were_and_were_known(told: Told) -> None:
    expected = {
        ("--as-of", "2026-02-28"): {},
        ("--as-of", "2026-04-16"): {"past_due": 1},
        ("--known-at", str(told.at["began"])): {"trialing": 1},
        ("--as-of", "2026-03-02", "--known-at", str(told.at["card"])): {"none": 1},
    }

    shown = {clocks: told.json("status", *clocks)["accounts"] for clocks in expected}
    then = told.json("status", "--known-at", str(told.at["began"]))

    assert shown == expected
    assert then["position"] == told.at["began"]
    assert then["hash"] != told.json("status")["hash"]


def test_object_is_shown_as_it_was_and_as_it_was_known(told: Told) -> None:
    def status(*clocks: str) -> str:
        shown: str = told.json("show", SUBSCRIPTION, *clocks)["object"]["status"]
        return shown

    assert status("--as-of", "2026-04-16") == "past_due"
    assert status("--known-at", str(told.at["began"])) == "trialing"


@pytest.mark.parametrize("command", ["show", "seats", "timeline"])
def test_what_will_be_known_is_a_mistake_with_a_hint(told: Told, command: str) -> None:
    for future in ("99", "2999-01-01"):
        said = bl(command, ACCOUNT, "--known-at", future, env=told.env)
        assert (said.code, said.out) == (2, "")
        assert "--known-at is in the future" in said.err
        assert "leave it out" in said.err


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["status", "--known-at", "99"], 2, "--known-at is in the future"),
        (["status", "--known-at", "2999-01-01"], 2, "--known-at is in the future"),
        (["show", ACCOUNT, "--as-of", "soon"], 2, "is no time"),
        (["show", ACCOUNT, "--known-at", "#0"], 2, "the first position is 1"),
        (["show", "evt_JT0004", "--as-of", "2026-03-01"], 2, "an event never changes"),
        (["seats", ACCOUNT, "--at", "2026-03-01", "--history"], 2, "give one of them"),
        (["seats", "cus_nobody"], 4, "no account cus_nobody"),
        (["timeline", "cus_nobody"], 4, "no account cus_nobody"),
        (["seats", "\udcff"], 4, "no account"),
        (["show", "\udcff"], 4, "nothing goes by the name"),
        (["show", "cus_nobody"], 4, "nothing of cus_nobody"),
        (["show", "nobody"], 4, "nothing of nobody"),
        (["show", "sub_nothing"], 4, "nothing of sub_nothing"),
        (["timeline", "nobody"], 4, "no account nobody"),
        (["invoices", "nobody"], 4, "no account nobody"),
        (["log", "cus_nobody"], 4, "nothing of cus_nobody"),
        (["log", "#99999"], 4, "nothing of #99999"),
        (["log", "--follow", "--known-at", "1"], 2, "leave out --as-of and --known-at"),
        (["invoices", "--status", "foo"], 2, "uncollectible"),
        (["movements", "--explain", "new", "--from", "2026-01"], 2, "with --month"),
        (["bisect", ACCOUNT, "--expr", "totl > 1"], 2, "an account has no totl"),
    ],
)
def test_question_without_an_answer_is_one_line(
    told: Told, arguments: list[str], code: int, says: str
) -> None:
    said = bl_here(*arguments, env=told.env)

    assert (said.code, said.out) == (code, "")
    assert says in said.err
    assert said.err.count("\n") == 1


def test_the_log_is_listed_as_it_was_and_as_it_was_known(told: Told) -> None:
    def listed(*clocks: str) -> list[int]:
        said = bl_here("log", ACCOUNT, *clocks, "-O", "json", env=told.env)
        assert said.code == 0, said
        return [each["position"] for each in json.loads(said.out)["rows"]]

    every = listed()
    happened = [listed("--as-of", day) for day in ("2026-01-01", "2999-01-01")]

    assert listed("--known-at", str(every[1])) == every[:2]
    assert happened == [[], every]
    assert bl_here("log", ACCOUNT, "--type", "nothing.of.it", env=told.env).code == 0


def test_account_reads_from_top_to_bottom(told: Told) -> None:
    shown = told.table("show", ACCOUNT, "--as-of", "2026-05-03")

    for line in (
        "status           Cancels on 15 May 2026 (in Stripe: active)",
        "access           full; since 18 Apr 2026 00:00; none from 15 May 2026 00:00 on",
        "plan             Shop, monthly",
        "period           15 Apr 2026 to 15 May 2026",
        "seats            12 active · 10 included · 12 billed · 2 extra",
        "pays by          Visa ending in 4242, expires 12/2027 (the one that is charged)",
        "billing contact  billing@example.com",
        "tax              reverse charge",
        "currency         USD, fixed at signup",
        "2026-04-15 00:00:00  JT-0001  paid    USD 115.00  USD 115.00  USD 0.00",
    ):
        assert line in shown


def test_access_is_said_with_its_reason(told: Told) -> None:
    shown = told.table("show", ACCOUNT, "--as-of", "2026-04-16")

    assert "status           Past due\n" in shown
    assert "full, though a payment failed; since 15 Apr 2026 00:00" in shown


def test_invoices_of_an_account_are_a_sheet(told: Told) -> None:
    rows = bl("show", ACCOUNT, "-O", "csv", env=told.env).out.splitlines()

    assert rows[0].startswith("date,number,status,total,amount_paid,amount_remaining")
    assert rows[1].startswith("2026-04-15T00:00:00Z,JT-0001,paid,11500,11500,0")


@pytest.mark.parametrize("subject", [ACCOUNT, "evt_JT0002"])
@pytest.mark.parametrize("form", ["table", "json", "csv"])
def test_card_number_that_was_typed_is_never_shown(
    told: Told, subject: str, form: str
) -> None:
    said = bl("show", subject, "-O", form, env=told.env)
    timeline = bl("timeline", ACCOUNT, "--all", "-O", form, env=told.env)

    assert said.code == timeline.code == 0
    for text in (said.out, said.err, timeline.out, timeline.err):
        assert CARD not in text
        assert CARD.replace(" ", "") not in text
    if subject != ACCOUNT and form == "json":
        assert "****4242" in said.out


def test_timeline_is_in_sentences_oldest_first(told: Told) -> None:
    events = told.json("timeline", ACCOUNT)["events"]

    assert [(each["at"][5:10], each["position"], each["text"]) for each in events] == [
        ("03-01", told.at["customer"], "Customer cus_JT01: created"),
        (
            "03-01",
            told.at["card"],
            "Payment method pm_JT0001 (card ending in 4242) was attached",
        ),
        (
            "03-01",
            told.at["began"],
            (
                "Subscribed to Shop, monthly; Stripe bills 2 extra seats; "
                "the trial ends 15 Mar 2026 · sub_JT0001"
            ),
        ),
        (
            "03-02",
            told.at["named"],
            (
                "All active users were named by u_1: u_1, u_10, u_11, u_12, u_2, u_3 "
                "and 6 more"
            ),
        ),
        ("03-10", told.at["late_seat"], "u_13 was given a seat by u_2"),
        (
            "03-15",
            told.at["active"],
            (
                "The trial is over, the subscription is active; a new period began, "
                "until 15 Apr 2026 · sub_JT0001"
            ),
        ),
        ("03-20", told.at["freed"], "u_12's seat was freed by u_1"),
        (
            "04-15",
            told.at["failed"],
            "Invoice JT-0001: the payment of USD 115.00 failed (attempt 1)",
        ),
        ("04-15", told.at["past_due"], "Past due: a payment failed · sub_JT0001"),
        ("04-18", told.at["paid"], "Invoice JT-0001 is paid: USD 115.00"),
        (
            "04-18",
            told.at["paid_up"],
            "Paid up, active again; a new period began, until 15 May 2026 · sub_JT0001",
        ),
        ("05-02", told.at["set_to_end"], "Cancels on 15 May 2026 · sub_JT0001"),
    ]


def test_timeline_is_cut_to_a_time_and_a_number(told: Told) -> None:
    since = told.json("timeline", ACCOUNT, "--since", "2026-04-18")["events"]
    last = told.json("timeline", ACCOUNT, "--limit", "1")["events"]

    assert [each["position"] for each in since] == [
        told.at[name] for name in ("paid", "paid_up", "set_to_end")
    ]
    assert last == since[-1:]


def test_seats_are_figures_with_their_meaning(told: Told) -> None:
    clocks = ("--as-of", "2026-03-21")

    seats = told.json("seats", ACCOUNT, *clocks)["seats"]
    shown = told.table("seats", ACCOUNT, *clocks)

    assert seats == {
        "included": 10,
        "active": 12,
        "billed": 13,
        "extra": 3,
        "freed_next_cycle": 1,
        "wanted": 2,
        "stripe_quantity": 2,
        "drift": 0,
        "source": "product",
        "terms": "metadata",
    }
    assert "billed             13, the most at any moment of this period" in shown
    assert "drift              0, Stripe bills what is used" in shown
    assert "terms              from the metadata in Stripe" in shown


def test_who_held_a_seat_is_told_for_any_instant(told: Told) -> None:
    then = told.json("seats", ACCOUNT, "--at", "2026-03-12")
    holders = {user["user"]: user for user in then["users"]}

    assert then["active"] == 13
    assert holders["u_13"]["by"] == "u_2"
    assert holders["u_13"]["since"] == "2026-03-10T00:00:00Z"
    assert holders["u_13"]["position"] == told.at["late_seat"]
    assert [user["user"] for user in then["users"]][:3] == ["u_1", "u_2", "u_3"]


def test_seat_history_tells_every_change(told: Told) -> None:
    history = told.json("seats", ACCOUNT, "--history")["history"]

    assert [(each["text"].split(";")[0], each["active"]) for each in history] == [
        ("all active users were named", 12),
        ("u_13 was given a seat by u_2", 13),
        ("u_12's seat was freed by u_1", 12),
    ]


def test_seats_without_a_baseline_say_what_is_not_known(told: Told) -> None:
    before_named = str(told.at["began"])

    seats = told.json("seats", ACCOUNT, "--known-at", before_named)["seats"]
    shown = told.table("seats", ACCOUNT, "--known-at", before_named)

    assert (seats["source"], seats["active"], seats["billed"]) == ("stripe", None, 12)
    assert "active             not known yet" in shown
    assert "the product has not told of all its users" in " ".join(shown.split())


@pytest.mark.parametrize("spoiled", ["body = substr(body, 1, 20)", "encoding_id = 9"])
def test_C03_a_log_that_is_damaged_while_it_is_read_is_exit_3_in_one_line(
    told: Told, spoiled: str
) -> None:
    where = f"position = {told.at['began']}"
    damaged(told.env, f"UPDATE ledger.log SET {spoiled} WHERE {where}")

    for asked in [
        *(["show", ACCOUNT, "--as-of", "2026-11-01"], ["timeline", ACCOUNT]),
        *(["blame", ACCOUNT], ["bisect", ACCOUNT, "--expr", "total > 1"]),
        *(["receivables", "--as-of", "2026-11-01"], ["status", "--as-of", "2026-11-01"]),
        ["diff", "--all", "2026-01-01", "2026-11-01"],
        ["export", "--format", "jsonl", "-o", "/dev/null"],
    ]:
        said = bl_here(*asked, env=told.env)
        assert (said.code, said.out, said.err.count("\n")) == (3, "", 1), (asked, said)
        assert "bl verify" in said.err or "from a backup" in said.err


@pytest.mark.parametrize(
    "spoiled",
    [
        "body = body || '\\x20', account = 'cus_2'",
        "occurred_at = occurred_at + interval '1 s'",
        "hash = sha256('')",
        "endpoint = E'a\\nb'",
    ],
)
def test_L02_an_event_that_was_altered_is_never_shown_as_what_was_written(
    told: Told, spoiled: str
) -> None:
    position = told.at["began"]
    name = told.json("show", f"#{position}")["id"]
    damaged(told.env, f"UPDATE ledger.log SET {spoiled} WHERE position = {position}")

    for asked in (f"#{position}", name):
        said = bl_here("show", asked, env=told.env)
        assert (said.code, said.out, said.err.count("\n")) == (3, "", 1), (asked, said)
        assert f"#{position}" in said.err
        assert "bl verify" in said.err
    assert bl_here("show", f"#{position + 2}", env=told.env).code == 0


def test_L02_an_event_whose_predecessor_is_gone_is_not_vouched_for(told: Told) -> None:
    position = told.at["began"]
    damaged(told.env, f"DELETE FROM ledger.log WHERE position = {position}")

    said = bl_here("show", f"#{position + 1}", env=told.env)

    assert (said.code, said.out) == (3, "")
    assert f"the row before #{position + 1} is missing" in said.err


def test_a_body_that_is_no_json_is_a_finding_when_the_past_is_folded(told: Told) -> None:
    last = told.at["set_to_end"]
    damaged(
        told.env,
        f"UPDATE ledger.log SET encoding_id = 0, body = 'no JSON' WHERE position = {last}",
    )

    then = told.json("show", ACCOUNT, "--as-of", "2026-05-10")

    assert any(last in each["evidence"] for each in then["findings"]), then["findings"]
