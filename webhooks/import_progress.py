"""How far an import is, kept in a small file, so that it goes on after a kill.

    {"ledger": "led_…", "resource": "invoices", "after": "in_…", "mark": "object:…"}

The file is written whole after each page is in the log, and is believed only while the
last object it tells of is in that very log.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec

from ledger.errors import NotConfiguredError
from ledger.log import Log

NAME: Final = "import.json"


class Progress(msgspec.Struct, kw_only=True):
    """How far an import is.

    Attributes:
        ledger: The ledger it goes into.
        account: The Stripe account it comes from, where that is known.
        begun_at: What happened later is caught up with at the end.
        resource: What is being read; all before it is done.
        after: Its last object in the log; None before the first.
        mark: The id of that object's event.
        counts: Objects found so far, by resource.
    """

    ledger: str
    account: str | None
    begun_at: datetime
    resource: str | None = None
    after: str | None = None
    mark: str | None = None
    counts: dict[str, int] = msgspec.field(default_factory=dict)
    unreadable: int = 0
    cut_invoices: int = 0


class ProgressFile:
    """Keeps the progress in a directory of the ledger's."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / NAME

    async def found(self, log: Log, ledger_id: str, account: str | None) -> Progress | None:
        """Return how far an earlier import came; None if there is none to go on with."""
        try:
            kept = msgspec.json.decode(self._path.read_bytes(), type=Progress)
        except (FileNotFoundError, msgspec.MsgspecError):
            return None
        except OSError as error:
            raise self._unusable(error) from error
        if (kept.ledger, kept.account) != (ledger_id, account):
            return None
        if kept.mark is not None and not await log.find(kept.mark):
            return None  # the database was put back to an earlier time
        return kept

    def keep(self, progress: Progress) -> None:
        """Write *progress*, whole or not at all.

        Raises:
            NotConfiguredError: The directory cannot be written to.
        """
        beside = self._path.with_suffix(".new")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with beside.open("wb") as file:
                # Not synced: what a power cut spoils is believed by nobody.
                file.write(msgspec.json.encode(progress))
            beside.replace(self._path)
        except OSError as error:
            raise self._unusable(error) from error

    def forget(self) -> None:
        """Remove it: the import is done."""
        self._path.unlink(missing_ok=True)

    def _unusable(self, error: OSError) -> NotConfiguredError:
        return NotConfiguredError(
            f"{self._path} cannot be used ({error.strerror}): an import keeps there "
            "how far it is; set LEDGER_DATA_DIR to a directory that can be written to"
        )
