"""The start of ``bl``: Ctrl-C waits until there is a command that it can interrupt.

One that came while modules are imported would show a traceback, or be lost for good.
"""

from __future__ import annotations

import signal


def main() -> int:
    """Run the command line of this process; return its exit code."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    from replay.__main__ import main as run  # noqa: PLC0415, that is what is to wait

    return run()


if __name__ == "__main__":
    raise SystemExit(main())
