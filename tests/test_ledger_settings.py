"""Settings are parsed once, and a wrong one is named in a line that shows no secret."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from ledger.errors import NotConfiguredError
from ledger.settings import (
    SETTINGS,
    Mode,
    Secret,
    Settings,
    SettingsError,
    WebhookSecret,
    load,
    refuse_secrets_on_command_line,
)

Set = Callable[..., None]
KEY = "0123456789abcdef0123456789abcdef"


@pytest.fixture(autouse=True)
def blank(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*SETTINGS, "LEDGER_SETTINGS", "WEBHOOK_SECRETS"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Set:
    def set_all(**values: str) -> None:
        for name, value in values.items():
            monkeypatch.setenv(name, value)

    return set_all


@pytest.fixture
def file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], None]:
    def write(text: str) -> None:
        path = tmp_path / "ledger.toml"
        path.write_text(text)
        monkeypatch.setenv("LEDGER_SETTINGS", str(path))

    return write


def test_without_any_setting_the_defaults_hold() -> None:
    settings = load()

    assert settings == Settings()
    assert settings.database_url is None
    assert (settings.body_limit, settings.tolerance_s, settings.deadline_s) == (
        1048576,
        300,
        3,
    )
    assert settings.mode is Mode.LIVE


def test_every_setting_is_read_from_the_environment(environment: Set) -> None:
    environment(
        DATABASE_URL="postgresql://u:p@h/d",
        READ_DATABASE_URL="postgresql://u:p@r/d",
        LEDGER_DATA_DIR="/srv/ledger",
        LEDGER_HOST="::1",
        LEDGER_PORT="0",
        LEDGER_METRICS_PORT="9100",
        STRIPE_WEBHOOK_SECRETS="whsec_new, whsec_old",
        STRIPE_API_KEY="rk_test_1",
        STRIPE_API_BASE="http://127.0.0.1:12111/",
        LEDGER_MODE="test",
        LEDGER_TOKEN_KEY=f"{KEY},{KEY[::-1]}",
        LEDGER_RETURN_ORIGINS="https://shop.example,https://admin.example",
        LEDGER_CHECKOUT_PRICES="price_1,price_2",
        LEDGER_BOOK_ZONE="Europe/Berlin",
        SMTP_URL="smtps://u:p@mail.example",
        LEDGER_BODY_LIMIT="2048",
        LEDGER_TOLERANCE_S="60",
        LEDGER_DEADLINE_S="1.5",
        LEDGER_HEADER_DEADLINE_S="2",
        LEDGER_BODY_DEADLINE_S="4",
        LEDGER_GRACE_S="20",
    )

    assert load() == Settings(
        database_url=Secret("postgresql://u:p@h/d"),
        read_database_url=Secret("postgresql://u:p@r/d"),
        data_dir=Path("/srv/ledger"),
        host="::1",
        port=0,
        metrics_port=9100,
        webhook_secrets=(
            WebhookSecret(secret=Secret("whsec_new")),
            WebhookSecret(secret=Secret("whsec_old")),
        ),
        stripe_api_key=Secret("rk_test_1"),
        stripe_api_base="http://127.0.0.1:12111",
        mode=Mode.TEST,
        token_keys=(Secret(KEY.encode()), Secret(KEY[::-1].encode())),
        return_origins=("https://shop.example", "https://admin.example"),
        checkout_prices=("price_1", "price_2"),
        book_zone=ZoneInfo("Europe/Berlin"),
        smtp_url=Secret("smtps://u:p@mail.example"),
        body_limit=2048,
        tolerance_s=60,
        deadline_s=1.5,
        header_deadline_s=2,
        body_deadline_s=4,
        grace_s=20,
    )


def test_the_environment_wins_over_the_file(
    environment: Set, file: Callable[[str], None]
) -> None:
    file(
        """
        ledger_port = 8081
        ledger_host = "0.0.0.0"
        ledger_checkout_prices = ["price_1", "price_2"]
        stripe_webhook_secrets = "whsec_file"
        [[webhook_secrets]]
        secret = "whsec_old"
        valid_to = 2026-12-01T00:00:00Z
        account = "acct_1"
        livemode = false
        """
    )
    environment(LEDGER_PORT="8082")

    settings = load()

    assert (settings.port, settings.host) == (8082, "0.0.0.0")
    assert settings.checkout_prices == ("price_1", "price_2")
    assert settings.webhook_secrets == (
        WebhookSecret(secret=Secret("whsec_file")),
        WebhookSecret(
            secret=Secret("whsec_old"),
            valid_to=datetime(2026, 12, 1, tzinfo=UTC),
            account="acct_1",
            livemode=False,
        ),
    )


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("LEDGER_TOLERANCE_S", "0", "is not a whole number from 1 to 86400"),
        ("LEDGER_TOLERANCE_S", "-300", "is not a whole number"),
        ("STRIPE_WEBHOOK_SECRETS", "", "empty secret"),
        ("STRIPE_WEBHOOK_SECRETS", "whsec_a,,whsec_b", "empty secret"),
        ("STRIPE_WEBHOOK_SECRETS", "hunter2-hunter2", "does not start with whsec_"),
        ("STRIPE_WEBHOOK_SECRETS", "whsec_", "does not start with whsec_ or ends there"),
        ("STRIPE_WEBHOOK_SECRETS", "whsec_hunter2é", "no plain text"),
        ("LEDGER_TOKEN_KEY", "hunter2", "fewer than 16 characters"),
        ("STRIPE_API_KEY", "pk_hunter2", "does not start with sk_ or rk_"),
        ("STRIPE_API_BASE", "http://hunter2", "does not start with https://"),
        (
            "LEDGER_RETURN_ORIGINS",
            "javascript:alert(1)",
            "holds no origin such as https://",
        ),
        ("LEDGER_RETURN_ORIGINS", "https://shop.example/billing", "without a path"),
        ("LEDGER_RETURN_ORIGINS", "http://shop.example", "http:// only for localhost"),
        ("DATABASE_URL", "", "is empty"),
        ("LEDGER_PORT", "65536", "is not a whole number from 0 to 65535"),
        ("LEDGER_PORT", "٣", "is not a whole number"),
        ("LEDGER_BODY_LIMIT", "1 MiB", "is not a whole number"),
        ("LEDGER_DEADLINE_S", "nan", "is not a number of seconds"),
        ("LEDGER_DEADLINE_S", "soon", "is not a number of seconds"),
        ("LEDGER_MODE", "Live", "is neither live nor test"),
        ("LEDGER_BOOK_ZONE", "Mars/Olympus", "is no time zone"),
        ("LEDGER_BOOK_ZONE", "../../etc/passwd", "is no time zone"),
        ("SMTP_URL", "http://hunter2", "does not start with smtp://"),
        ("LEDGER_SETTINGS", "/nowhere/at.toml", "names no file"),
    ],
)
def test_R13_a_wrong_setting_is_one_line_that_names_it(
    environment: Set, name: str, value: str, reason: str
) -> None:
    environment(**{name: value})

    with pytest.raises(SettingsError) as caught:
        load()

    message = str(caught.value)
    assert message.startswith(name)
    assert reason in message
    assert "\n" not in message
    assert "hunter2" not in message
    assert isinstance(caught.value, NotConfiguredError)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("ledger_prot = 1", "ledger_prot"),
        ("ledger_port = ", "LEDGER_SETTINGS"),
        ("[[webhook_secrets]]\nvalid_to = 2026-12-01T00:00:00Z", "empty secret"),
        ('[[webhook_secrets]]\nsecret = ""', "empty secret"),
        ('[[webhook_secrets]]\nsecret = "hunter2"', "does not start with whsec_"),
        ("[[webhook_secrets]]\nsecret = 7", "secret is not a text"),
        (
            '[[webhook_secrets]]\nsecret = "whsec_hunter2"\nvalid_to = 2026-12-01T00:00:00',
            "valid_to is not a time with its zone",
        ),
        (
            '[[webhook_secrets]]\nsecret = "whsec_hunter2"\naccount = "cus_1"',
            "account is not an id acct_",
        ),
        (
            '[[webhook_secrets]]\nsecret = "whsec_hunter2"\nlivemode = "yes"',
            "livemode is not true or false",
        ),
        ('[[webhook_secrets]]\nsecret = "whsec_hunter2"\nvalid = 1', "no key valid"),
        ('webhook_secrets = "whsec_hunter2"', "no list of tables"),
    ],
)
def test_R13_a_wrong_file_is_one_line_without_its_secrets(
    file: Callable[[str], None], text: str, reason: str
) -> None:
    file(text)

    with pytest.raises(SettingsError) as caught:
        load()

    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_R13_no_secret_shows_in_repr_str_or_a_format(environment: Set) -> None:
    environment(
        DATABASE_URL="postgresql://u:hunter2@h/d",
        STRIPE_WEBHOOK_SECRETS="whsec_hunter2",
        STRIPE_API_KEY="sk_live_hunter2",
        LEDGER_TOKEN_KEY="hunter2" * 5,
        SMTP_URL="smtp://u:hunter2@mail",
    )

    settings = load()

    assert "hunter2" not in f"{settings!r} {settings!s} {settings.database_url}"


@pytest.mark.parametrize(
    "argument",
    ["--secret=whsec_anything", "postgresql://u:hunter2@h/d", "--key=" + KEY, "rk_test_1"],
)
def test_R13_a_secret_on_the_command_line_is_refused(argument: str) -> None:
    settings = Settings(
        database_url=Secret("postgresql://u:hunter2@h/d"),
        stripe_api_key=Secret("rk_test_1"),
        token_keys=(Secret(KEY.encode()),),
    )

    refuse_secrets_on_command_line(settings, ["serve", "--port", "8080"])
    with pytest.raises(SettingsError, match="argument 1 holds a secret") as caught:
        refuse_secrets_on_command_line(settings, ["serve", argument])
    assert argument not in str(caught.value)


def test_importing_settings_is_cheap() -> None:
    program = (
        "import time; t = time.perf_counter(); import ledger.settings, sys; "
        "assert 'typed_settings' not in sys.modules; print(time.perf_counter() - t)"
    )
    started = time.monotonic()
    spent = subprocess.run(
        [sys.executable, "-c", program],
        check=True,
        capture_output=True,
        text=True,
        env=dict(os.environ),
    )

    assert float(spent.stdout) < 1
    assert time.monotonic() - started < 10
