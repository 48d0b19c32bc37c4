"""The serving process of a demo, which must not outlive the demo.

python -P -m replay.demo.server PID-OF-THE-DEMO
"""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import sys
from typing import Final

from replay.__main__ import main

PR_SET_PDEATHSIG: Final = 1


def die_with(parent: int) -> None:
    """Have the kernel end this process when *parent* ends; where it can, that is Linux."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            raise SystemExit(1)


def serve_for(parent: int) -> int:
    """Serve until the demo ends; clear up after one that could not do so itself."""
    die_with(parent)
    code = main(["serve"])
    if os.getppid() != parent:
        shutil.rmtree(os.environ["LEDGER_DATA_DIR"], ignore_errors=True)
    return code


if __name__ == "__main__":
    raise SystemExit(serve_for(int(sys.argv[1])))
