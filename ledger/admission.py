"""Who gets which position: the pure half of an append, done under the lock of the head.

A *unit* is what must be appended whole or not at all. Units are admitted in the order
they came; one whose ids are taken, in the log or by an earlier unit of the same batch,
gets no position, and so no position is ever burnt.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import attrs

from ledger.errors import LedgerError
from ledger.log import Head
from ledger.row import Entry, Row, chain_hash, pack_place, preamble


class RepeatedIdError(LedgerError):
    """Two events of one unit have the same id; give each its own version."""


Key = tuple[str, int]
Unit = Sequence[Entry]


@attrs.frozen(kw_only=True)
class Placed:
    """The answer to one entry: its own row, or the row that was there first."""

    row: Row
    duplicate: bool


@attrs.frozen(kw_only=True)
class Admission:
    """What is to be written, and what each unit is to be told.

    Attributes:
        rows: The admitted rows, in order of position.
        packed: The fields of each row, ending with its hash.
        answers: For each unit, an answer for each of its entries.
        head: The head after these rows.
    """

    rows: Sequence[Row]
    packed: Sequence[list[bytes]]
    answers: Sequence[Sequence[Placed]]
    head: Head


def admit(
    units: Sequence[Unit], *, head: Head, taken: Mapping[Key, Row], now: datetime
) -> Admission:
    """Give positions to the units whose ids are all free.

    Args:
        taken: The rows already in the log under any id of *units*.
        now: The database's clock, read under the lock. ``recorded_at`` never decreases,
            even where that clock does.
    """
    recorded_at = now if head.recorded_at is None else max(now, head.recorded_at)
    known = dict(taken)
    rows: list[Row] = []
    admitted: list[Entry] = []
    answers: list[list[Placed]] = []
    for entries in units:
        first = next((known[e.key] for e in entries if e.key in known), None)
        if first is not None:
            answers.append(
                [Placed(row=known.get(e.key, first), duplicate=True) for e in entries]
            )
            continue
        place = head.position + len(rows) + 1
        new = [entry.at(place + i, recorded_at) for i, entry in enumerate(entries)]
        known.update((entry.key, row) for entry, row in zip(entries, new, strict=True))
        rows.extend(new)
        admitted.extend(entries)
        answers.append([Placed(row=row, duplicate=False) for row in new])
    packed, last_hash = _chain(admitted, recorded_at, head)
    return Admission(
        rows=rows,
        packed=packed,
        answers=answers,
        head=head
        if not rows
        else Head(
            ledger_id=head.ledger_id,
            position=rows[-1].position,
            hash=last_hash,
            recorded_at=recorded_at,
        ),
    )


def unit(entries: Sequence[Entry]) -> Unit:
    """Return *entries* as a unit.

    Raises:
        RepeatedIdError: Two of them have one id; nothing of them can be appended.
    """
    if len({entry.key for entry in entries}) < len(entries):
        raise RepeatedIdError("two events of one call have the same id and version")
    return entries


def _chain(
    entries: Sequence[Entry], recorded_at: datetime, head: Head
) -> tuple[list[list[bytes]], bytes]:
    start = preamble(head.ledger_id)
    previous = head.hash
    packed: list[list[bytes]] = []
    for position, entry in enumerate(entries, start=head.position + 1):
        fields = pack_place(position, recorded_at) + entry.packed
        previous = chain_hash(start, previous, b"".join(fields))
        fields.append(len(previous).to_bytes(4, "big") + previous)
        packed.append(fields)
    return packed, previous
