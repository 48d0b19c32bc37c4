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
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
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
