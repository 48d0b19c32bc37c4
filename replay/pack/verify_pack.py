"""The check of an audit pack, for a stranger: Python's standard library, nothing else.

    python3 -I verify.py
    python3 -I verify.py --against 2026-04.checkpoint
    python3 -I verify.py --key acme.pub

Run it in the unzipped folder. Exit 0: all holds. 3: something does not. 2: not understood.
"""

from __future__ import annotations

import base64
import hashlib
import json
import struct
import sys
from collections import Counter
from datetime import datetime, timezone
from pathlib import Path

TEXT, WORD8, WORD4, WORD2, FLAG, TIME, BYTES = "text", ">iq", ">ii", ">ih", "?", "t", "b"
COLUMNS = {
    "framing": WORD2,
    "position": WORD8,
    "recorded_at": TIME,
    "originator_id": TEXT,
    "originator_version": WORD8,
    "topic": TEXT,
    "source": TEXT,
    "account": TEXT,
    "occurred_at": TIME,
    "stripe_type": TEXT,
    "api_version": TEXT,
    "livemode": FLAG,
    "stripe_account": TEXT,
    "object_id": TEXT,
    "endpoint": TEXT,
    "signed_at": TIME,
    "verdict": TEXT,
    "encoding_id": WORD4,
    "key_id": TEXT,
    "body": BYTES,
}
SIZES = {WORD8: 8, WORD4: 4, WORD2: 2}
EPOCH = datetime(2000, 1, 1, tzinfo=timezone.utc)  # noqa: UP017, older Pythons too
PRIME = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
CURVE = -121665 * pow(121666, -1, PRIME) % PRIME
ROOT = pow(2, (PRIME - 1) // 4, PRIME)
Point = tuple[int, int, int, int]


class BadPackError(Exception):
    """Something of the pack does not hold."""


def need(holds: object, what: str) -> None:
    """Refuse the pack unless it *holds*."""
    if not holds:
        raise BadPackError(what)


def once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Return an object of JSON that has no key twice."""
    need(len({key for key, _ in pairs}) == len(pairs), "a key stands twice")
    return dict(pairs)


def parsed(raw: bytes | str) -> dict:  # type: ignore[type-arg]
    """Return the JSON object that *raw* is."""
    found = json.loads(raw, object_pairs_hook=once)
    need(isinstance(found, dict), "a line is no object")
    return found  # type: ignore[no-any-return]


def sized(raw: bytes) -> bytes:
    """Return *raw* with its length before it."""
    return struct.pack(">i", len(raw)) + raw


def packed(kind: str, value: object) -> bytes:
    """Return a column as it is hashed."""
    if value is None:
        return b"\xff\xff\xff\xff"
    if kind == TEXT:
        return sized(str(value).encode())
    if kind == BYTES:
        return sized(base64.b64decode(str(value), validate=True))
    if kind == FLAG:
        return sized(bytes((bool(value),)))
    if kind == TIME:
        utc = str(value).replace("Z", "+00:00")
        past = datetime.fromisoformat(utc) - EPOCH
        micros = (past.days * 86_400 + past.seconds) * 1_000_000 + past.microseconds
        return struct.pack(">iq", 8, micros)
    return struct.pack(kind, SIZES[kind], value)


def files_hold(folder: Path) -> None:
    """Check each file against the list of them."""
    listed = parsed((folder / "MANIFEST.json").read_bytes())
    there = {
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()
    }
    for name in sorted(there - {"MANIFEST.json"} - set(listed)):
        raise BadPackError(f"{name!r} is no file of this pack")
    for name, digest in listed.items():
        need(name in there, f"{name} is missing")
        found = hashlib.sha256()
        with (folder / name).open("rb") as file:
            while part := file.read(1 << 20):
                found.update(part)
        need(found.hexdigest() == digest, f"{name} was changed")


def chain(folder: Path, known: dict[int, str]) -> tuple[dict, dict]:  # type: ignore[type-arg]
    """Check every event's hash; return title and last row.

    Args:
        known: By position, the hash that somebody wrote down.
    """
    with (folder / "events.jsonl").open("rb") as lines:
        title, row = parsed(next(lines)), {}
        ledger = sized(str(title["ledger"]).encode())
        digest = hashlib.sha256(sized(b"billing-ledger genesis") + ledger).digest()
        clock = ""
        for place, line in enumerate(lines, start=1):
            row = parsed(line)
            fields = b"".join(packed(kind, row[name]) for name, kind in COLUMNS.items())
            count = struct.pack(">h", len(COLUMNS))
            before = sized(b"billing-ledger") + ledger + digest
            digest = hashlib.sha256(before + count + fields).digest()
            need(row["position"] == place, f"#{place} is not where it should be")
            need(row["framing"] == 1, f"#{place} is of another framing")
            need(row["hash"] == digest.hex(), f"#{place} is not what was written")
            need(known.get(place) in {None, digest.hex()}, f"#{place} is another history")
            clock = max(clock, packed(TIME, row["recorded_at"]).hex())
            need(clock == packed(TIME, row["recorded_at"]).hex(), f"#{place} goes back")
    need(
        (row.get("position"), digest.hex()) == (title["position"], title["hash"]), "cut off"
    )
    need(max(known, default=0) <= title["position"], "the events end before the checkpoint")
    for number, wanted in dict(title["encodings"]).items():
        raw = (folder / "dictionaries" / f"{number}.zdict").read_bytes()
        need(hashlib.sha256(raw).hexdigest() == wanted, f"dictionary {number} is another")
    return title, row


def checkpoint(path: Path, ledger: str | None) -> tuple[str, int, str]:
    """Return ledger, position and hash that a checkpoint tells."""
    origin, position, digest, *_ = path.read_text("utf-8").splitlines()
    name = origin.partition("/")[2]
    need(ledger in {None, name}, "a checkpoint of another ledger")
    return name, int(position), base64.b64decode(digest, validate=True).hex()


def figures_hold(folder: Path, sealed: dict) -> str:  # type: ignore[type-arg]
    """Check the report against the seal in the log, and add it up again."""
    raw, lines = (
        (folder / "report.json").read_bytes(),
        (folder / "entries.jsonl").read_bytes(),
    )
    report = parsed(raw)
    seal = f"{report['month']}:sha256:{hashlib.sha256(raw).hexdigest()}"
    need(sealed["topic"] == "month_closed", "the last event closes no month")
    need(sealed["object_id"] == seal, "the report is not the one that was sealed")
    listed, entries = report["entries"], [parsed(line) for line in lines.splitlines()]
    need(hashlib.sha256(lines).hexdigest() == listed["sha256"], "the entries are others")
    need(len(entries) == listed["count"], "there are more or fewer entries")
    moved: Counter[tuple[str, str]] = Counter()
    kinds: Counter[tuple[str, str]] = Counter()
    for entry in entries:
        amounts = entry["amounts"]
        need(sum(amounts.values()) == 0, f"{entry['id']} does not balance")
        need(entry["day"][:7] == report["month"], f"{entry['id']} is of another month")
        kinds[entry["kind"], entry["currency"]] += 1
        for book, amount in amounts.items():
            moved[book, entry["currency"]] += amount
    told = {(each["kind"], each["currency"]): each["count"] for each in report["kinds"]}
    need(told == dict(kinds), "the kinds of entries are counted otherwise")
    held = {}
    for each in report["books"]:
        book = each["account"], each["currency"]
        held[book] = each["closing"]
        need(each["opening"] + each["change"] == each["closing"], f"{book} does not add up")
        need(moved.pop(book, 0) == each["change"], f"{book} moved otherwise")
    need(not any(moved.values()), "an account of the books is missing")
    for each in report["receivables"]:
        book = "Assets:Receivable", each["currency"]
        need(held.get(book, 0) == each["amount"], "receivables are not what is open")
    for each in report["movements"]:
        parts = ("opening", "new", "expansion", "reactivation", "contraction", "churn")
        need(
            sum(each[part] for part in parts) == each["closing"], "movements do not add up"
        )
    return f"{report['month']}: {len(entries)} entries, {len(held)} books"


def added(one: Point, other: Point) -> Point:
    """Return the sum of two points of the curve, in extended coordinates."""
    a = (one[1] - one[0]) * (other[1] - other[0])
    b = (one[1] + one[0]) * (other[1] + other[0])
    c = 2 * one[3] * other[3] * CURVE
    d = 2 * one[2] * other[2]
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % PRIME, g * h % PRIME, f * g % PRIME, e * h % PRIME


def times(number: int, point: Point) -> Point:
    """Return *point* added to itself so often."""
    total: Point = (0, 1, 1, 0)
    while number:
        if number & 1:
            total = added(total, point)
        point, number = added(point, point), number >> 1
    return total


def decoded(raw: bytes) -> Point:
    """Return the point that 32 bytes stand for."""
    y = int.from_bytes(raw, "little") & (1 << 255) - 1
    need(y < PRIME, "a point is out of range")
    square = (y * y - 1) * pow(CURVE * y * y + 1, -1, PRIME) % PRIME
    x = pow(square, (PRIME + 3) // 8, PRIME)
    if (x * x - square) % PRIME:
        x = x * ROOT % PRIME
    need((x * x - square) % PRIME == 0, "a point is not on the curve")
    if x % 2 != raw[31] >> 7:
        x = PRIME - x
    return x, y, 1, x * y % PRIME


def signed_by(note: str, pem: str) -> str:
    """Return who signed the checkpoint with the public key in *pem*."""
    key = base64.b64decode("".join(pem.split("-----")[2].split()))[-32:]
    text, gap, beneath = note.partition("\n\n\N{EM DASH} ")
    need(gap, "the checkpoint is not signed")
    base = decoded((4 * pow(5, -1, PRIME) % PRIME).to_bytes(32, "little"))
    for line in beneath.split("\n\N{EM DASH} "):
        name, _, encoded = line.strip().partition(" ")
        raw = base64.b64decode(encoded, validate=True)
        marked = hashlib.sha256(f"{name}\n".encode() + b"\x01" + key).digest()[:4]
        if raw[:4] != marked:
            continue
        nonce, scalar = raw[4:36], int.from_bytes(raw[36:], "little")
        mixed = hashlib.sha512(nonce + key + f"{text}\n".encode()).digest()
        factor = int.from_bytes(mixed, "little") % ORDER
        left = times(scalar, base)
        right = added(decoded(nonce), times(factor, decoded(key)))
        same = (left[0] * right[2] - right[0] * left[2]) % PRIME == 0
        same = same and (left[1] * right[2] - right[1] * left[2]) % PRIME == 0
        need(same and scalar < ORDER and len(raw) == 68, f"{name} did not sign this")  # noqa: PLR2004, of Ed25519
        return name
    raise BadPackError("it is not signed with that key")


def main(arguments: list[str]) -> int:
    """Check the pack that this script lies in."""
    given = dict(zip(arguments[::2], arguments[1::2], strict=False))
    if len(arguments) % 2 or given.keys() - {"--against", "--key"}:
        sys.stderr.write(f"{__doc__}\n")
        return 2
    folder = Path(__file__).resolve().parent
    try:
        files_hold(folder)
        ledger, position, digest = checkpoint(folder / "checkpoint.txt", None)
        known = {position: digest}
        if "--against" in given:
            _, at, seen = checkpoint(Path(given["--against"]), ledger)
            need(
                known.setdefault(at, seen) == seen, "the checkpoints contradict each other"
            )
        title, sealed = chain(folder, known)
        need(title["ledger"] == ledger, "checkpoint and events are of two ledgers")
        said = figures_hold(folder, sealed)
        if "--key" in given:
            note = (folder / "checkpoint.txt").read_text("utf-8")
            said += (
                f", signed by {signed_by(note, Path(given['--key']).read_text('utf-8'))}"
            )
    except BadPackError as fault:
        sys.stdout.write(f"bad: {fault}\n")
        return 3
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, OSError) as fault:
        sys.stdout.write(f"bad: it cannot be read ({type(fault).__name__}: {fault})\n")
        return 3
    except (StopIteration, struct.error, RecursionError) as fault:
        sys.stdout.write(f"bad: it cannot be read ({type(fault).__name__})\n")
        return 3
    sys.stdout.write(f"ok: {said}; events 1 to {position}, ledger {ledger}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
