"""Signed notes: a text, and beneath it who vouches for it, one line each.

    billing-ledger/led_5f0c2a9be1d34d77
    48213
    f3qkQp1cV4m0Hc8Tn1nJr0Xb2mZk0o0uXl4yJrV5m5E=
    2026-11-01T00:00:00Z

    — acme KXzSx…

The format of C2SP's signed-note, as transparency logs use it: Ed25519 over the text up to
and with its last newline; a line names the key, four bytes of its digest, and the
signature. https://c2sp.org/signed-note
"""

from __future__ import annotations

import base64
import hashlib
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)
from cryptography.hazmat.primitives.serialization import (
    load_pem_private_key,
    load_pem_public_key,
)

from ledger.errors import LedgerError

_DASH: Final = "\N{EM DASH} "
_ED25519: Final = b"\x01"
_KEY_HASH_BYTES: Final = 4


class SigningKeyError(LedgerError):
    """The file is no Ed25519 key; make one with openssl genpkey -algorithm ed25519."""


class SignatureError(LedgerError):
    """Nobody who is trusted has signed the note, or it was changed afterwards."""


def private_key(pem: bytes) -> Ed25519PrivateKey:
    """Read an unencrypted private key.

    Raises:
        SigningKeyError: It is another kind of key, encrypted, or none.
    """
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise SigningKeyError(f"not an Ed25519 private key in PEM: {error}") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise SigningKeyError("a private key, but not of Ed25519")
    return key


def public_key(pem: bytes) -> Ed25519PublicKey:
    """Read a public key.

    Raises:
        SigningKeyError: It is another kind of key, or none.
    """
    try:
        key = load_pem_public_key(pem)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise SigningKeyError(f"not an Ed25519 public key in PEM: {error}") from None
    if not isinstance(key, Ed25519PublicKey):
        raise SigningKeyError("a public key, but not of Ed25519")
    return key


def check_name(name: str) -> str:
    """Return *name*, if it can name a signer.

    Raises:
        ValueError: It is empty, or holds a space, a plus sign or a control character.
    """
    if not name or not name.isprintable() or any(one in " +" for one in name):
        raise ValueError("a signer's name has no spaces and no plus sign")
    return name


def signed(text: str, name: str, key: Ed25519PrivateKey) -> str:
    """Return *text*, which ends in a newline, with the signature of *name* beneath."""
    raw = _key_hash(check_name(name), key.public_key()) + key.sign(text.encode())
    return f"{text}\n{_DASH}{name} {base64.b64encode(raw).decode()}\n"


def signer(note: str, key: Ed25519PublicKey) -> str:
    """Return the name under which *key* signed the note.

    Signatures of other keys are passed over: several may vouch for one note.

    Raises:
        SignatureError: There is none of *key*, or the text is not what it signed.
    """
    text, gap, beneath = note.partition(f"\n\n{_DASH}")
    if not gap:
        raise SignatureError("the note is not signed")
    for line in f"{_DASH}{beneath}".splitlines():
        name, raw = _signature(line)
        if raw[:_KEY_HASH_BYTES] != _key_hash(name, key):
            continue
        try:
            key.verify(raw[_KEY_HASH_BYTES:], f"{text}\n".encode())
        except InvalidSignature:
            raise SignatureError(
                f"it was changed after {name} signed it, or {name} never did"
            ) from None
        return name
    raise SignatureError("it is signed, but not with the key that is trusted")


def _signature(line: str) -> tuple[str, bytes]:
    name, _, encoded = line.removeprefix(_DASH).partition(" ")
    try:
        return name, base64.b64decode(encoded, validate=True)
    except ValueError as error:  # binascii.Error, or letters that no Base64 has
        raise SignatureError(f"the signature of {name!r} is not whole: {error}") from None


def _key_hash(name: str, key: Ed25519PublicKey) -> bytes:
    digest = hashlib.sha256(f"{name}\n".encode() + _ED25519 + key.public_bytes_raw())
    return digest.digest()[:_KEY_HASH_BYTES]
