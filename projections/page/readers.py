"""Who reads the page: a language for figures and dates, and a time zone.

Accept-Language: de-AT,de;q=0.9,en;q=0.5     1.234,50 $ and 1. Nov. 2026
?tz=Europe/Vienna                            kept in a cookie; UTC otherwise
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import attrs

LANGUAGES_MAX: Final = 8
HEADER_CHARS_MAX: Final = 256
ZONE_CHARS_MAX: Final = 64
DEFAULT: Final = "en_US"
_TAG: Final = re.compile(
    r"\s*([A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,2})\s*(?:;\s*q=([01](?:\.[0-9]{1,3})?))?\s*",
    re.ASCII,
)


@attrs.frozen
class Reader:
    """Whom figures and dates are written for.

    Attributes:
        locale: As Babel names it, such as ``de_AT``.
    """

    locale: str
    zone: ZoneInfo

    @property
    def language(self) -> str:
        """The language of what is written, as HTML names it."""
        return self.locale.replace("_", "-")


def reader(accept_language: str, zone: str | None) -> Reader:
    """Return who sends this header and this zone; what cannot be read is passed over."""
    return Reader(locale_of(accept_language[:HEADER_CHARS_MAX]), zone_of(zone) or _UTC)


@lru_cache(maxsize=256)
def locale_of(accept_language: str) -> str:
    """Return the first language of a header that figures can be written in."""
    # Imported here, as wherever it is used: it costs 60 ms, and only the page needs it.
    from babel.core import Locale, UnknownLocaleError  # noqa: PLC0415

    for tag in _preferred(accept_language):
        try:
            return str(Locale.parse(tag, sep="-"))
        except (UnknownLocaleError, ValueError):
            continue
    return DEFAULT


@lru_cache(maxsize=256)
def zone_of(name: str | None) -> ZoneInfo | None:
    """Return the zone called *name*; None if there is none."""
    if not name or len(name) > ZONE_CHARS_MAX:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def _preferred(header: str) -> list[str]:
    found = []
    for part in header.split(",")[:LANGUAGES_MAX]:
        match = _TAG.fullmatch(part)
        if match is not None and match[2] not in {"0", "0.0", "0.00", "0.000"}:
            # Thousandths, as digits: there is no need for fractions to sort by them.
            weight = (
                1000 if match[2] is None else int(match[2].replace(".", "").ljust(4, "0"))
            )
            found.append((weight, match[1]))
    return [tag for _, tag in sorted(found, key=lambda one: one[0], reverse=True)]


_UTC: Final = ZoneInfo("UTC")
