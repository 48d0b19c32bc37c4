"""Log lines of a process: one JSON object each on standard error.

A line is a constant name and fields; never a body, a secret or an address.
"""

from __future__ import annotations

import logging
import sys


def to_stderr(level: int = logging.INFO) -> None:
    """Send every logger of this process there, from *level* on."""
    # Imported here: it costs 130 ms, and only processes that serve write lines.
    import structlog  # noqa: PLC0415

    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[
            structlog.stdlib.add_log_level,
            structlog.stdlib.ExtraAdder(),
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
        ],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.JSONRenderer(),
        ],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
