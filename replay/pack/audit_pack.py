"""What goes into an audit pack, and the file that it becomes: the same bytes every time.

README.txt      for whoever was handed it        report.json    the sealed figures
verify.py       the check, standard library      report.txt     the same to read
MANIFEST.json   SHA-256 of every file            entries.jsonl  the journal of the month
checkpoint.txt  the end of the log, signed       events.jsonl   the log up to the closing
versions.json   who made it                      dictionaries/  to decode bodies with
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from importlib import resources
from typing import Any, BinaryIO, Final

from projections.amounts import amount

EPOCH: Final = (1980, 1, 1, 0, 0, 0)
READABLE: Final = 0o100644 << 16
UNIX: Final = 3
README: Final = """\
The books of {month} ({zone}), for someone who does not use the program that made them.

    python3 -I verify.py

It needs Python 3.9 or later and nothing else, asks no network, and says ok or what is bad
(exit code 0 or 3). It checks that every file is the one listed in MANIFEST.json; that each
of the {position:,} events follows from the one before by SHA-256; that the last of them
seals report.json; and that the report adds up from the entries of its month.

What it cannot know by itself is that this is the only history. Compare with a checkpoint
that you were given earlier, and with a public key that you got from somewhere else:

    python3 -I verify.py --against earlier.checkpoint --key theirs.pub

A history that was rewritten as a whole, or cut off at its end, is caught by those and by
nothing else. In events.jsonl the hash covers "body", as it is stored: Base64, and where
encoding_id is not 0 zstd with dictionaries/N.zdict. "content" is the same decoded, for
reading; to be sure of one, decode its body:

    base64 -d | zstd -d -D dictionaries/1.zdict

report.json has amounts in minor units. Stripe's fees and payouts are in no event and in no
figure. Later facts about the month are in the packs of later months, as adjustments.
"""


class Pack:
    """Writes files into a zip whose bytes depend on nothing but theirs."""

    def __init__(self, out: BinaryIO) -> None:
        self._zip = zipfile.ZipFile(out, "w")
        self._digests: dict[str, str] = {}

    def add(self, name: str, parts: Iterable[bytes]) -> None:
        """Add a file, part by part."""
        digest = hashlib.sha256()
        with self._zip.open(_info(name), "w", force_zip64=True) as file:
            for part in parts:
                digest.update(part)
                file.write(part)
        self._digests[name] = digest.hexdigest()

    def close(self) -> None:
        """Add the list of files, and end the file."""
        listed = json.dumps(self._digests, indent=1, sort_keys=True) + "\n"
        self.add("MANIFEST.json", [listed.encode()])
        self._zip.close()


def verifier() -> bytes:
    """Return the script that checks a pack."""
    return (resources.files("replay.pack") / "verify_pack.py").read_bytes()


def readme(document: Mapping[str, Any], position: int) -> bytes:
    """Return what whoever was handed the pack reads first."""
    told = README.format(month=document["month"], zone=document["zone"], position=position)
    return told.encode()


def report_text(document: Mapping[str, Any], sealed: str) -> bytes:
    """Return the figures as somebody reads them."""
    return "".join(f"{line}\n" for line in _lines(document, sealed)).encode()


def _lines(document: Mapping[str, Any], sealed: str) -> Iterator[str]:
    yield f"{document['month']}, in {document['zone']}; sealed as {sealed}"
    yield ""
    yield f"{'':32}{'opening':>18}{'in the month':>18}{'closing':>18}"
    for each in document["books"]:
        cells = "".join(
            f"{amount(each[name], each['currency']):>18}"
            for name in ("opening", "change", "closing")
        )
        yield f"{each['account']:32}{cells}"
    yield ""
    for each in document["kinds"]:
        debits = amount(each["debits"], each["currency"])
        yield f"{each['kind'].replace('_', ' '):32}{each['count']:>18,}{debits:>18}"
    yield ""
    for each in document["receivables"]:
        owed = amount(each["amount"], each["currency"])
        yield f"{'open invoices':32}{each['invoices']:>18,}{owed:>18}"
    yield ""
    for row in document["movements"]:
        yield f"recurring revenue a month, {row['currency'].upper()}"
        for name, value in row.items():
            if name != "currency":
                yield f"  {name:30}{amount(value, row['currency']):>18}"
    yield ""
    yield f"adjustments of closed months: {len(document['adjustments'])}"


def _info(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, EPOCH)
    info.compress_type = zipfile.ZIP_DEFLATED
    info.external_attr = READABLE
    info.create_system = UNIX
    return info
