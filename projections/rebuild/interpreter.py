"""Which code reads facts out of events: a digest of all of it, so that nobody has to count.

It is taken of the modules that translate and pack, of all of ours that they import, and of
the release of what decodes for them. A change of any of these makes another interpreter,
for which facts that were kept are as good as none.
"""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Final

ROOTS: Final = ("projections.translation.translate", "projections.rebuild.blocks")
OURS: Final = ("ledger", "projections")
LIBRARIES: Final = ("msgspec",)
# As the formatter leaves them; to parse all of it would take fifty times as long.
_IMPORT: Final = re.compile(
    rb"^ *(?:from|import) ([\w.]+)(?: import (\([^)]*\)|[^\n]*))?", re.MULTILINE
)
_NAME: Final = re.compile(r"\w+")


def source_of(module: str) -> bytes:
    """Return the text of *module* as it is installed."""
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"no module {module}")
    return Path(spec.origin).read_bytes()


@cache
def interpreter() -> bytes:
    """Return the digest of the code that is installed."""
    return digest_of(source_of)


def digest_of(source: Callable[[str], bytes]) -> bytes:
    """Return the digest of the code whose modules *source* gives."""
    found = hashlib.sha256(f"python {sys.version_info[:2]}\n".encode())
    for library in LIBRARIES:
        found.update(f"{library} {version(library)}\n".encode())
    for name, text in sorted(modules(ROOTS, source).items()):
        found.update(f"{name} {len(text)}\n".encode() + text)
    return found.digest()


def modules(roots: Iterable[str], source: Callable[[str], bytes]) -> dict[str, bytes]:
    """Return the text of *roots* and of every module of ours that they come to import."""
    found: dict[str, bytes] = {}
    left = list(roots)
    while left:
        name = left.pop()
        if name not in found:
            found[name] = source(name)
            left += imported(found[name])
    return found


def imported(text: bytes) -> Iterator[str]:
    """Yield the modules of ours that *text* imports."""
    for found in _IMPORT.finditer(text):
        module, names = (each.decode() for each in found.groups(b""))
        if _is_ours(module):
            yield from {_module(module, name) for name in _NAME.findall(names)} or {module}


def _is_ours(module: str) -> bool:
    return module.partition(".")[0] in OURS


def _module(within: str, name: str) -> str:
    """Return what *name* is imported from: a module of its own, or the one around it."""
    spec = find_spec(within)
    if spec is None or spec.submodule_search_locations is None:
        return within
    return within if find_spec(f"{within}.{name}") is None else f"{within}.{name}"
