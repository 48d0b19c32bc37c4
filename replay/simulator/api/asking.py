"""What a list request asks for, read from its parameters."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final

import attrs

from replay.simulator.api import errors

LIMIT_MAX: Final = 100
LIMIT: Final = 10
_KEY: Final = re.compile(r"([a-z_0-9]+)(?:\[([a-z_0-9]*)\])?")


@attrs.frozen(kw_only=True)
class Asked:
    """The parameters of a request, sorted by what they are for.

    Attributes:
        expand: Dotted paths.
        plain: Values by parameter: ``type=a``, ``types[]=a``, ``types[0]=a``.
        keyed: Values by parameter and key: ``created[gte]=1``.
    """

    limit: int = LIMIT
    starting_after: str | None = None
    ending_before: str | None = None
    expand: tuple[str, ...] = ()
    plain: Mapping[str, tuple[str, ...]] = attrs.field(factory=dict)
    keyed: Mapping[str, Mapping[str, str]] = attrs.field(factory=dict)

    @property
    def names(self) -> frozenset[str]:
        """The parameters that filter."""
        return frozenset(self.plain) | frozenset(self.keyed)


def asked(pairs: Iterable[tuple[str, str]]) -> Asked:
    """Read the parameters of a request.

    Raises:
        StripeError: One cannot be read.
    """
    plain: dict[str, tuple[str, ...]] = defaultdict(tuple)
    keyed: dict[str, dict[str, str]] = defaultdict(dict)
    for name, value in pairs:
        match = _KEY.fullmatch(name)
        if match is None:
            raise errors.unknown_parameter(name)
        outer, inner = match.groups()
        if inner and not inner.isdecimal():
            keyed[outer][inner] = value
        else:
            plain[outer] += (value,)
    return Asked(
        limit=_limit(_last(plain, "limit")),
        starting_after=_last(plain, "starting_after"),
        ending_before=_last(plain, "ending_before"),
        expand=plain.pop("expand", ()),
        plain=dict(plain),
        keyed=dict(keyed),
    )


def whole_number(name: str, value: str) -> int:
    """Return the number that *value* is.

    Raises:
        StripeError: It is none.
    """
    if not value.removeprefix("-").isdecimal():
        raise errors.invalid_integer(name, value)
    return int(value)


def _last(plain: dict[str, tuple[str, ...]], name: str) -> str | None:
    values = plain.pop(name, ())
    return values[-1] if values else None


def _limit(value: str | None) -> int:
    if value is None:
        return LIMIT
    number = whole_number("limit", value)
    if not 1 <= number <= LIMIT_MAX:
        raise errors.StripeError(
            400,
            f"This value must be between 1 and {LIMIT_MAX}.",
            code="parameter_invalid_integer",
            param="limit",
        )
    return number
