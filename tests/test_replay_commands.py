from __future__ import annotations

import asyncio
import json
import re
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from urllib.request import Request, urlopen

import psycopg
import pytest

from command_line import BL, SECRET, an_account, bl, bl_here, damaged, on
from ledger.database import Role
from ledger.events import AccountLinked, Command, StripeEvent
from ledger.postgres import PostgresLog
from ledger_on_disk import fill
from projections.projector.process import catch_up
from replay.arguments.subjects import owners, span_of


@pytest.fixture
async def ledger(ledger_database18: str) -> dict[str, str]:
    await fill(ledger_database18)
    return on(ledger_database18) | {"STRIPE_WEBHOOK_SECRETS": SECRET}


async def append(conninfo: str, event_id: str) -> None:
    async with PostgresLog.open(conninfo, Role.APPENDER) as log:
        await log.append([StripeEvent(event_id=event_id, body=b"{}")])


def openssl(*arguments: str | Path) -> None:
    subprocess.run(["openssl", *arguments], check=True)


def test_checkpoint_catches_an_end_that_was_cut_off(
    ledger: dict[str, str], tmp_path: Path
) -> None:
    kept = tmp_path / "checkpoint"
    assert bl("checkpoint", "-o", kept, env=ledger).code == 0
    assert bl("verify", "--against", kept, env=ledger).code == 0
    head = int(kept.read_text(encoding="utf-8").splitlines()[1])
    damaged(ledger, f"DELETE FROM ledger.log WHERE position = {head}")
    damaged(
        ledger,
        "UPDATE ledger.head SET (position, hash) = (SELECT position, hash FROM ledger.log "
        "ORDER BY position DESC LIMIT 1)",
    )

    assert bl("verify", "--log", env=ledger).code == 0
    said = bl("verify", "--log", "--against", kept, env=ledger)

    assert said.code == 3
    assert f"#{head}: rows are missing" in said.out


def test_L09_a_checkpoint_of_another_ledger_or_made_up_is_named(
    ledger: dict[str, str], tmp_path: Path
) -> None:
    kept, wrong = tmp_path / "checkpoint", tmp_path / "wrong"
    assert bl_here("checkpoint", "-o", kept, env=ledger).code == 0
    origin, position, digest, moment = kept.read_text(encoding="utf-8").splitlines()
    other = "A" * 43 + "="
    beyond = str(int(position) + 1)

    for text, said in [
        (("billing-ledger/led_other", position, digest, moment), "is of led_other"),
        ((origin, position, other, moment), "holds another hash here"),
        ((origin, "7", digest, moment), "#7: the checkpoint holds another hash here"),
        ((origin, beyond, digest, moment), f"#{beyond}: rows are missing"),
    ]:
        wrong.write_text("\n".join(text) + "\n", encoding="utf-8")
        checked = bl_here("verify", "--log", "--against", wrong, env=ledger)
        assert checked.code == 3, (text, checked)
        assert said in " ".join(checked.out.split())
        none = bl_here("checkpoint", "--against", wrong, "-o", tmp_path / "n", env=ledger)
        assert (none.code, none.out, none.err.count("\n")) == (3, "", 1), (text, none)
        assert not (tmp_path / "n").exists()


def test_checkpoint_is_signed_once_the_log_holds_and_believed_for_one_key_only(
    ledger: dict[str, str], tmp_path: Path
) -> None:
    kept, key, trusted = tmp_path / "signed", tmp_path / "acme.pem", tmp_path / "acme.pub"
    openssl("genpkey", "-algorithm", "ed25519", "-out", key)
    openssl("pkey", "-in", key, "-pubout", "-out", trusted)
    against = ("verify", "--log", "--against", kept, "--signed-by", trusted)

    assert bl("checkpoint", "--sign", key, "-o", kept, env=ledger).code == 0
    assert bl(*against, env=ledger).code == 0
    text = kept.read_text(encoding="utf-8")
    kept.write_text(text.replace("Z\n", "9Z\n", 1), encoding="utf-8")
    forged = bl(*against, env=ledger)
    damaged(ledger, "UPDATE ledger.log SET body = 'x' WHERE position = 2")
    refused = bl("checkpoint", "--sign", key, "-o", tmp_path / "no", env=ledger)

    assert forged.code == 3
    assert "changed after acme signed it" in forged.err
    assert refused.code == 3
    assert "#2" in refused.err
    assert not (tmp_path / "no").exists()


def test_account_is_shown_by_either_name_it_goes_by(ledger: dict[str, str]) -> None:
    account = an_account(ledger)

    shown = json.loads(bl("show", account, "-O", "json", env=ledger).out)

    assert shown["account"] == account
    assert shown["status"] == "active"
    assert shown["users"]
    assert shown["subscriptions"][0]["primary"] is True


def test_log_of_an_account_is_its_own_and_of_a_type_those_of_that_type(
    ledger: dict[str, str],
) -> None:
    account = an_account(ledger)

    own = bl("log", account, "-O", "jsonl", env=ledger).out.splitlines()
    invoices = bl("log", account, "--type", "invoice.*", "-O", "jsonl", env=ledger).out
    newest = bl("log", account, "--limit", "2", "-O", "jsonl", env=ledger).out

    assert {json.loads(line)["account"] for line in own} == {account}
    types = {json.loads(line)["type"] for line in invoices.splitlines()}
    assert all(one.startswith("invoice.") for one in types)
    assert newest.splitlines() == own[-2:]


