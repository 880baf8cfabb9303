"""Holds answers to what the OpenAPI document says of them."""

from __future__ import annotations

import re
from functools import cache
from typing import Any
from urllib.parse import unquote

from django.conf import settings
from django.http import HttpResponse
from django.urls import Resolver404, get_resolver
from jsonschema_rs import Draft202012Validator

from databunker.api.openapi.document import document

__all__ = ["assert_described", "described_path", "the_document"]

# The same routes under other paths, and what a fault of the server or a method that isn't there answers.
_ALIASES = {"/status": "/v1/status"}
_OF_NO_OPERATION = (405, 500)
_READABLE = ("application/json", "text/plain")


@cache
def the_document() -> dict[str, Any]:
    return document()


def described_path(route: str) -> str:
    """The path under which the document describes a route: `/v1/user/{mode}/{identity}`."""
    path = "/" + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", route).rstrip("/")
    return _ALIASES.get(path, path)


def assert_described(method: str, path: str, answer: HttpResponse) -> None:
    """The document has this status for the operation, and the body is as it says."""
    if settings.V1_LEGACY_STATUS:
        return
    try:
        route = get_resolver().resolve(unquote(path.partition("?")[0])).route
    except Resolver404:
        return
    operation = the_document()["paths"].get(described_path(route), {}).get(method.lower())
    if operation is None:
        return
    status = str(answer.status_code)
    if status not in operation["responses"]:
        assert answer.status_code in _OF_NO_OPERATION, f"{operation['operationId']} is not said to answer {status}"
        return
    missing = _headers(operation["operationId"], status) - set(answer.headers)
    assert not missing, f"{operation['operationId']} answers {status} without {', '.join(missing)}"
    validators = _validators(operation["operationId"], status)
    media_type = answer.headers["Content-Type"].partition(";")[0]
    assert media_type in validators, f"{operation['operationId']} is not said to answer {media_type} with {status}"
    if answer.streaming or media_type not in _READABLE:
        return
    body = answer.json() if media_type == "application/json" else answer.content.decode()
    wrong = next(validators[media_type].iter_errors(body), None)
    assert wrong is None, f"{operation['operationId']} answers {status} otherwise than described: {wrong.message}"


def _answer(operation_id: str, status: str) -> dict[str, Any]:
    whole = the_document()
    (answer,) = [
        operation["responses"][status]
        for path in whole["paths"].values()
        for operation in path.values()
        if operation["operationId"] == operation_id
    ]
    if "$ref" in answer:
        answer = whole["components"]["responses"][answer["$ref"].rpartition("/")[2]]
    found: dict[str, Any] = answer
    return found


@cache
def _headers(operation_id: str, status: str) -> set[str]:
    """Those that it always has."""
    described = _answer(operation_id, status).get("headers", {})
    return {name for name, header in described.items() if header["required"]}


@cache
def _validators(operation_id: str, status: str) -> dict[str, Draft202012Validator]:
    components = the_document()["components"]
    return {
        media_type: Draft202012Validator({**content["schema"], "components": components}, validate_formats=True)
        for media_type, content in _answer(operation_id, status)["content"].items()
    }
