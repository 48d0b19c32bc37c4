"""A signed note holds for the key that signed it, and for no other text or key."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from ledger.notes import (
    SignatureError,
    SigningKeyError,
    check_name,
    private_key,
    public_key,
    signed,
    signer,
)

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(32))
TEXT = "billing-ledger/led_1\n48213\nAAEC\n2026-11-01T00:00:00Z\n"
NOTE = signed(TEXT, "acme", KEY)


def openssl(*arguments: str | Path) -> None:
    subprocess.run(["openssl", *arguments], check=True)


def test_a_note_is_its_text_a_gap_and_a_line_for_the_signer() -> None:
    text, line = NOTE.split("\n\n")

    assert f"{text}\n" == TEXT
    assert line.startswith("\N{EM DASH} acme ")
    assert signer(NOTE, KEY.public_key()) == "acme"


def test_a_note_may_be_vouched_for_by_several() -> None:
    _, _, line = signed(TEXT, "witness", OTHER).partition("\n\n")

    assert signer(f"{NOTE}{line}", OTHER.public_key()) == "witness"
    assert signer(f"{NOTE}{line}", KEY.public_key()) == "acme"


@given(place=st.integers(0, len(NOTE.encode()) - 2), bit=st.integers(0, 7))
def test_no_bit_of_a_note_can_be_changed(place: int, bit: int) -> None:
    raw = bytearray(NOTE.encode())
    raw[place] ^= 1 << bit

    with pytest.raises(SignatureError):
        signer(raw.decode(errors="replace"), KEY.public_key())


@pytest.mark.parametrize("note", [TEXT, "", f"{TEXT}\n\N{EM DASH} acme not-base64\n"])
def test_what_nobody_signed_is_refused(note: str) -> None:
    with pytest.raises(SignatureError):
        signer(note, KEY.public_key())


def test_a_key_that_is_not_trusted_does_not_count() -> None:
    with pytest.raises(SignatureError, match="not with the key that is trusted"):
        signer(NOTE, OTHER.public_key())


def test_a_name_with_a_space_or_nothing_in_it_names_nobody() -> None:
    for name in ("", "a b", "a+b", "a\n"):
        with pytest.raises(ValueError, match="signer's name"):
            check_name(name)


def test_keys_are_those_that_openssl_makes(tmp_path: Path) -> None:
    secret, public = tmp_path / "key.pem", tmp_path / "key.pub"
    openssl("genpkey", "-algorithm", "ed25519", "-out", secret)
    openssl("pkey", "-in", secret, "-pubout", "-out", public)

    note = signed(TEXT, "acme", private_key(secret.read_bytes()))
    assert signer(note, public_key(public.read_bytes())) == "acme"


def test_another_kind_of_key_is_refused(tmp_path: Path) -> None:
    secret, public = tmp_path / "key.pem", tmp_path / "key.pub"
    openssl("genpkey", "-algorithm", "x25519", "-out", secret)
    openssl("pkey", "-in", secret, "-pubout", "-out", public)

    for refused in (secret.read_bytes(), b"", b"-----BEGIN"):
        with pytest.raises(SigningKeyError):
            private_key(refused)
    for refused in (public.read_bytes(), b"", b"-----BEGIN"):
        with pytest.raises(SigningKeyError):
            public_key(refused)
