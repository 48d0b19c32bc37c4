"""What is kept beside the database: checkpoints and keys, as files that people give us."""

from __future__ import annotations

from pathlib import Path

from ledger.checkpoint import Checkpoint
from ledger.notes import SignatureError, public_key, signer
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
    return Checkpoint.parse(text)
