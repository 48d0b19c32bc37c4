"""What ends a command: exit codes by error, and the one line that is said of it.

0 good   1 differences   2 usage   3 integrity   4 not found
5 not permitted or configured   6 unavailable, try again   130 interrupted
(70 a defect of this program)
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Final

from cyclopts import (
    CycloptsError,
    MissingArgumentError,
    UnknownCommandError,
    UnknownOptionError,
    UnusedCliTokensError,
)

from ledger.checkpoint import CheckpointError
from ledger.errors import (
    IntegrityFailureError,
    LedgerError,
    NotConfiguredError,
    NotFoundError,
    UnavailableError,
)
from ledger.notes import SignatureError, SigningKeyError
from ledger.tokens import TokenError
from ledger.transcript import TranscriptError
from replay.arguments.options import UsageError
from replay.contents import COMMANDS, VERBS
from replay.report.drafts import FULL
from replay.report.words import say

USAGE: Final = 2
INTERRUPTED: Final = 130
DEFECT: Final = 70
TRACEBACK: Final = "BL_TRACEBACK"
EXITS: Final[dict[type[BaseException], int]] = {
    CycloptsError: USAGE,
    UsageError: USAGE,
    TokenError: USAGE,
    CheckpointError: USAGE,
    TranscriptError: USAGE,
    SigningKeyError: USAGE,
    SignatureError: 3,
    IntegrityFailureError: 3,
    NotFoundError: 4,
    NotConfiguredError: 5,
    UnavailableError: 6,
    LedgerError: 6,
    KeyboardInterrupt: INTERRUPTED,
}
_CLOCKS: Final = frozenset({"--as-of", "--known-at"})
_NAMES: Final = tuple(name for names in COMMANDS.values() for name in names)


def first(error: BaseException) -> BaseException:
    """Return *error*, or the first one of a group that is no group itself."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def told(error: BaseException) -> LedgerError | None:
    """Return in our words what the database refused; None if it was not the database."""
    if "psycopg" not in sys.modules:
        return None
    # Imported here: where nothing was asked of a database, that is half of a start.
    import psycopg  # noqa: PLC0415

    from replay.ledgers import in_our_words  # noqa: PLC0415

    return in_our_words(error) if isinstance(error, psycopg.Error) else None


def full(error: BaseException) -> UnavailableError | None:
    """Return in our words that *error* is a disk without room; None if it is not."""
    if isinstance(error, OSError) and error.errno in FULL:
        return UnavailableError(f"{error.strerror}; make room and try again")
    return None


def refused(error: BaseException, arguments: Sequence[str]) -> int:
    """Say in one line what ended the command; return the exit code."""
    code = next(EXITS[kind] for kind in type(error).__mro__ if kind in EXITS)
    if code == INTERRUPTED:
        say("bl: interrupted")
        return code
    text = " ".join(_words(error, arguments).split())
    if code == USAGE:
        text = f"{text.rstrip('.')}; see {' '.join(_named(arguments))} --help"
    say(f"bl: {text}")
    return code


def defect(error: BaseException) -> int:
    """Say that the program itself is at fault; return the exit code."""
    say(
        f"bl: a defect of this program, not of your data ({type(error).__name__}: {error});"
        f" please report it with what {TRACEBACK}=1 shows"
    )
    return DEFECT


def _named(arguments: Sequence[str]) -> list[str]:
    """Return the command that *arguments* name, with its verb."""
    named = [one for one in arguments if one in _NAMES][:1]
    named += [one for one in arguments[1:2] if one in VERBS.get(arguments[0], ())]
    return ["bl", *named]


def _words(error: BaseException, arguments: Sequence[str]) -> str:
    named = " ".join(_named(arguments)[1:])
    if isinstance(error, UnknownCommandError):
        return _unknown(arguments)
    if isinstance(error, UnusedCliTokensError):
        left = " ".join(map(repr, error.unused_tokens or ()))
        return f"{named} has no use for {left}"
    if isinstance(error, UnknownOptionError):
        option = error.token.keyword or error.token.value
        if option in _CLOCKS:
            return f"{named} is not about a moment of the past: leave out {option}"
    if isinstance(error, MissingArgumentError) and error.argument is not None:
        return f"{named} needs {_told(error)}"
    return str(error)


def _told(error: MissingArgumentError) -> str:
    """Return what is missing: an argument, an option, or the value of one."""
    if error.argument is None:
        return "another argument"
    if error.keyword is not None or error.argument.tokens:
        return f"a value after {error.keyword or error.argument.name}"
    return error.argument.name


def _unknown(arguments: Sequence[str]) -> str:
    """Name the mistake; the error's own text would import every command for it."""
    given = next((one for one in arguments if not one.startswith("-")), None)
    if given is None:
        return f"there is no option {arguments[0]}"
    close = get_close_matches(given, _NAMES, n=1)
    hint = f"; did you mean {close[0]}?" if close else ""
    return f"there is no command {given!r}{hint}"
