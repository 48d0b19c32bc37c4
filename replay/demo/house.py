"""The demo's own house: a data directory, a port, a secret, and a server in it.

The server is ``bl serve`` in a process of its own. It ends with the demo, in whatever way
that one ends; nothing it uses comes from the settings of whoever runs the demo.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO, Final

import aiohttp
import attrs

from ledger.errors import LedgerError, NotConfiguredError, UnavailableError
from ledger.settings import FILE_SETTING, SETTINGS

HOST: Final = "127.0.0.1"
READY_S: Final = 90
STOP_S: Final = 20
POLL_S: Final = 0.05
ATTEMPTS: Final = 3
REFUSALS: Final[dict[int, type[LedgerError]]] = {5: NotConfiguredError, 6: UnavailableError}


@attrs.frozen(kw_only=True)
class House:
    """A running demo.

    Attributes:
        process: The serving process.
    """

    data_dir: Path
    port: int
    secret: str
    process: subprocess.Popen[bytes]

    @property
    def base(self) -> str:
        """The address of the HTTP door."""
        return f"http://{HOST}:{self.port}"

    @property
    def is_up(self) -> bool:
        """Whether the serving process has not ended."""
        return self.process.poll() is None


@asynccontextmanager
async def house() -> AsyncIterator[House]:
    """Yield a demo that is ready; at the end nothing of it is left.

    Raises:
        NotConfiguredError: No directory serves, or PostgreSQL cannot run here.
        UnavailableError: The server does not come up.
    """
    data_dir = _fresh_directory()
    with tempfile.TemporaryFile() as log:
        running: House | None = None
        try:
            running = await _started(data_dir, log)
            yield running
        except* (UnavailableError, aiohttp.ClientError):
            if running is None or running.is_up:
                raise
            code, said = running.process.returncode, _last_words(log)
            raise UnavailableError(f"the demo's server ended ({code}): {said}") from None
        finally:
            if running is not None:
                await asyncio.to_thread(_stop, running.process)
            shutil.rmtree(data_dir, ignore_errors=True)


def _fresh_directory() -> Path:
    """Name a directory that does not exist, below one that PostgreSQL's user reaches."""
    for folder in (Path(tempfile.gettempdir()), Path("/tmp"), Path("/var/tmp")):  # noqa: S108
        if os.geteuid() != 0 or _is_open(folder):
            return folder / f"bl-demo-{secrets.token_hex(6)}"
    raise NotConfiguredError("no temporary directory is open to all; set TMPDIR to one")


def _is_open(folder: Path) -> bool:
    """Tell whether every user gets through to *folder*."""
    return all(
        each.is_dir() and each.stat().st_mode & 0o001
        for each in (folder.absolute(), *folder.absolute().parents)
    )


async def _started(data_dir: Path, log: IO[bytes]) -> House:
    for attempt in range(1, ATTEMPTS + 1):
        started = _start(data_dir, log)
        try:
            await _ready(started)
        except asyncio.CancelledError:
            await asyncio.to_thread(_stop, started.process)
            raise
        if started.is_up:
            return started
        code, said = started.process.returncode, _last_words(log)
        # Somebody was quicker to take the port that was free a moment ago.
        if attempt == ATTEMPTS or "LEDGER_PORT" not in said:
            raise REFUSALS.get(code, UnavailableError)(f"the demo cannot start: {said}")
    raise UnavailableError("the demo found no free port; try again")


def _start(data_dir: Path, log: IO[bytes]) -> House:
    port, secret = _free_port(), f"whsec_{secrets.token_hex(24)}"
    ours = {FILE_SETTING, *SETTINGS}
    environment = {name: value for name, value in os.environ.items() if name not in ours}
    environment |= {
        "LEDGER_DATA_DIR": str(data_dir),
        "LEDGER_HOST": HOST,
        "LEDGER_PORT": str(port),
        "LEDGER_MODE": "test",
        "STRIPE_WEBHOOK_SECRETS": secret,
    }
    process = subprocess.Popen(  # noqa: S603, our own program
        [sys.executable, "-P", "-m", "replay.demo.server", str(os.getpid())],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        # Ctrl-C in the terminal is for the demo, which then stops the server itself.
        start_new_session=True,
    )
    return House(data_dir=data_dir, port=port, secret=secret, process=process)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


async def _ready(started: House) -> None:
    """Return once the server is ready, or has ended."""
    deadline = asyncio.get_running_loop().time() + READY_S
    async with aiohttp.ClientSession() as session:
        while started.is_up:
            with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                async with session.get(f"{started.base}/readyz") as response:
                    if response.ok:
                        return
            if asyncio.get_running_loop().time() > deadline:
                await asyncio.to_thread(_stop, started.process)
                raise UnavailableError(f"the demo was not ready within {READY_S} s")
            await asyncio.sleep(POLL_S)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _last_words(log: IO[bytes]) -> str:
    log.seek(0)
    lines = log.read().decode(errors="replace").strip().splitlines()
    return lines[-1].removeprefix("bl: ") if lines else "it said nothing"
