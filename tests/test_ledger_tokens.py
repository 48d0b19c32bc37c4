"""Bearer tokens hold for their scopes, their account and their time, and no longer."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.tokens import Scope, TokenError, mint, verify

KEY = b"a key for tests, long enough"
OLD_KEY = b"the key before that, as long"
NOW = datetime(2026, 11, 1, 9, tzinfo=UTC)


def token(key: bytes = KEY, expires_at: datetime | None = None) -> str:
    return mint(key=key, scopes=["read"], account=None, expires_at=expires_at, now=NOW)


@given(
    st.sets(st.sampled_from(list(Scope)), min_size=1),
    st.none() | st.text(st.characters(codec="utf-8"), max_size=60),
)
def test_a_token_grants_what_it_was_minted_for(
    scopes: set[Scope], account: str | None
) -> None:
    expires_at = NOW + timedelta(hours=1)

    minted = mint(key=KEY, scopes=scopes, account=account, expires_at=expires_at, now=NOW)
    grant = verify(minted, keys=[KEY], now=NOW)

    assert grant.scopes == scopes
    assert grant.account == account
    assert grant.expires_at == expires_at


def test_a_token_holds_until_its_expiry_exclusive() -> None:
    expiring = token(expires_at=NOW + timedelta(seconds=60))

    verify(expiring, keys=[KEY], now=NOW + timedelta(seconds=59))
    with pytest.raises(TokenError, match="expired"):
        verify(expiring, keys=[KEY], now=NOW + timedelta(seconds=60))


def test_a_token_holds_while_its_key_is_in_the_list_and_is_void_after() -> None:
    old = token(OLD_KEY)

    verify(old, keys=[KEY, OLD_KEY], now=NOW)
    with pytest.raises(TokenError, match="no key in use"):
        verify(old, keys=[KEY], now=NOW)


@given(st.integers(0, 200), st.integers(1, 127))
def test_no_changed_character_passes(place: int, flip: int) -> None:
    minted = token()
    place %= len(minted)
    changed = minted[:place] + chr(ord(minted[place]) ^ flip) + minted[place + 1 :]

    with pytest.raises(TokenError):
        verify(changed, keys=[KEY], now=NOW)


@given(st.text(max_size=200))
def test_any_text_is_refused_and_never_crashes(text: str) -> None:
    with pytest.raises(TokenError):
        verify(text, keys=[KEY], now=NOW)


def test_the_last_character_of_the_signature_has_no_second_spelling() -> None:
    minted = token()
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    mac = minted.rpartition(".")[2]
    same_bytes = [
        mac[:-1] + last
        for last in alphabet
        if last != mac[-1]
        and base64.urlsafe_b64decode(mac[:-1] + last + "=")
        == base64.urlsafe_b64decode(mac + "=")
    ]

    assert same_bytes
    for other in same_bytes:
        with pytest.raises(TokenError):
            verify(minted.rpartition(".")[0] + "." + other, keys=[KEY], now=NOW)


@pytest.mark.parametrize(
    ("scopes", "expires_at", "key", "reason"),
    [
        (["write"], None, KEY, "given: write"),
        ([], None, KEY, "given: none"),
        (["read"], NOW, KEY, "expired already"),
        (["read"], None, b"short", "at least 16 bytes"),
    ],
)
def test_mint_refuses(
    scopes: list[str], expires_at: datetime | None, key: bytes, reason: str
) -> None:
    with pytest.raises(TokenError, match=reason):
        mint(key=key, scopes=scopes, account=None, expires_at=expires_at, now=NOW)


def test_the_payload_does_not_carry_the_key() -> None:
    minted = token().removeprefix("bl_").partition(".")[0]

    assert KEY not in base64.urlsafe_b64decode(minted + "==")
