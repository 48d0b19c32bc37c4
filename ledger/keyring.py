"""The keys of bearer tokens, and where one is kept when none is set."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Final

from ledger.settings import Settings, SettingsError

FILE_NAME: Final = "token.key"


def signing_keys(settings: Settings) -> tuple[bytes, ...]:
    """Return the keys of bearer tokens: the first signs, all verify.

    Without ``LEDGER_TOKEN_KEY`` one is kept in the data directory, made at first use;
    of several processes that make it at once, all get the same.

    Raises:
        SettingsError: It is needed because others share the database, or cannot be kept.
    """
    if settings.token_keys:
        return tuple(key.reveal() for key in settings.token_keys)
    if settings.database_url is not None:
        raise SettingsError(
            "LEDGER_TOKEN_KEY is missing, and is required with DATABASE_URL so that every "
            "process takes the same tokens; `openssl rand -hex 32` makes one"
        )
    path = settings.data_dir / FILE_NAME
    try:
        if not path.exists():
            _keep(path, secrets.token_hex(32))
        return (path.read_bytes(),)
    except OSError as error:
        raise SettingsError(
            f"LEDGER_TOKEN_KEY cannot be kept in LEDGER_DATA_DIR {settings.data_dir}: "
            f"{error.strerror}"
        ) from None


def _keep(path: Path, text_to_keep: str) -> None:
    """Make *path* appear with all its content or not at all; the first one stays."""
    if not path.parent.exists():
        _make_data_directory(path.parent)
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text_to_keep)
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    except FileExistsError:
        return
    finally:
        draft.unlink()


def _make_data_directory(path: Path) -> None:
    """Make *path* as the embedded PostgreSQL would, whose user has to get into it."""
    # Imported here: most who need a key find one, and no database.
    from ledger.embedded_account import server_account  # noqa: PLC0415
    from ledger.embedded_directory import open_data_directory  # noqa: PLC0415

    open_data_directory(path, server_account(), major=0)
