"""A body means one thing or is not read at all, however large or odd it is."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.strictness import CONTAINERS_MAX, DEPTH_MAX, NotStrictError, parse

MANY: Final = {f"key_{number}": number for number in range(60_000)}

REFUSED: Final[dict[str, bytes]] = {
    "B09 nothing": b"",
    "B09 only white space": b" \n\t",
    "B09 a byte order mark": b"\xef\xbb\xbf{}",
    "B09 something after it": b"{} x",
    "B09 a second value": b"{}{}",
    "B09 a NUL after it": b"{}\x00",
    "B09 not UTF-8": b'{"a": "\xff"}',
    "B09 a key that is not UTF-8": b'{"\xff": 1}',
    "B09 an overlong form": b'"\xc0\xaf"',
    "B09 a surrogate in UTF-8": b'"\xed\xa0\x80"',
    "B09 UTF-16": '{"a": 1}'.encode("utf-16"),
    "B09 cut off": b'{"a": ',
    "B12 NaN": b'{"a": NaN}',
    "B12 infinity": b"[-Infinity]",
    "B12 beyond every double": b'{"a": 1e400}',
    "B12 below every double": b"-1e400",
    "B12 5,000 digits": b"9" * 5000,
    "B12 a leading zero": b"01",
    "B12 a plus sign": b"+1",
    "B12 a bare point": b"1.",
    "B12 hexadecimal": b"0x1",
    "B13 a key twice": b'{"a": 1, "a": 1}',
    "B13 twice, far apart": b'{"a": 1, "b": {"c": [1, 2]}, "a": 2}',
    "B13 twice, once escaped": b'{"a": 1, "\\u0061": 2}',
    "B13 twice, both escaped": b'{"\\u0061": 1, "\\u0061": 2}',
    "B13 twice, beyond ASCII": '{"ä": 1, "\\u00e4": 2}'.encode(),
    "B13 twice, space before the colon": b'{"a" : 1, "a"\n:\t2}',
    "B13 twice, without any space": b'{"a":1,"a":2}',
    "B13 twice, deep inside": b'[[{"b": [{"a": 1, "a": 2}]}]]',
    "B13 the empty key twice": b'{"": 1, "": 2}',
    "B13 twice beside a number written oddly": b'{"a": 1e1, "a": 10.0}',
    "B14 half a surrogate pair": b'"\\ud800"',
    "B14 halves in the wrong order": b'"\\udc00\\ud800"',
    "B14 a key of half a pair": b'{"\\ud800": 1}',
    "B14 a control character": b'"\x00"',
    "a comma too many": b'{"a": 1,}',
    "single quotes": b"{'a': 1}",
    "a comment": b"{} // no",
    "no quotes": b"{a: 1}",
}
ACCEPTED: Final[dict[str, tuple[bytes, Any]]] = {
    "null": (b"null", None),
    "white space around": (b' \r\n{"a" : [ 1 ] }\t', {"a": [1]}),
    "keys in two cases": (b'{"a": 1, "A": 2}', {"a": 1, "A": 2}),
    "a key in two objects": (b'[{"a": 1}, {"a": 2}]', [{"a": 1}, {"a": 2}]),
    "keys of two normal forms": (
        b'{"\xc3\xa4": 1, "a\xcc\x88": 2}',
        {"\xe4": 1, "a\u0308": 2},
    ),
    "escapes": (b'"\\u0041\\/\\n\\ud83d\\ude00\\u0000"', "A/\n\U0001f600\x00"),
    "300 digits": (b"9" * 300, 10**300 - 1),
    "minus zero": (b"-0", 0),
    "a power": (b"1e2", 100.0),
    "quotes that look like keys": (
        b'{"a": "\\"a\\": 1, \\"a\\": 2"}',
        {"a": '"a": 1, "a": 2'},
    ),
}


def cpu_seconds(body: bytes) -> float:
    """Return the least of three attempts, whatever else the machine does."""
    attempts = []
    for _ in range(3):
        start = time.process_time()
        with suppress(NotStrictError):
            parse(body)
        attempts.append(time.process_time() - start)
    return min(attempts)


@pytest.mark.parametrize("body", REFUSED.values(), ids=REFUSED)
def test_a_body_that_parsers_could_differ_on_is_refused(body: bytes) -> None:
    with pytest.raises(NotStrictError):
        parse(body)


@pytest.mark.parametrize(("body", "expected"), ACCEPTED.values(), ids=ACCEPTED)
def test_odd_but_strict_json_is_read(body: bytes, expected: object) -> None:
    assert parse(body) == expected


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'[{"a":'])
@pytest.mark.parametrize("depth", [101, 500, 10_000, 1_000_000])
@pytest.mark.parametrize("closed", [True, False])
def test_B10_depth_is_refused_in_no_time(
    opening: bytes, depth: int, *, closed: bool
) -> None:
    closing = {b"[": b"]", b'{"a":': b"}", b'[{"a":': b"}]"}[opening]
    body = opening * depth + b"1" + closing * depth * closed

    with pytest.raises(NotStrictError):
        parse(body)

    assert cpu_seconds(body) < 0.02


def test_B10_the_deepest_body_is_read() -> None:
    assert parse(b"[" * DEPTH_MAX + b"]" * DEPTH_MAX)
    with pytest.raises(NotStrictError, match="nested deeper than 100"):
        parse(b"[" * (DEPTH_MAX + 1) + b"]" * (DEPTH_MAX + 1))


def test_B11_more_objects_than_any_event_has_are_refused_unread() -> None:
    assert parse(b"[" + b"{}," * (CONTAINERS_MAX - 2) + b"{}]")
    with pytest.raises(NotStrictError, match="more than 20,000 objects"):
        parse(b"[" + b"{}," * (CONTAINERS_MAX - 1) + b"{}]")


@pytest.mark.parametrize(
    "body",
    [
        json.dumps(MANY).encode(),
        json.dumps(MANY).encode()[:-1] + b', "\\u006bey_59999": 1}',
        json.dumps(MANY).encode()[:-1] + b', "key_0": 1}',
        b"[" + b"{}," * 340_000 + b"{}]",
        b'["' + b"\\u0041" * 170_000 + b'"]',
    ],
    ids=["60k keys", "the last one twice", "the first one twice", "1 MB of {}", "escapes"],
)
def test_B11_a_large_body_is_judged_in_time_that_grows_with_it(body: bytes) -> None:
    assert cpu_seconds(body) < 0.5


texts = st.text(st.characters(exclude_categories=["Cs"]))
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(texts, inner, max_size=5),
    max_leaves=30,
)


@given(
    value=values,
    ascii_only=st.booleans(),
    indent=st.sampled_from([None, 2]),
    separators=st.sampled_from([(",", ":"), (", ", ": "), (" ,", " :\n")]),
)
def test_whatever_a_writer_makes_of_a_value_is_read_as_that_value(
    value: object, *, ascii_only: bool, indent: int | None, separators: tuple[str, str]
) -> None:
    written = json.dumps(
        value, ensure_ascii=ascii_only, indent=indent, separators=separators
    )

    assert parse(written.encode()) == value


def escaped(text: str) -> str:
    units = text.encode("utf-16-be")
    codes = (units[at : at + 2].hex() for at in range(0, len(units), 2))
    return '"' + "".join(f"\\u{code}" for code in codes) + '"'


@given(
    members=st.dictionaries(texts, values, min_size=1, max_size=6),
    around=st.lists(texts, max_size=4),
    data=st.data(),
)
def test_one_key_more_of_the_same_name_is_always_refused(
    members: dict[str, Any], around: list[str], data: st.DataObject
) -> None:
    twice = data.draw(st.sampled_from(sorted(members)))
    writers: list[Callable[[str], str]] = [json.dumps, escaped]
    write = data.draw(st.sampled_from(writers))
    pairs = [f"{json.dumps(key)}: {json.dumps(each)}" for key, each in members.items()]
    at = data.draw(st.integers(0, len(pairs)))
    pairs.insert(at, f"{write(twice)}: {json.dumps(data.draw(scalars))}")
    body = "{" + ", ".join(pairs) + "}"
    for key in around:
        body = f"[1, {{{json.dumps(key)}: {body}}}]"

    with pytest.raises(NotStrictError, match="stands twice"):
        parse(body.encode())


@given(
    st.binary(max_size=40) | st.text('{}[]":,\\u0aeE+-.1 tfn', max_size=40).map(str.encode)
)
def test_any_bytes_are_read_or_refused_and_nothing_else(body: bytes) -> None:
    try:
        value = parse(body)
    except NotStrictError:
        return

    assert json.loads(body) == value
