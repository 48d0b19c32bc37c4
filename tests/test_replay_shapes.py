"""The simulator's objects beside recorded ones: the same keys, the same JSON types."""

from __future__ import annotations

import json
import os
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

import attrs
import pytest

from replay.simulator.habits import Breadth
from replay.simulator.occurrences import StripeOccurrence
from replay.simulator.shapes import Shape
from replay.simulator.simulation import simulate

ROOT: Final = Path(__file__).parent.parent
FIXTURES: Final = Path(os.environ.get("LEDGER_FIXTURES", "../shared/fixtures"))
TABLE: Final = Path(__file__).with_suffix(".toml")
SAMPLES: Final = "samples"
FREE_KEYS: Final = frozenset({"metadata", "payment_method_options", "previous_attributes"})


@attrs.define
class Schema:
    """Keys and types of many objects: `lines.data[].amount` is a path."""

    types: dict[str, set[str]] = attrs.field(factory=lambda: defaultdict(set))
    held: Counter[str] = attrs.field(factory=Counter)
    objects: Counter[str] = attrs.field(factory=Counter)

    def add(self, value: object, path: str = "") -> None:
        kind = json_type(value)
        if path and isinstance(value, dict) and is_other_object(value):
            kind = str(value["object"])
        self.types[path].add(kind)
        if kind == "object" and isinstance(value, dict):
            self.objects[path] += 1
            if path.rpartition(".")[2] in FREE_KEYS:
                return
            for key, inner in value.items():
                self.held[f"{path}.{key}"] += 1
                self.add(inner, f"{path}.{key}")
        if isinstance(value, list):
            for inner in value:
                self.add(inner, f"{path}[]")

    def always(self, path: str) -> bool:
        return self.held[path] == self.objects[parent(path)]


@attrs.frozen(kw_only=True)
class Comparison:
    """Ours of a shape beside recordings of some versions."""

    kind: str
    shape: Shape
    versions: tuple[str, ...]
    allowed: frozenset[str] = frozenset()


def json_type(value: object) -> str:
    names = {bool: "boolean", int: "integer", float: "number", str: "string"}
    names |= {dict: "object", list: "array", type(None): "null"}
    return names[type(value)]


def is_other_object(value: dict[str, Any]) -> bool:
    name = value.get("object")
    return isinstance(name, str) and name != "list"


def parent(path: str) -> str:
    return path.rpartition(".")[0]


def differences(ours: Schema, recorded: Schema, row: Comparison) -> set[str]:
    """Name each as in ``missing .a.b``, ``extra .a.b`` or ``type .a.b null``."""
    found = set()
    for path in recorded.held:
        lacking = parent(path) in ours.objects and not ours.always(path)
        if recorded.always(path) and lacking:
            found.add(f"missing {path}")
    for path in ours.held:
        unknown = parent(path) in recorded.objects and path not in recorded.held
        if unknown:
            found.add(f"extra {path}")
    for path in ours.types.keys() & recorded.types.keys():
        odd = ours.types[path] - recorded.types[path]
        if odd and SAMPLES not in row.versions:
            found |= {f"type {path} {name}" for name in odd}
    return found


def objects_in(value: object) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        if is_other_object(value):
            yield value
        for inner in value.values():
            yield from objects_in(inner)
    if isinstance(value, list):
        for inner in value:
            yield from objects_in(inner)


def is_debit(each: dict[str, Any]) -> bool:
    """Tell whether it is of a kind of which none is recorded."""
    paid_by = each.get("payment_method_details", each)
    if each["object"] not in {"charge", "payment_method"}:
        return False
    return str(paid_by.get("type")).endswith(("_debit", "us_bank_account"))


def schemas(tagged: Iterable[tuple[str, object]]) -> dict[Any, Schema]:
    by_kind: dict[Any, Schema] = defaultdict(Schema)
    for version, document in tagged:
        for each in (one for one in objects_in(document) if not is_debit(one)):
            by_kind[each["object"], version].add(each)
    return by_kind


def merged(found: dict[Any, Schema], kind: str, versions: tuple[str, ...]) -> Schema:
    total = Schema()
    for version in versions:
        part = found[kind, version]
        total.held += part.held
        total.objects += part.objects
        for path, types in part.types.items():
            total.types[path] |= types
    return total


