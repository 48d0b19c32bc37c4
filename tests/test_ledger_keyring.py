"""The key of bearer tokens is made once, kept to ourselves, and asked for when shared."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ledger.embedded_account import server_account
from ledger.keyring import signing_keys
from ledger.settings import Secret, Settings, SettingsError


def test_the_token_key_is_made_once_whoever_comes_first(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "ledger")

    with ThreadPoolExecutor(16) as pool:
        keys = set(pool.map(lambda _: signing_keys(settings), range(64)))

    assert len(keys) == 1
    (kept,) = (tmp_path / "ledger").iterdir()
    assert kept.stat().st_mode & 0o777 == 0o600
    assert len(kept.read_bytes()) == 64
    assert signing_keys(settings) in keys


def test_a_directory_made_for_the_key_is_one_the_embedded_server_can_use(
    tmp_path: Path,
) -> None:
    signing_keys(Settings(data_dir=tmp_path / "ledger"))

    change_to = server_account().change_to
    owner = os.geteuid() if change_to is None else change_to[0]
    assert (tmp_path / "ledger").stat().st_uid == owner
    assert (tmp_path / "ledger").stat().st_mode & 0o777 == 0o700


def test_the_token_key_is_required_with_a_database_others_may_use(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, database_url=Secret("postgresql:///x"))

    with pytest.raises(SettingsError, match="LEDGER_TOKEN_KEY is missing"):
        signing_keys(settings)
    assert list(tmp_path.iterdir()) == []


def test_a_data_directory_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "occupied").write_text("")
    settings = Settings(data_dir=tmp_path / "occupied")

    with pytest.raises(SettingsError, match=r"LEDGER_DATA_DIR .*occupied"):
        signing_keys(settings)
