"""The receiver as a process of its own: ``python -m webhooks``.

Exits 0 when it is told to stop, 5 when it is not configured, 6 when the database does not
come up; the reason is one line on standard error.
"""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import Coroutine
from typing import Any

from ledger.errors import LedgerError, NotConfiguredError, UnavailableError
from ledger.settings import SettingsError, load, refuse_secrets_on_command_line

EXIT_CODES: dict[type[LedgerError], int] = {NotConfiguredError: 5, UnavailableError: 6}


def main() -> int:
    """Serve until a signal ends it; return the exit code."""
    try:
        settings = load()
        refuse_secrets_on_command_line(settings, sys.argv)
        if not settings.webhook_secrets:
            raise SettingsError(
                "STRIPE_WEBHOOK_SECRETS is missing; nothing can be verified"
            )
        # Imported here, so that a wrong setting is told without loading what serves.
        from ledger.logs import to_stderr  # noqa: PLC0415
        from webhooks.process import serve  # noqa: PLC0415

        to_stderr()
        # What is loaded stays: the collector need not walk it while deliveries wait.
        gc.freeze()
        _run(serve(settings))
    except (NotConfiguredError, UnavailableError) as error:
        print(f"webhooks: {' '.join(str(error).split())}", file=sys.stderr)  # noqa: T201
        return next(code for kind, code in EXIT_CODES.items() if isinstance(error, kind))
    return 0


def _run(work: Coroutine[Any, Any, None]) -> None:
    """Run *work* on uvloop where there is one: a fifth more deliveries a second."""
    try:
        import uvloop  # noqa: PLC0415
    except ImportError:  # it is not made for every platform
        asyncio.run(work)
    else:
        uvloop.run(work)


if __name__ == "__main__":
    sys.exit(main())
