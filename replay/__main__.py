"""The ``bl`` command: a table of commands, and a table of what ends one.

    0 good   1 differences   2 usage   3 integrity   4 not found
    5 not permitted or configured   6 unavailable, try again   130 interrupted
    (70 a defect of this program)

A command's module is imported when it is used; its first line is its place in the list,
its whole docstring its manual.
"""

from __future__ import annotations

import errno
import importlib
import os
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from importlib import resources
from keyword import iskeyword
from typing import Final

from cyclopts import App, CycloptsError, Group, UnknownCommandError

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
from replay.report.stamp import ARGUMENTS, program_version
from replay.report.words import say

COMMANDS: Final[dict[str, Sequence[str]]] = {
    "Run": ("demo", "simulate", "serve", "migrate", "doctor", "token", "completion"),
    "Look": (
        *("status", "log", "show", "timeline", "seats", "total", "dunning"),
        *("invoices", "receivables", "tax", "movements"),
    ),
    "Why": ("explain", "blame", "diff", "bisect", "shadow", "what-if"),
    "Prove": ("verify", "checkpoint", "close", "audit-pack"),
    "Rebuild": ("replay", "projections", "quarantine"),
    "Terms": ("terms", "policy"),
    "Outside": ("import", "catch-up", "reconcile", "export", "import-log"),
}
# Commands of several verbs: the function that does each, and what it does.
VERBS: Final[Mapping[str, Mapping[str, tuple[str, str]]]] = {
    "projections": {
        "list": ("listed", "List the read models: version, position, lag, parked."),
        "rebuild": ("rebuild", "Make read models anew from the log, while all goes on."),
    },
    "quarantine": {
        "list": ("listed", "List what is parked or cannot be read, and why."),
        "show": ("show", "Show one of them, with its body."),
        "release": ("release", "Let a parked account go on."),
    },
    "terms": {
        "show": ("show", "Show what each price means, and where that comes from."),
        "set": ("store", "Set what a price means."),
    },
    "policy": {
        "show": ("show", "Show the policy in force, and all that was ever set."),
        "set": ("store", "Set what follows a failed payment."),
    },
}

INTERRUPTED: Final = 130
DEFECT: Final = 70
TRACEBACK: Final = "BL_TRACEBACK"
EXITS: Final[dict[type[BaseException], int]] = {
    CycloptsError: 2,
    UsageError: 2,
    TokenError: 2,
    CheckpointError: 2,
    TranscriptError: 2,
    SigningKeyError: 2,
    SignatureError: 3,
    IntegrityFailureError: 3,
    NotFoundError: 4,
    NotConfiguredError: 5,
    UnavailableError: 6,
    LedgerError: 6,
    KeyboardInterrupt: INTERRUPTED,
}

FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})

