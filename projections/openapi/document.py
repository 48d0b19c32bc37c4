"""The OpenAPI 3.1 document of the read API, made of the table and the types that serve."""

from __future__ import annotations

import re
from collections.abc import Mapping
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
PROBLEMS: Final[Mapping[int, str]] = {
    400: "Something of the request cannot be read; the detail says what to write",
    401: "There is no token, or it does not hold",
    403: "The token lacks the scope",
    404: "It is not there, or not for this token",
    429: "Too many requests with this token; try again after Retry-After",
    500: "Our fault; it has been logged",
    503: "Not now; try again after Retry-After",
}
# What needs no token is refused to nobody.
_OPEN: Final = frozenset({400, 404, 500, 503})
_PLACE: Final = re.compile(r"\{(\w+)\}")


def document(version: str) -> Json:
    """Return the description of every operation.

    Args:
        version: Of the program.
    """
    types = [answer for each in OPERATIONS for answer in each.answers]
    found, components = msgspec.json.schema_components(
        [*types, Problem], ref_template=REFERENCE
    )
    schemas = {id(kind): schema for kind, schema in zip(types, found, strict=False)}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "billing-ledger read API",
            "version": version,
            "description": "What the ledger knows of an account, now, then, and as it was "
            "known then. Amounts are minor units of the enclosing currency.",
        },
        "paths": {each.path: {"get": _operation(each, schemas)} for each in OPERATIONS},
        "components": {
            "schemas": components,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(each: Operation, schemas: Mapping[int, Schema]) -> Json:
    refused = [status for status in PROBLEMS if each.scope or status in _OPEN]
    answers: Json = {"200": _answer(each, schemas)}
    if each.tagged:
        answers["304"] = {"description": "The caller has this answer already"}
    answers |= {str(status): _problem(status) for status in refused}
    told: Json = {
        "operationId": each.name,
        "summary": each.meaning,
        "parameters": [
            *(_parameter(name, PLACES, "path") for name in _PLACE.findall(each.path)),
            *(_parameter(name, PARAMETERS, "query") for name in each.takes),
        ],
        "responses": answers,
    }
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


def _answer(each: Operation, schemas: Mapping[int, Schema]) -> Json:
    told = [schemas[id(answer)] for answer in each.answers]
    content: Json = {media: {"schema": {"type": "string"}} for media in each.also}
    if told:
        content[JSON] = {"schema": told[0] if len(told) == 1 else {"anyOf": told}}
    elif SVG not in each.also:
        content[JSON] = {"schema": {"type": "object"}}
    return {"description": each.meaning, "content": content}


def _problem(status: int) -> Json:
    schema = {"$ref": REFERENCE.format(name=Problem.__name__)}
    return {
        "description": PROBLEMS[status],
        "content": {"application/problem+json": {"schema": schema}},
    }
