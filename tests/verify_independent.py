"""Check an exported log with nothing but the standard library and the framing's rules.

python verify_independent.py EXPORT LEDGER_ID [--against POSITION HASH]
EXPORT: COPY (SELECT framing, position, … body, hash … ORDER BY position), format binary.
"""

import hashlib
import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO


def sized(text: str) -> bytes:
    return struct.pack(">i", len(text.encode())) + text.encode()


def take(file: BinaryIO, size: int) -> bytes:
    if len(found := file.read(size)) == size:
        return found
    raise ValueError("the export ends in the middle of a row")


def rows(file: BinaryIO) -> Iterator[list[bytes]]:
    if take(file, 19) != b"PGCOPY\n\xff\r\n\0" + bytes(8):
        raise ValueError("the file is no binary export of PostgreSQL")
    while (count := take(file, 2)) != b"\xff\xff":
        sizes = (take(file, 4) for _ in range(int.from_bytes(count, "big")))
        yield [size + take(file, max(0, struct.unpack(">i", size)[0])) for size in sizes]


def walk(file: BinaryIO, ledger: str, known: dict[int, str]) -> tuple[int, str, str]:
    """Return the last good position, its hash, and what is wrong after it, if anything."""
    place, clock, prefix = 0, -(1 << 63), sized("billing-ledger") + sized(ledger)
    digest = hashlib.sha256(sized("billing-ledger genesis") + sized(ledger)).digest()
    try:
        for *fields, claimed in rows(file):
            found = hashlib.sha256(prefix + digest + b"\0\x14" + b"".join(fields)).digest()
            _, recorded_at = struct.unpack(">iq", fields[2])
            for fault, present in {
                "not in framing 1": fields[0] != b"\0\0\0\2\0\1" or len(fields) != 20,
                "not the next position": fields[1] != struct.pack(">iq", 8, place + 1),
                "recorded before its predecessor": recorded_at < clock,
                "its hash does not follow": claimed != b"\0\0\0\x20" + found,
                "not the checkpoint's": known.get(place + 1) not in {None, found.hex()},
            }.items():
                if present:
                    return place, digest.hex(), fault
            place, digest, clock = place + 1, found, recorded_at
    except (ValueError, IndexError, struct.error) as error:
        return place, digest.hex(), str(error)
    return place, digest.hex(), "missing since the checkpoint" * (place < max(known))


path, ledger_id, _, at, seen = [*sys.argv[1:], "", "0", ""][:5]
with Path(path).open("rb") as export:
    position, head, wrong = walk(export, ledger_id, {int(at): seen})
print(f"bad {position + 1} {wrong}" if wrong else f"ok {position} {head}")
sys.exit(3 if wrong else 0)