@cache
def recorded() -> dict[Any, Schema]:
    folder = ROOT / FIXTURES
    if not folder.is_dir():
        pytest.skip(f"no recorded fixtures at {folder}: set LEDGER_FIXTURES")
    documents = [json.loads(path.read_bytes()) for path in sorted(folder.glob("*/*.json"))]
    return schemas(
        (document.get("api_version") or SAMPLES, document) for document in documents
    )


@cache
def simulated() -> dict[Any, Schema]:
    start = datetime(2025, 1, 1, tzinfo=UTC)
    bodies = [
        json.loads(occurrence.body)
        for shape in Shape
        for occurrence in simulate(
            seed=4,
            accounts=40,
            months=8,
            start=start,
            shape=shape,
            breadth=Breadth.WHOLE,
        )
        if isinstance(occurrence, StripeOccurrence)
    ]
    return schemas((body["api_version"], body) for body in bodies)


def comparisons() -> Iterator[Comparison]:
    table = tomllib.loads(TABLE.read_text())
    reasons = table.pop("reasons")
    for shape, kinds in table.items():
        for kind, rows in kinds.items():
            for row in rows:
                yield Comparison(
                    kind=kind,
                    shape=Shape[shape.upper()],
                    versions=tuple(row["of"]),
                    allowed=frozenset(
                        difference
                        for name in row.get("allowed", ())
                        for difference in reasons[name]["differences"]
                    ),
                )


COMPARISONS: Final = tuple(comparisons())


@pytest.mark.parametrize(
    "row", COMPARISONS, ids=lambda row: f"{row.kind}-{row.shape.name}-{row.versions[0]}"
)
def test_objects_have_the_keys_and_types_of_recorded_ones(row: Comparison) -> None:
    ours = merged(simulated(), row.kind, (row.shape.value,))
    theirs = merged(recorded(), row.kind, row.versions)

    assert ours.objects[""] > 0
    assert theirs.objects[""] > 0
    assert differences(ours, theirs, row) == row.allowed


SOUND: Final = {"id": "in_1", "object": "invoice", "lines": [{"amount": 1, "tax": None}]}
BARE: Final = Comparison(kind="invoice", shape=Shape.CLOVER, versions=())


@pytest.mark.parametrize(
    ("broken", "named"),
    [
        (SOUND, set()),
        (SOUND | {"lines": []}, set()),
        (SOUND | {"lines": [{"amount": 1}]}, {"missing .lines[].tax"}),
        (
            SOUND | {"lines": [{"amount": "1", "tax": None}]},
            {"type .lines[].amount string"},
        ),
        (
            SOUND | {"lines": [{"amount": True, "tax": None}]},
            {"type .lines[].amount boolean"},
        ),
        (SOUND | {"paid": True}, {"extra .paid"}),
        ({"id": "in_1", "object": "invoice"}, {"missing .lines"}),
    ],
)
def test_a_key_too_few_or_too_many_and_a_wrong_type_are_each_named(
    broken: dict[str, Any], named: set[str]
) -> None:
    ours, theirs = Schema(), Schema()
    ours.add(SOUND)
    ours.add(broken)
    theirs.add(SOUND)

    assert differences(ours, theirs, BARE) == named


def test_a_key_dropped_from_any_of_our_objects_is_named() -> None:
    found = simulated()

    for row in COMPARISONS:
        ours = merged(found, row.kind, (row.shape.value,))
        whole = merged(found, row.kind, (row.shape.value,))
        for path in [path for path in ours.held if ours.always(path)]:
            ours.held[path] -= 1
            assert f"missing {path}" in differences(ours, whole, row)
            ours.held[path] += 1


def test_bodies_are_printed_as_stripe_prints_them() -> None:
    start = datetime(2025, 1, 1, tzinfo=UTC)
    body = next(
        o.body.decode()
        for o in simulate(seed=4, accounts=1, months=2, start=start)
        if isinstance(o, StripeOccurrence) and o.type == "customer.subscription.created"
    )

    assert body.startswith('{\n  "id": "evt_1')
    assert '\n      "default_tax_rates": [\n\n      ],\n' in body
    assert '\n      "metadata": {\n      },\n' in body
    assert "[]" not in body
    assert "{}" not in body
