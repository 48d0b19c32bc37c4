"""The ``bl`` command: what it is made of, and how one of its commands is run.

A command's module is imported when it is used; its first line is its place in the list,
its whole docstring its manual.
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import resources
from keyword import iskeyword
from typing import Final

from cyclopts import App, Group, Parameter

from replay.contents import COMMANDS, VERBS
from replay.endings import EXITS, TRACEBACK, defect, first, full, refused, told
from replay.report.stamp import ARGUMENTS, program_version

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
        cause = first(error)
        if (no_room := full(cause)) is not None:
            _hush()
        cause = no_room or told(cause) or cause
        if isinstance(cause, tuple(EXITS)):
            return refused(cause, arguments)
        if os.environ.get(TRACEBACK):
            raise
        return defect(cause)
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
        default_parameter=Parameter(show_default=_default_said),
    )
    app["--help"].group = app["--version"].group = Group("About", sort_key=len(COMMANDS))
    for order, (title, names) in enumerate(COMMANDS.items()):
        group = Group(title, sort_key=order)
        for place, name in enumerate(names):
            told = manual(name) if name in arguments else summary(name)
            if name in VERBS:
                known = name in arguments
                app.command(_verbs(name, told, group, place, known=known))
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


def _default_said(value: object) -> str | None:
    """Return how the help writes a default; what is off or empty needs no word."""
    if value is False or value in {None, (), ""}:
        return None
    return str(value)


def _verbs(name: str, told: str, group: Group, place: int, *, known: bool) -> App:
    """Return a command of several verbs; each is imported when it is used.

    Args:
        known: Whether it is named on the command line: then examples stand with each.
    """
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
        examples = _examples(name, verb) if known else ""
        app.command(where, name=verb, help=f"{does}{examples}", help_epilogue="")
    return app


def _examples(name: str, verb: str) -> str:
    """Return those examples of a command's manual that are of one of its verbs."""
    own = f"    bl {name} {verb}"
    samples = [line for line in _manual(name).splitlines() if line.startswith(own)]
    return "\n\n".join(
        ["", "For example:", "\n".join(samples), f"See bl {name} --help too."]
    )


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
    title, _, rest = _manual(name).partition("\n\n")
    return f"{title}\n\nFor example:\n\n{reflowed(rest)}"


def _manual(name: str) -> str:
    return importlib.import_module(f"replay.commands.{module_of(name)}").__doc__ or ""


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


if __name__ == "__main__":
    raise SystemExit(main())
