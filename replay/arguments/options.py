"""The options every report takes."""

from __future__ import annotations

import enum
import sys
from pathlib import Path
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

import attrs
from cyclopts import Group, Parameter

from ledger.errors import LedgerError


class UsageError(LedgerError):
    """The command line cannot be followed; see ``--help`` (exit 2)."""


class Format(enum.StrEnum):
    """How a report is written."""

    TABLE = "table"
    JSON = "json"
    JSONL = "jsonl"
    CSV = "csv"
    MD = "md"
    PARQUET = "parquet"


class ProgressStyle(enum.StrEnum):
    """How work under way is shown, on stderr."""

    AUTO = "auto"
    PLAIN = "plain"
    NONE = "none"


OPTIONS: Final = Group("Output", sort_key=9)
CLOCKS: Final = Group("Clocks", sort_key=8)
_SUFFIXES: Final = {f".{form}": form for form in Format} | {".ndjson": Format.JSONL}


def zone(_: Any, tokens: Any) -> ZoneInfo:  # noqa: ANN401, as cyclopts calls it
    """Read the name of a time zone."""
    name = tokens[0].value
    try:
        return ZoneInfo(name)
    except (KeyError, OSError, ValueError):
        raise ValueError(
            f"{name!r} is no time zone; give one such as Europe/Paris"
        ) from None


@Parameter(name="*")
@attrs.frozen(kw_only=True)
class Watching:
    """How a command that takes its time behaves while it runs."""

    progress: Annotated[
        ProgressStyle, Parameter(group=OPTIONS, help="Show work under way.")
    ] = ProgressStyle.AUTO
    no_input: Annotated[
        bool, Parameter(group=OPTIONS, negative="", help="Never ask; refuse instead.")
    ] = False
    yes: Annotated[
        bool,
        Parameter(group=OPTIONS, negative="", help="Take every question as said yes."),
    ] = False


@Parameter(name="*")
@attrs.frozen(kw_only=True)
class Reporting(Watching):
    """How and where a report is written.

    Attributes:
        form: None takes the one the file's name ends in, else a table.
        file: None or ``-`` is stdout.
        tz: Of the times in tables; everything else is in UTC.
    """

    form: Annotated[
        Format | None,
        Parameter(
            name=("-O", "--output-format"), group=OPTIONS, help="Form of the report."
        ),
    ] = None
    file: Annotated[
        Path | None,
        Parameter(
            name=("-o", "--output"),
            group=OPTIONS,
            help="Write to a file, whole or not at all.",
        ),
    ] = None
    tz: Annotated[
        ZoneInfo,
        Parameter(
            converter=zone,
            group=OPTIONS,
            metavar="ZONE",
            help="Time zone of the times in a table.",
        ),
    ] = attrs.field(factory=lambda: ZoneInfo("UTC"))

    @property
    def chosen(self) -> Format:
        """The form the report is written in."""
        if self.form is not None:
            return self.form
        suffix = "" if self.target is None else self.target.suffix.lower()
        return _SUFFIXES.get(suffix, Format.TABLE)

    @property
    def target(self) -> Path | None:
        """The file to write; None is stdout."""
        return None if self.file is None or str(self.file) == "-" else self.file

    @property
    def is_terminal(self) -> bool:
        """Whether a person reads the report as it is written."""
        return self.target is None and sys.stdout.isatty()


@Parameter(name="*")
@attrs.frozen(kw_only=True)
class Asking(Reporting):
    """Which moment a report is about, and as it was known when.

    Attributes:
        as_of: As it is written; None is now.
        known_at: A time or a position, as it is written; None is all of the log.
    """

    as_of: Annotated[
        str | None,
        Parameter(
            name="--as-of",
            group=CLOCKS,
            help="What was true then: 2026-11-01, a time, or 30d ago.",
        ),
    ] = None
    known_at: Annotated[
        str | None,
        Parameter(
            name="--known-at",
            group=CLOCKS,
            help="What was known then: a time or a position.",
        ),
    ] = None
