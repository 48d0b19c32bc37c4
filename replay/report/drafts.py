"""Files that are written whole or not at all: a draft beside them, renamed at the end."""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final, TextIO

from ledger.errors import NotConfiguredError, UnavailableError

FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class OutputError(NotConfiguredError):
    """The report cannot be written there; nothing is left behind."""


@contextmanager
def opened(target: Path | None) -> Iterator[TextIO]:
    """Yield stdout, or a draft that becomes *target* once it is safe on the disk."""
    if target is None:
        yield sys.stdout
        return
    with opened_binary(target) as file:
        text = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
        try:
            yield text
        finally:
            text.detach()


@contextmanager
def opened_binary(target: Path | None) -> Iterator[BinaryIO]:
    """Yield stdout, or a draft that becomes *target* once it is safe on the disk.

    Raises:
        OutputError: The file cannot be written.
        UnavailableError: The disk has no room for it.
    """
    if target is None:
        yield sys.stdout.buffer
        return
    if target.is_dir():
        raise OutputError(f"{target} is a folder; give the name of a file in it")
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        with draft.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        draft.replace(target)
        folder = os.open(target.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        if error.errno in FULL:
            raise UnavailableError(
                f"{target} cannot be written ({error.strerror}); nothing was left there, "
                "make room and try again"
            ) from error
        raise OutputError(
            f"{target} cannot be written ({error.strerror}); nothing was left there"
        ) from error
    finally:
        with suppress(OSError):
            draft.unlink()
