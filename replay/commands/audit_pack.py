"""Put all that proves a closed month into one file, for someone who does not trust us.

    bl close 2026-05 --yes
    bl audit-pack 2026-05 -o 2026-05.zip
    bl audit-pack 2026-05 --sign acme.pem -o 2026-05.zip

    unzip -d pack 2026-05.zip && python3 -I pack/verify.py --key acme.pub

The report, the journal of the month, every event up to the closing, the dictionaries of
their bodies, a checkpoint, versions, and a script that checks all of it with Python's
standard library: neither this program nor its database is needed. The same month gives
the same bytes. The figures are made again first, and must be those that were sealed.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from ledger.book_months import BookMonth, BookMonthError
from ledger.checkpoint import Checkpoint
from ledger.encoding import Encodings
from ledger.errors import IntegrityFailureError, NotFoundError
from ledger.log import Head
from ledger.notes import check_name, signed
from ledger.transcript import Title, digests, row_line, title_line
from projections.accounting.closing import Figures, canonical, digest, entry_lines
from projections.models.registry import PROJECTIONS
from replay.arguments.options import Reporting, UsageError
from replay.commands.export import DICTIONARIES, rows
from replay.ledgers import Connection, connected, database, state
from replay.pack.audit_pack import Pack, readme, report_text, verifier
from replay.pack.closing import Closing, closings, figures_at
from replay.pack.keeping import kept_key
from replay.report.drafts import opened_binary
from replay.report.made import Made
from replay.report.output import json_text
from replay.report.progress import Tick, progress


def run(
    month: str,
    /,
    *,
    sign: Path | None = None,
    signer: str | None = None,
    options: Reporting | None = None,
) -> int:
    """Write the pack of a closed month.

    Args:
        month: Such as 2026-05.
        sign: An Ed25519 private key in PEM, to sign the checkpoint with.
        signer: The name that the signature is given; the key's file name if not said.
    """
    options = options or Reporting()
    if options.target is None:
        raise UsageError(f"a pack is a file: give one, such as -o {month:.20}.zip")
    key = None if sign is None else kept_key(sign)
    try:
        asked = BookMonth.parse(month)
        name = check_name(signer or (sign.stem if sign else "ledger"))
    except (BookMonthError, ValueError) as error:
        raise UsageError(str(error)) from None
    with database() as conninfo, connected(conninfo) as connection:
        made = Made(connection, options)
        known = closings(conninfo)
        done = next((each for each in known if each.month == asked), None)
        if done is None:
            raise NotFoundError(f"{asked} is not closed; close it first: bl close {asked}")
        with progress("audit-pack", options.progress) as tick:
            before = [each for each in known if each.position < done.position]
            figures = figures_at(
                conninfo, asked, done.zone, done.event.position, before, tick
            )
            text, title = _checkpoint(connection, done)
            note = text if key is None else signed(text, name, key)
            with opened_binary(options.target) as out:
                _write(connection, out, done, figures, note, title, tick)
        facts = {"month": str(asked), "digest": done.event.digest}
        made.told("audit-pack", title.position, "events, for verify.py inside", facts)
    return 0


def _checkpoint(connection: Connection, done: Closing) -> tuple[str, Title]:
    """Return the checkpoint at the closing, and the title of the events up to it."""
    query = "SELECT hash, recorded_at FROM ledger.log WHERE position = %s"
    row = connection.execute(query, (done.position,)).fetchone()
    head, mode = state(connection)
    if row is None:
        raise IntegrityFailureError(f"#{done.position:,} is missing; run bl verify")
    end = Head(
        ledger_id=head.ledger_id, position=done.position, hash=row[0], recorded_at=row[1]
    )
    dictionaries: dict[int, bytes] = dict(connection.execute(DICTIONARIES).fetchall())
    title = Title(
        ledger=head.ledger_id,
        mode=mode,
        position=done.position,
        hash=row[0].hex(),
        encodings=digests(dictionaries),
    )
    return Checkpoint.of(end, now=row[1]).text(), title


def _write(
    connection: Connection,
    out: BinaryIO,
    done: Closing,
    figures: Figures,
    note: str,
    title: Title,
    tick: Tick,
) -> None:
    document = figures.document()
    sealed = digest(document)
    if sealed != done.event.digest:
        raise IntegrityFailureError(
            f"{done.event.month} was sealed with other figures; see bl close "
            f"{done.event.month} --check"
        )
    dictionaries: dict[int, bytes] = dict(connection.execute(DICTIONARIES).fetchall())
    pack = Pack(out)
    pack.add("README.txt", [readme(document, title.position)])
    pack.add("verify.py", [verifier()])
    pack.add("checkpoint.txt", [note.encode()])
    pack.add("versions.json", [json_text(_versions(done)).encode() + b"\n"])
    pack.add("report.json", [canonical(document)])
    pack.add("report.txt", [report_text(document, sealed)])
    pack.add("entries.jsonl", entry_lines(figures.entries))
    for number, raw in sorted(dictionaries.items()):
        pack.add(f"dictionaries/{number}.zdict", [bytes(raw)])
    pack.add("events.jsonl", _events(connection, title, Encodings(dictionaries), tick))
    pack.close()


def _events(
    connection: Connection, title: Title, encodings: Encodings, tick: Tick
) -> Iterator[bytes]:
    yield title_line(title)
    for row, hashed in rows(connection, title.ledger, title.position):
        yield row_line(row, hashed, encodings)
        tick(row.position, title.position)


def _versions(done: Closing) -> dict[str, Any]:
    return {
        "closed_by": done.event.program,
        "closed_at": done.position,
        "position": done.event.position,
        "projections": {each.name: each.version for each in PROJECTIONS},
    }
