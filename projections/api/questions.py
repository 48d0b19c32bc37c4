"""What a request asks beside its path: parameters, preferences, and what it has already.

?at_least=48213   Prefer: wait=2   If-None-Match: "9f86d08…"
?as_of=2026-11-01T00:00:00Z   what was true then
?known_at=48213, or a time    what the log told by then
?at=2026-11-01T00:00:00Z      who held a seat then
?limit=25&cursor=…            a page of a list
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import attrs
from aiohttp import web

from ledger.moments import YEARS
from ledger.problems import bad_request

WAIT_S: Final = 2.0
WAIT_S_MAX: Final = 30.0
LIMIT: Final = 25
LIMIT_MAX: Final = 100
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
        known_at: Up to where the log is read, by position or by time; None is all of it.
        at: The moment whose seats are asked for.
        after: The position after which a list begins, oldest first; None is newest first.
        cursor: Where the list goes on; None is its beginning.
        chosen: What else narrows the answer, by parameter.
    """

    at_least: int = 0
    wait_s: float = WAIT_S
    as_of: datetime | None = None
    known_at: int | datetime | None = None
    at: datetime | None = None
    after: int | None = None
    limit: int = LIMIT
    cursor: str | None = None
    chosen: Mapping[str, str] = attrs.Factory(dict)

    @property
    def past(self) -> bool:
        """Whether it asks for what was, or was known, at another moment than now."""
        return self.as_of is not None or self.known_at is not None


def question(request: web.Request, allowed: Collection[str] = ()) -> Question:
    """Read what *request* asks.

    Args:
        allowed: The parameters that make sense here.

    Raises:
        Problem: One is unknown, given twice, or cannot be read (400).
    """
    given = _parameters(request, allowed)
    read = {
        name: parse(name, given.pop(name))
        for name, parse in _PARSERS.items()
        if name in given
    }
    return Question(wait_s=_wait_s(request), chosen=given, **read)


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
        found = datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise bad_request(f"{hint}; this one is not in the calendar") from None
    if found.year not in YEARS:
        raise bad_request(f"{name} is not between the years {YEARS[0]} and {YEARS[-1]}")
    return found


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


def _position(name: str, written: str) -> int:
    if not _POSITION.fullmatch(written):
        raise bad_request(f"{name} is a position, a whole number", parameter=name)
    return int(written)


def _known_at(name: str, written: str) -> int | datetime:
    if not written.strip().isdigit():
        return moment(name, written)
    position = _position(name, written.strip())
    if position == 0:
        raise bad_request(f"{name} is a time or a position; the first is 1", parameter=name)
    return position


def _limit(name: str, written: str) -> int:
    if not _POSITION.fullmatch(written) or not 1 <= int(written) <= LIMIT_MAX:
        raise bad_request(f"{name} is a whole number from 1 to {LIMIT_MAX}", parameter=name)
    return int(written)


def _text(_name: str, written: str) -> str:
    return written


_PARSERS: Final[Mapping[str, Callable[[str, str], Any]]] = {
    "at_least": _position,
    "as_of": moment,
    "known_at": _known_at,
    "at": moment,
    "after": _position,
    "limit": _limit,
    "cursor": _text,
}


def _wait_s(request: web.Request) -> float:
    found = _WAIT.search(",".join(request.headers.getall("Prefer", ())))
    return WAIT_S if found is None else min(float(found[1]), WAIT_S_MAX)
