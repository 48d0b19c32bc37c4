"""Settings: the environment and a TOML file, parsed once into what cannot be wrong.

    STRIPE_WEBHOOK_SECRETS=whsec_new,whsec_old          the environment wins …

    ledger_port = 8080                                  … over the file that
    [[webhook_secrets]]                                 LEDGER_SETTINGS names
    secret = "whsec_…"
    valid_to = 2026-12-01T00:00:00Z
    livemode = true

A wrong setting is one line that names it and says why; no secret is ever part of it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import attrs

from ledger.errors import NotConfiguredError
from ledger.notation import (
    Mode,
    Secret,
    WebhookSecret,
    mode,
    number,
    origin,
    seconds,
    secret,
    secret_starting,
    starting,
    text,
    texts,
    token_keys,
    webhook_secret,
    webhook_secrets,
    zone,
)

__all__ = [
    "SETTINGS",
    "Mode",
    "Secret",
    "Setting",
    "Settings",
    "SettingsError",
    "WebhookSecret",
    "load",
    "refuse_secrets_on_command_line",
]

FILE_SETTING: Final = "LEDGER_SETTINGS"


class SettingsError(NotConfiguredError):
    """A setting is wrong; the text names it and says what is expected (exit 5)."""


def _default_data_dir() -> Path:
    if os.geteuid() == 0:
        return Path("/var/lib/billing-ledger")
    data_home = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(data_home).expanduser() / "billing-ledger"


@attrs.frozen(kw_only=True)
class Settings:
    """All that can be set, parsed; times in seconds, sizes in bytes.

    Attributes:
        database_url: None starts an embedded PostgreSQL in *data_dir*.
        token_keys: The first signs, all verify; empty means one kept in *data_dir*.
        tolerance_s: How far a signature's time may be from ours, both ways.
        deadline_s: Within it a delivery is answered, with 503 if need be.
        grace_s: How long a stop waits for requests under way.
    """

    database_url: Secret[str] | None = None
    read_database_url: Secret[str] | None = None
    data_dir: Path = attrs.Factory(_default_data_dir)
    host: str = "127.0.0.1"
    port: int = 8080
    metrics_port: int = 0
    webhook_secrets: tuple[WebhookSecret, ...] = ()
    stripe_api_key: Secret[str] | None = None
    stripe_api_base: str = "https://api.stripe.com"
    mode: Mode = Mode.LIVE
    token_keys: tuple[Secret[bytes], ...] = ()
    return_origins: tuple[str, ...] = ()
    checkout_prices: tuple[str, ...] = ()
    book_zone: ZoneInfo = attrs.Factory(lambda: ZoneInfo("UTC"))
    smtp_url: Secret[str] | None = None
    body_limit: int = 1024 * 1024
    tolerance_s: int = 300
    deadline_s: float = 3
    header_deadline_s: float = 10
    body_deadline_s: float = 5
    grace_s: float = 10
    rate_per_s: int = 2000


@attrs.frozen
class Setting:
    """One row of the table of settings: how it is spelled, read and explained."""

    field: str
    parse: Callable[[str], Any]
    meaning: str


_API_BASE: Final = starting("https://", "http://localhost", "http://127.0.0.1")

SETTINGS: Final[dict[str, Setting]] = {
    "DATABASE_URL": Setting("database_url", secret, "PostgreSQL; absent: embedded"),
    "READ_DATABASE_URL": Setting("read_database_url", secret, "a replica to read from"),
    "LEDGER_DATA_DIR": Setting(
        "data_dir", lambda raw: Path(text(raw)).expanduser().absolute(), "our own files"
    ),
    "LEDGER_HOST": Setting("host", text, "address to listen on"),
    "LEDGER_PORT": Setting("port", number(0, 65535), "port to listen on; 0: a free one"),
    "LEDGER_METRICS_PORT": Setting(
        "metrics_port", number(0, 65535), "port of the metrics; 0: a free one, printed"
    ),
    "STRIPE_WEBHOOK_SECRETS": Setting(
        "webhook_secrets", webhook_secrets, "what Stripe signs with, comma-separated"
    ),
    "STRIPE_API_KEY": Setting(
        "stripe_api_key", secret_starting("sk_", "rk_"), "to ask Stripe with"
    ),
    "STRIPE_API_BASE": Setting("stripe_api_base", _API_BASE, "where Stripe's API is"),
    "LEDGER_MODE": Setting("mode", mode, "live or test; the other is kept as foreign"),
    "LEDGER_TOKEN_KEY": Setting(
        "token_keys", token_keys, "signs bearer tokens; several: the first signs"
    ),
    "LEDGER_RETURN_ORIGINS": Setting(
        "return_origins",
        lambda raw: tuple(origin(item) for item in texts(raw)),
        "where hosted pages may lead back to",
    ),
    "LEDGER_CHECKOUT_PRICES": Setting("checkout_prices", texts, "prices on offer"),
    "LEDGER_BOOK_ZONE": Setting("book_zone", zone, "where a month of finance begins"),
    "SMTP_URL": Setting("smtp_url", secret_starting("smtp://", "smtps://"), "for notices"),
    "LEDGER_BODY_LIMIT": Setting("body_limit", number(1, 1 << 26), "largest body, bytes"),
    "LEDGER_TOLERANCE_S": Setting(
        "tolerance_s", number(1, 86_400), "age of a signature, both ways, seconds"
    ),
    "LEDGER_DEADLINE_S": Setting("deadline_s", seconds, "answer a delivery within"),
    "LEDGER_HEADER_DEADLINE_S": Setting(
        "header_deadline_s", seconds, "a request's header arrives within"
    ),
    "LEDGER_BODY_DEADLINE_S": Setting(
        "body_deadline_s", seconds, "a request's body arrives within"
    ),
    "LEDGER_GRACE_S": Setting("grace_s", seconds, "a stop waits for requests for"),
    "LEDGER_RATE_PER_S": Setting(
        "rate_per_s", number(0, 1_000_000), "requests a second with one token; 0: any"
    ),
}


def load() -> Settings:
    """Read the environment and the file named by ``LEDGER_SETTINGS``.

    Raises:
        SettingsError: A setting is wrong or unknown, or the file cannot be read.
    """
    given = _gather()
    tables = given.pop("webhook_secrets", None)
    parsed = {
        setting.field: _parse(name, setting, given[name.lower()])
        for name, setting in SETTINGS.items()
        if given[name.lower()] is not None
    }
    if tables is not None:
        parsed["webhook_secrets"] = parsed.get("webhook_secrets", ()) + _tables(tables)
    return Settings(**parsed)


def refuse_secrets_on_command_line(settings: Settings, argv: Sequence[str]) -> None:
    """Refuse to go on where any process of the machine could read a secret.

    Raises:
        SettingsError: Names the argument's place, never its text.
    """
    hidden = [
        value.reveal()
        for value in attrs.asdict(settings).values()
        if _is_text_secret(value)
    ]
    hidden += [entry.secret.reveal() for entry in settings.webhook_secrets]
    hidden += [key.reveal().decode() for key in settings.token_keys]
    for place, argument in enumerate(argv):
        if "whsec_" in argument or any(known in argument for known in hidden):
            raise SettingsError(
                f"argument {place} holds a secret, which every process can read there; "
                "set it in the environment or in a file"
            )


def _gather() -> dict[str, Any]:
    """Return every setting as it is written, None where it is not."""
    # Imported here: it costs 30 ms, and not every command reads settings.
    from typed_settings import (  # noqa: PLC0415
        EnvLoader,
        FileLoader,
        TomlFormat,
        load_settings,
    )
    from typed_settings.exceptions import TsError  # noqa: PLC0415

    names = [*map(str.lower, SETTINGS), "webhook_secrets"]
    written = attrs.make_class(
        "Written", {name: attrs.field(default=None, type=Any) for name in names}
    )
    path = os.environ.get(FILE_SETTING)
    if path is not None and not Path(path).is_file():
        raise SettingsError(f"{FILE_SETTING} names no file: {path}")
    files = FileLoader({"*": TomlFormat(None)}, [path] if path else [])
    try:
        loaded: Any = load_settings(written, [files, EnvLoader("")])
    except TsError as error:
        raise SettingsError(f"{FILE_SETTING}: {_one_line(error)}") from None
    except (UnicodeDecodeError, OSError):
        raise SettingsError(f"{FILE_SETTING} names a file that cannot be read") from None
    return {name: getattr(loaded, name) for name in names}


def _parse(name: str, setting: Setting, written: object) -> Any:  # noqa: ANN401 - by table
    raw = ",".join(map(str, written)) if isinstance(written, list) else str(written)
    try:
        return setting.parse(raw)
    except ValueError as error:
        raise SettingsError(f"{name} {error}") from None


def _tables(written: object) -> tuple[WebhookSecret, ...]:
    if not isinstance(written, list) or not all(isinstance(one, dict) for one in written):
        raise SettingsError("webhook_secrets is no list of tables [[webhook_secrets]]")
    return tuple(_table(place, table) for place, table in enumerate(written, start=1))


def _table(place: int, table: dict[str, Any]) -> WebhookSecret:
    name = f"webhook_secrets, table {place}:"
    checks: dict[str, tuple[Callable[[Any], bool], str]] = {
        "secret": (lambda value: isinstance(value, str), "a text"),
        "valid_to": (_is_aware, "a time with its zone, such as 2026-12-01T00:00:00Z"),
        "account": (lambda value: str(value).startswith("acct_"), "an id acct_…"),
        "livemode": (lambda value: isinstance(value, bool), "true or false"),
    }
    for key, value in table.items():
        if key not in checks:
            raise SettingsError(f"{name} there is no key {key}")
        accepts, expected = checks[key]
        if not accepts(value):
            raise SettingsError(f"{name} {key} is not {expected}")
    try:
        found = webhook_secret(table.get("secret", ""))
    except ValueError as error:
        raise SettingsError(f"{name} {error}") from None
    return WebhookSecret(**{**table, "secret": found})


def _is_aware(value: object) -> bool:
    return isinstance(value, datetime) and value.tzinfo is not None


def _is_text_secret(value: object) -> bool:
    return isinstance(value, Secret) and isinstance(value.reveal(), str)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
