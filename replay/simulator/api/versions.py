"""API versions as they are asked for, and the shape each is answered in."""

from __future__ import annotations

import re
from typing import Final

from replay.simulator.api import errors
from replay.simulator.shapes import Shape

_VERSION: Final = re.compile(r"(20\d\d-[01]\d-[0-3]\d)(\.[a-z]+)?")
_DAY_CHARS: Final = 10


def shape_of(version: str) -> Shape:
    """Return the newest shape that is not newer than *version*; the oldest for older ones.

    Raises:
        StripeError: It is not written as a version is.
    """
    if not _VERSION.fullmatch(version):
        raise errors.unknown_version(version)
    day = version[:_DAY_CHARS]
    fitting = [shape for shape in Shape if shape.value[:_DAY_CHARS] <= day]
    return fitting[-1] if fitting else Shape.Y2020