async def test_account_is_shown_by_the_products_own_id(ledger: dict[str, str]) -> None:
    account = an_account(ledger)
    command = Command.identify(account="shop-1", route="link", key="1", fingerprint="f")
    link = AccountLinked(account="shop-1", command=command, customer=account)
    conninfo = ledger["DATABASE_URL"]
    async with PostgresLog.open(conninfo, Role.APPENDER) as log:
        await log.append([link])
    async with PostgresLog.open(conninfo, Role.PROJECTOR) as log:
        await catch_up(conninfo, log)

    shown = json.loads(bl("show", "shop-1", "-O", "json", env=ledger).out)
    listed = bl("log", "shop-1", "-O", "jsonl", env=ledger).out.splitlines()

    assert (shown["account"], shown["linked_account"]) == (account, "shop-1")
    assert {json.loads(line)["account"] for line in listed} == {account, "shop-1"}


def test_object_is_shown_as_the_log_last_heard_of_it(ledger: dict[str, str]) -> None:
    listed = bl("log", "--type", "invoice.paid", "-O", "jsonl", env=ledger).out
    invoice = json.loads(listed.splitlines()[0])["object_id"]

    shown = json.loads(bl("show", invoice, "-O", "json", env=ledger).out)

    assert shown["object"]["id"] == invoice
    assert shown["object"]["status"] == "paid"
    assert "invoice.paid" in {event["type"] for event in shown["events"]}


def test_an_object_is_looked_for_among_its_owners_events_alone(
    ledger: dict[str, str],
) -> None:
    conninfo = ledger["DATABASE_URL"]
    listed = bl("log", "--type", "invoice.paid", "-O", "jsonl", env=ledger).out
    paid = json.loads(listed.splitlines()[0])

    with psycopg.connect(conninfo) as connection:
        known = owners(connection, paid["object_id"])
        unheard = owners(connection, "in_nobody")
        span = span_of(connection, paid["event_id"])
        nowhere = span_of(connection, "evt_nobody")

    # Of what the read models do not know, all of the log is read.
    assert (known, unheard) == ([paid["account"]], None)
    assert (span, nowhere) == ((paid["position"] - 1, paid["position"]), (0, 0))
    named = bl("log", paid["object_id"], "-O", "jsonl", env=ledger).out.splitlines()
    assert paid["event_id"] in [json.loads(line)["event_id"] for line in named]
    (alone,) = bl("log", paid["event_id"], "-O", "jsonl", env=ledger).out.splitlines()
    assert json.loads(alone)["position"] == paid["position"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serve_says_where_it_is_and_ends_when_told(
    ledger: dict[str, str], number: signal.Signals
) -> None:
    env = ledger | {"STRIPE_WEBHOOK_SECRETS": SECRET, "LEDGER_PORT": "0"}
    with subprocess.Popen([*BL, "serve"], env=env, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        said = b""
        while b"metrics    http" not in said:
            line = process.stderr.readline()
            assert line, said
            said += line
        base = re.findall(rb"read API +(http://[^/]+)/", said)[0].decode()
        token = bl("token", "--scope", "read", env=ledger).out.strip()
        asked = Request(f"{base}/v1/status", headers={"Authorization": f"Bearer {token}"})
        with urlopen(asked) as answer:
            status = json.load(answer)
        process.send_signal(number)
        assert process.wait(20) == 0
    assert (
        status["ledger"] == json.loads(bl("status", "-O", "json", env=ledger).out)["ledger"]
    )


def test_serve_reads_from_a_replica_of_its_own_ledger_only(
    ledger: dict[str, str], found_ledger: Callable[[str], str]
) -> None:
    env = ledger | {"STRIPE_WEBHOOK_SECRETS": SECRET, "LEDGER_PORT": "0"}
    other = found_ledger("18")
    with psycopg.connect(other, autocommit=True) as connection:
        connection.execute("UPDATE ledger.identity SET ledger_id = 'led_other'")
    wrong = {
        "postgresql://127.0.0.1:1/away": "READ_DATABASE_URL cannot be used",
        other: "READ_DATABASE_URL is of ledger led_other, not of led_",
    }
    for url, told in wrong.items():
        said = bl("serve", env=env | {"READ_DATABASE_URL": url})
        assert (said.code, said.err.count("\n")) == (5, 1)
        assert told in said.err


def test_followed_log_shows_what_is_appended(
    ledger: dict[str, str],
) -> None:
    with subprocess.Popen(
        [*BL, "log", "--follow", "--limit", "1", "-O", "jsonl"],
        env=ledger,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        asyncio.run(append(ledger["DATABASE_URL"], "evt_late"))
        assert json.loads(process.stdout.readline())["event_id"] == "evt_late"
        process.terminate()


def test_migrate_makes_the_ledger_once(database18: str) -> None:
    first = bl("migrate", env=on(database18))
    second = bl("migrate", env=on(database18))

    assert first.out.splitlines()[0] == "0001_log.sql"
    assert (second.code, second.out) == (0, "")
    assert "up to date" in second.err
    assert first.out.splitlines()[-1].endswith(".sql")
