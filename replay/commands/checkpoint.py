"""Write down the end of the log, to be kept outside the database.

    bl checkpoint -o 2026-11.checkpoint
    bl verify --against 2026-11.checkpoint

    openssl genpkey -algorithm ed25519 -out acme.pem
    openssl pkey -in acme.pem -pubout -out acme.pub
    bl checkpoint --sign acme.pem -o 2026-11.checkpoint
    bl verify --against 2026-11.checkpoint --signed-by acme.pub

A chain alone cannot show that its end was cut off, or that all of it was written anew;
a checkpoint that was kept elsewhere does. Four lines: ledger, position, hash, time; a
signature stands beneath them, as a note of C2SP's form. Nothing is signed unseen: the log
is checked up to its head first, and against the checkpoint before if that is given. -O
json is a document with the checkpoint in it; every other form is the checkpoint itself.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import attrs

from ledger.checkpoint import Checkpoint
from ledger.clock import utc_now
from ledger.errors import IntegrityFailureError
from ledger.notes import check_name, signed
from ledger.verify import verify
from replay.arguments.options import Format, ProgressStyle, Reporting, UsageError
from replay.ledgers import database, reading, state
from replay.pack.keeping import kept_checkpoint, kept_key
from replay.report.drafts import opened
from replay.report.output import json_text
from replay.report.progress import progress


def run(
    *,
    sign: Path | None = None,
    signer: str | None = None,
    against: Path | None = None,
    options: Reporting | None = None,
) -> int:
    """Write a checkpoint to stdout or to a file.

    Args:
        sign: An Ed25519 private key in PEM; the log is checked before it is used.
        signer: The name that the signature is given; the key's file name if not said.
        against: An earlier checkpoint that the log must still hold.
    """
    options = options or Reporting()
    key = None if sign is None else kept_key(sign)
    name = _signer(signer, sign)
    taken, mode = _checked(against, options.progress) if sign or against else _head()
    text = taken.text() if key is None else signed(taken.text(), name, key)
    document = {
        "ok": True,
        "findings": [],
        "ledger": taken.ledger_id,
        "mode": mode,
        "position": taken.position,
        "hash": taken.hash.hex(),
        "taken_at": taken.taken_at,
        "signer": name if key else None,
        "checkpoint": text,
    }
    with opened(options.target) as out:
        is_json = options.chosen is Format.JSON
        out.write(f"{json_text(document)}\n" if is_json else text)
    return 0


def _signer(name: str | None, key: Path | None) -> str:
    try:
        return check_name(name or (key.stem if key else "") or "ledger")
    except ValueError as error:
        raise UsageError(f"--signer {name!r}: {error}") from None


def _head() -> tuple[Checkpoint, str]:
    with reading() as connection:
        head, mode = state(connection)
    return Checkpoint.of(head, now=utc_now()), mode


def _checked(against: Path | None, shown: ProgressStyle) -> tuple[Checkpoint, str]:
    """Return the head, once every row up to it was found to hold."""
    earlier = None if against is None else kept_checkpoint(against)
    with database() as conninfo, progress("verify", shown) as tick:
        verified = asyncio.run(verify(conninfo, against=earlier, progress=tick))
    if verified.fault is not None:
        raise IntegrityFailureError(
            f"no checkpoint of a damaged log: #{verified.fault.position}: "
            f"{verified.fault.what}"
        )
    taken, mode = _head()
    return (
        attrs.evolve(taken, position=verified.position, hash=verified.hash),
        mode,
    )