ABOUT: Final = """\
What happened to your Stripe billing, what it means, and the proof.

Every webhook and every seat change stands in a log that nobody can alter unseen; every
figure is made from it and can be traced back to it.
"""
FIRST_STEPS: Final = """\
First steps:

    bl demo                    a simulated company, from the socket to the proof
    bl COMMAND --help          the manual of a command

Data goes to stdout, words and progress to stderr. Exit codes: 0 good, 1 differences,
2 usage, 3 integrity failure, 4 not found, 5 not permitted or configured, 6 unavailable
(try again), 130 interrupted.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command that *argv* names; return its exit code."""
    arguments = _command_first(sys.argv[1:] if argv is None else list(argv))
    ARGUMENTS.set(arguments)
    for stream in (sys.stdout, sys.stderr):
        # A terminal that lacks a character gets its escape, not our traceback.
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        with _uninterrupted():
            run = application(arguments)
        code = run(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        _hush()  # whoever read us has enough
        return 0
    except (Exception, KeyboardInterrupt, BaseExceptionGroup) as error:
        cause = _first(error)
        if isinstance(cause, OSError) and cause.errno in FULL:
            _hush()
            cause = UnavailableError(f"{cause.strerror}; make room and try again")
        if isinstance(cause, tuple(EXITS)):
            return _refused(cause, arguments)
        if os.environ.get(TRACEBACK):
            raise
        name = type(cause).__name__
        say(
            f"bl: a defect of this program, not of your data ({name}: {cause}); "
            f"please report it with what {TRACEBACK}=1 shows"
        )
        return DEFECT
    return code if isinstance(code, int) else 0


def _hush() -> None:
    """Let what Python flushes at exit go nowhere, so that it does not complain again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Let Ctrl-C wait, as it does since `replay.start`, until the command is there."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def application(arguments: Sequence[str]) -> App:
    """Return the application; only commands that *arguments* name are imported."""
    app = App(
        name="bl",
        help=reflowed(ABOUT),
        help_epilogue=reflowed(FIRST_STEPS),
        help_format="plaintext",
        version=program_version,
        exit_on_error=False,
        print_error=False,
        suppress_keyboard_interrupt=False,
        result_action="return_value",
    )
    app["--help"].group = app["--version"].group = Group("About", sort_key=len(COMMANDS))
    for order, (title, names) in enumerate(COMMANDS.items()):
        group = Group(title, sort_key=order)
        for place, name in enumerate(names):
            told = manual(name) if name in arguments else summary(name)
            if name in VERBS:
                app.command(_verbs(name, told, group, place))
                continue
            app.command(
                f"replay.commands.{module_of(name)}:run",
                name=name,
                group=group,
                help=told,
                help_epilogue="",
                sort_key=place,
            )
    return app


def _verbs(name: str, told: str, group: Group, place: int) -> App:
    """Return a command of several verbs; each is imported when it is used."""
    app = App(
        name=name,
        help=told,
        help_epilogue="",
        help_format="plaintext",
        group=group,
        sort_key=place,
    )
    for verb, (function, does) in VERBS[name].items():
        where = f"replay.commands.{module_of(name)}:{function}"
        app.command(where, name=verb, help=does, help_epilogue="")
    return app


def module_of(name: str) -> str:
    """Return the module of a command; a word of Python's own has an underscore behind."""
    return f"{name}_" if iskeyword(name) else name.replace("-", "_")


def summary(name: str) -> str:
    """Return the first line of a command's manual, without importing it."""
    source = resources.files("replay.commands") / f"{module_of(name)}.py"
    with source.open(encoding="utf-8") as file:
        return file.readline().strip().strip('"').rstrip(".")


def manual(name: str) -> str:
    """Return the whole of a command's manual."""
    title, _, rest = (
        importlib.import_module(f"replay.commands.{module_of(name)}").__doc__ or ""
    ).partition("\n\n")
    return f"{title}\n\nFor example:\n\n{reflowed(rest)}"


def reflowed(text: str) -> str:
    """Return *text* with each paragraph on one line; indented samples stay."""
    paragraphs = [
        paragraph if paragraph.startswith(" ") else " ".join(paragraph.split())
        for paragraph in text.rstrip().split("\n\n")
    ]
    return "\n\n".join(paragraphs)


def _command_first(arguments: list[str]) -> list[str]:
    """Move options that stand before the command behind it, where they are known."""
    names = {name for names in COMMANDS.values() for name in names}
    for place, argument in enumerate(arguments):
        if argument in names:
            rest = [*arguments[:place], *arguments[place + 1 :]]
            verbs = [one for one in rest if one in VERBS.get(argument, ())][:1]
            for verb in verbs:
                rest.remove(verb)
            return [argument, *verbs, *rest]
    return arguments


def _first(error: BaseException) -> BaseException:
    """Return *error*, or the first one of a group that is no group itself."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _refused(error: BaseException, arguments: Sequence[str]) -> int:
    """Say in one line what ended the command; return the exit code."""
    code = next(EXITS[kind] for kind in type(error).__mro__ if kind in EXITS)
    if code == INTERRUPTED:
        say("bl: interrupted")
        return code
    text = " ".join(_words(error, arguments).split())
    if isinstance(error, CycloptsError | UsageError):
        known = [name for names in COMMANDS.values() for name in names]
        named = next((f" {one}" for one in arguments if one in known), "")
        text = f"{text.rstrip('.')}; see bl{named} --help"
    say(f"bl: {text}")
    return code


def _words(error: BaseException, arguments: Sequence[str]) -> str:
    if not isinstance(error, UnknownCommandError):
        return str(error)
    # Its own text would import every command, to name them all.
    given = next((one for one in arguments if not one.startswith("-")), None)
    if given is None:
        return f"there is no option {arguments[0]}"
    known = [name for names in COMMANDS.values() for name in names]
    close = get_close_matches(given, known, n=1)
    hint = f"; did you mean {close[0]}?" if close else ""
    return f"there is no command {given!r}{hint}"


if __name__ == "__main__":
    raise SystemExit(main())
