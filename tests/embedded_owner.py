"""A process that starts an embedded server, says how it went, and waits to be ended.

python embedded_owner.py DATA_DIR [BIN_DIR]
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from ledger.embedded import EmbeddedServer
from ledger.errors import LedgerError


def main() -> None:
    data_dir, *bin_dir = map(Path, sys.argv[1:])
    server = EmbeddedServer(data_dir, bin_dir=bin_dir[0] if bin_dir else None)
    try:
        server.start()
    except LedgerError as error:
        print(json.dumps({"error": type(error).__name__, "text": str(error)}))
        return
    answer = {"owns": server.owns_server, "conninfo": server.conninfo}
    print(json.dumps(answer), flush=True)
    sys.stdin.read()
    server.stop()


if __name__ == "__main__":
    main()
