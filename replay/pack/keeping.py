"""What is kept beside the database: checkpoints and keys, as files that people give us."""

from __future__ import annotations

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ledger.checkpoint import Checkpoint, CheckpointError
from ledger.notes import (
    SignatureError,
    SigningKeyError,
    private_key,
    public_key,
    signer,
)
from replay.arguments.options import UsageError


def kept_bytes(path: Path, what: str) -> bytes:
    """Return what is in the file.

    Raises:
        UsageError: It cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"{what} {path} cannot be read: {error.strerror}") from error


def kept_key(path: Path) -> Ed25519PrivateKey:
    """Return the private key in the file.

    Raises:
        UsageError: It cannot be read.
        SigningKeyError: It holds no such key.
    """
    try:
        return private_key(kept_bytes(path, "the key"))
    except SigningKeyError:
        raise SigningKeyError(
            f"{path} is no Ed25519 private key in PEM without a password; "
            f"openssl genpkey -algorithm ed25519 -out {path.stem}.pem makes one"
        ) from None


def kept_checkpoint(path: Path, *, signed_by: Path | None = None) -> Checkpoint:
    """Return the checkpoint in the file, if who is trusted has signed it.

    Args:
        signed_by: An Ed25519 public key in PEM; without it signatures are not looked at.

    Raises:
        UsageError: It cannot be read, or holds no text.
        CheckpointError: It holds something else.
        SignatureError: It is not signed with that key, or was changed afterwards.
    """
    try:
        text = kept_bytes(path, "the checkpoint").decode()
    except UnicodeDecodeError:
        raise UsageError(f"the checkpoint {path} cannot be read: it is not text") from None
    if signed_by is not None:
        try:
            signer(text, public_key(kept_bytes(signed_by, "the key")))
        except SignatureError as error:
            raise SignatureError(f"the checkpoint {path}: {error}") from None
    try:
        return Checkpoint.parse(text)
    except CheckpointError as error:
        raise CheckpointError(f"{path}: {error}") from None
