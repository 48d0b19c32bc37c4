"""The OpenAPI 3.1 document, made of the table of operations and the types that serve."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from projections.openapi.operations import (
    JSON,
    OPERATIONS,
    PARAMETERS,
    PLACES,
    SVG,
    Operation,
    Schema,
)
from projections.openapi.parts import Problem

Json = dict[str, Any]

REFERENCE: Final = "#/components/schemas/{name}"
PROBLEM: Final = "application/problem+json"
PROBLEMS: Final[Mapping[int, str]] = {
    400: "Something of the request cannot be read; the detail says what to write",
    401: "There is no token, or it does not hold",
    403: "The token lacks the scope",
    404: "It is not there, or not for this token",
    408: "The body took too long to arrive",
    409: "The same request is under way, or something stands against it",
    413: "The body is over the limit",
    415: "The body has a Content-Encoding",
    417: "Only 100-continue can be expected",
    422: "The Idempotency-Key was used for another request, or Stripe refuses",
    429: "Too many requests with this token; try again after Retry-After",
    500: "Our fault; it has been logged",
    501: "A setting is missing; the detail names it",
    502: "Stripe does not accept our key",
    503: "Not now; try again after Retry-After",
}
# What any operation may be refused with, with a token and without.
_ANY: Final = frozenset({400, 401, 403, 404, 429, 500, 503})
_OPEN: Final = frozenset({400, 404, 500, 503})
_PLACE: Final = re.compile(r"\{(\w+)\}")
_KEY: Final[Json] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": True,
    "description": "makes it one request, however often it is sent; new for each new one",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
}
_HEADERS: Final[Mapping[str, tuple[str, str]]] = {
    "ETag": ("string", "changes whenever anything but meta would"),
    "Ledger-Position": ("integer", "up to where the answer covers the log"),
    "Idempotent-Replayed": ("string", "true: the request was answered before"),
}


def document(version: str, more: Sequence[Operation] = ()) -> Json:
    """Return the description of every operation.

    Args:
        version: Of the program.
        more: Those of another door that the same address serves.
    """
    operations = (*OPERATIONS, *more)
    types = [kind for each in operations for kind in (*each.answers, *_sent(each)) if kind]
    found, components = msgspec.json.schema_components(
        [*types, Problem], ref_template=REFERENCE
    )
    schemas = {id(kind): schema for kind, schema in zip(types, found, strict=False)}
    paths: dict[str, Json] = {}
    for each in operations:
        paths.setdefault(each.path, {})[each.method] = _operation(each, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "billing-ledger",
            "version": version,
            "description": "What the ledger knows of an account, now, then, and as it was "
            "known then. Amounts are minor units of the enclosing currency.",
        },
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _sent(each: Operation) -> tuple[Any, ...]:
    return () if each.body is None else (each.body,)


def _operation(each: Operation, schemas: Mapping[int, Schema]) -> Json:
    refused = {*each.refused, *(_ANY if each.scope else _OPEN)}
    answers: Json = {str(status): _answer(each, status, schemas) for status in each.done}
    if each.tagged:
        answers["304"] = {"description": "The caller has this answer already"}
    answers |= {str(status): _problem(status) for status in sorted(refused)}
    told: Json = {
        "operationId": each.name,
        "summary": each.meaning,
        "parameters": [
            *(_parameter(name, PLACES, "path") for name in _PLACE.findall(each.path)),
            *(_parameter(name, PARAMETERS, "query") for name in each.takes),
            *([_KEY] if each.keyed else []),
        ],
        "responses": answers,
    }
    if each.body is not None:
        content = {JSON: {"schema": schemas[id(each.body)]}}
        told["requestBody"] = {"required": True, "content": content}
    if each.scope is not None:
        told["security"] = [{"token": []}]
        told["description"] = f"Needs a token with scope `{each.scope}`."
    return told


def _parameter(name: str, table: Mapping[str, tuple[Schema, str]], place: str) -> Json:
    schema, meaning = table[name]
    return {
        "name": name,
        "in": place,
        "required": place == "path",
        "description": meaning,
        "schema": schema,
    }


def _answer(each: Operation, status: int, schemas: Mapping[int, Schema]) -> Json:
    told = [schemas[id(answer)] for answer in each.answers]
    content: Json = {media: {"schema": {"type": "string"}} for media in each.also}
    if told:
        content[JSON] = {"schema": told[0] if len(told) == 1 else {"anyOf": told}}
    elif SVG not in each.also:
        content[JSON] = {"schema": {"type": "object"}}
    found: Json = {"description": each.meaning, "content": content}
    headers = _headers(each, status)
    return {**found, "headers": headers} if headers else found


def _headers(each: Operation, status: int) -> Json:
    names = ["ETag"] if each.tagged else []
    if each.keyed:
        names.append("Ledger-Position")
    if each.keyed and status == 200:  # noqa: PLR2004
        names.append("Idempotent-Replayed")
    return {
        name: {"schema": {"type": kind}, "description": meaning}
        for name, (kind, meaning) in _HEADERS.items()
        if name in names
    }


def _problem(status: int) -> Json:
    schema = {"$ref": REFERENCE.format(name=Problem.__name__)}
    return {"description": PROBLEMS[status], "content": {PROBLEM: {"schema": schema}}}
