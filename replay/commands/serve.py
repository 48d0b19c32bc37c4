"""Run everything in one process, on one port.

    STRIPE_WEBHOOK_SECRETS=whsec_… bl serve
    LEDGER_PORT=0 bl serve                   on a free port, printed

The receiver of Stripe's webhooks, the intake of seat changes, the projector and the read
API; without DATABASE_URL an embedded PostgreSQL too. To run them apart, as many as wanted
against one database: python -m webhooks, python -m projections.

SIGTERM or Ctrl-C lets what is under way end, at most LEDGER_GRACE_S seconds; a second one
ends the process at once. SIGHUP reads the webhook secrets again.
"""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import Coroutine
from typing import Any

from ledger.logs import to_stderr
from ledger.settings import SettingsError, load, refuse_secrets_on_command_line
from replay.arguments.options import Watching
from replay.report.words import say
from replay.serving import Address, serve


def run(*, options: Watching | None = None) -> int:
    """Serve until a signal ends it."""
    del options  # nothing is asked, and nothing comes to an end
    settings = load()
    refuse_secrets_on_command_line(settings, sys.argv)
    if not settings.webhook_secrets:
        raise SettingsError(
            "STRIPE_WEBHOOK_SECRETS is missing: nothing could be verified. Take the "
            "endpoint's secret (whsec_…) from Stripe's dashboard, or try bl demo"
        )
    to_stderr()
    # What is loaded stays: the collector need not walk it while deliveries wait.
    gc.freeze()
    _finish(serve(settings, _announce))
    return 0


def _announce(address: Address) -> None:
    say(f"bl: ready, {address.mode} mode, ledger {address.ledger_id}")
    say(f"    webhooks   {address.base}/webhooks/stripe")
    say(f"    read API   {address.base}/v1/status")
    say(f"    metrics    {address.metrics}")


def _finish(work: Coroutine[Any, Any, None]) -> None:
    """Run *work* on uvloop where there is one: a fifth more deliveries a second."""
    try:
        import uvloop  # noqa: PLC0415
    except ImportError:  # it is not made for every platform
        asyncio.run(work)
    else:
        uvloop.run(work)
