"""What a request asks beside its path: parameters, preferences, and what it has already.

?at_least=48213   Prefer: wait=2   If-None-Match: "9f86d08…"
?as_of=2026-11-01T00:00:00Z
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Final

import attrs
from aiohttp import web

from ledger.problems import bad_request

WAIT_S: Final = 2.0
WAIT_S_MAX: Final = 30.0
_POSITION: Final = re.compile(r"[0-9]{1,18}", re.ASCII)
_WAIT: Final = re.compile(r"(?:^|[,;])\s*wait\s*=\s*\"?([0-9]{1,9})", re.ASCII)
_RFC3339: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?"
    r"([Zz]|[+-][0-9]{2}:[0-9]{2})",
    re.ASCII,
)


@attrs.frozen(kw_only=True)
class Question:
    """What is asked of an account.

    Attributes:
        at_least: The position that the answer must cover.
        wait_s: How long it may wait for that.
        as_of: The moment asked about; None is now.
    """

    at_least: int = 0
    wait_s: float = WAIT_S
    as_of: datetime | None = None


def question(request: web.Request, allowed: Collection[str] = ()) -> Question:
    """Read what *request* asks.

    Args:
        allowed: The parameters that make sense here.

    Raises:
        Problem: One is unknown, given twice, or cannot be read (400).
    """
    given = _parameters(request, allowed)
    return Question(
        at_least=_position(given["at_least"]) if "at_least" in given else 0,
        wait_s=_wait_s(request),
        as_of=moment("as_of", given["as_of"]) if "as_of" in given else None,
    )


def moment(name: str, written: str) -> datetime:
    """Read a time with its zone.

    Raises:
        Problem: It is none (400).
    """
    # A plus sign that was not escaped arrives as a space.
    text = re.sub(r" ([0-9]{2}:[0-9]{2})$", r"+\1", written.strip())
    hint = f"{name} is a time such as 2026-11-01T00:00:00Z"
    if not _RFC3339.fullmatch(text):
        raise bad_request(hint)
    try:
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise bad_request(f"{hint}; this one is not in the calendar") from None


def etag_matches(request: web.Request, etag: str) -> bool:
    """Tell whether the caller has the answer of *etag* already."""
    asked = request.headers.get("If-None-Match")
    if asked is None:
        return False
    known = {each.strip().removeprefix("W/") for each in asked.split(",")}
    return "*" in known or etag in known


def _parameters(request: web.Request, allowed: Collection[str]) -> dict[str, str]:
    given: dict[str, str] = {}
    for name, value in request.query.items():
        if name not in allowed:
            raise bad_request(_unknown(name, allowed), parameter=name[:64])
        if name in given:
            raise bad_request(f"{name} is given twice", parameter=name)
        given[name] = value
    return given


def _unknown(name: str, allowed: Collection[str]) -> str:
    if not allowed:
        return "there are no parameters here"
    near = difflib.get_close_matches(name[:64], sorted(allowed), n=1, cutoff=0.5)
    if near:
        return f"there is no such parameter; did you mean {near[0]}?"
    return f"there is no such parameter; there are {', '.join(sorted(allowed))}"


def _position(written: str) -> int:
    if not _POSITION.fullmatch(written):
        raise bad_request("at_least is a position, a whole number", parameter="at_least")
    return int(written)


def _wait_s(request: web.Request) -> float:
    found = _WAIT.search(",".join(request.headers.getall("Prefer", ())))
    return WAIT_S if found is None else min(float(found[1]), WAIT_S_MAX)
