"""The whole document, as drf-spectacular walks the routes and `DescribedSchema` tells of each."""

from __future__ import annotations

import re
import sys
import threading
from functools import cache
from http import HTTPStatus
from typing import Any

import orjson
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ComponentRegistry, ResolvedComponent

from databunker.access.permissions import OWN_ONLY
from databunker.api.bodies import FORM, JSON
from databunker.errors import (
    AccessDenied,
    BadRequest,
    Conflict,
    NotFound,
    PayloadTooLarge,
    Throttled,
    Unavailable,
    UnsupportedMediaType,
    VaultError,
)

from . import schemas
from .answers import Answer
from .operation import Body, Link, Operation, operation_of
from .parameters import PATH

__all__ = ["DescribedSchema", "Generator", "document", "document_json"]

# A route is described once: not also with a slash at its end, nor outside its version.
_DESCRIBED = re.compile(r"/v[0-9]+/.*[^/]")
_PART = re.compile(r"{(\w+)}")
_MEANINGS: dict[type[VaultError], str] = {
    BadRequest: "Malformed: JSON, form, mode, UUID, or what the route says of its fields",
    AccessDenied: "No token, a wrong one, or one that may not do this",
    NotFound: "Nobody has this token or identity, or there is no such thing",
    Conflict: "Somebody else's identity, or a state that does not allow this",
    PayloadTooLarge: "The body is too large",
    UnsupportedMediaType: "The body is neither JSON nor a form, or not in UTF-8",
    Throttled: "Tried too often, of one person or from one address",
    Unavailable: "The database, the keyring or the audit trail can't be used: nothing was done, try again",
}
_HEADERS: dict[type[VaultError], dict[str, Any]] = {
    Throttled: {
        "Retry-After": {
            "description": "In how many seconds it may be tried again",
            "required": True,
            "schema": {"type": "integer", "minimum": 1},
        },
    },
}
_SECURITY_SCHEMES: dict[str, dict[str, str]] = {
    "token": {"type": "apiKey", "in": "header", "name": "X-Bunker-Token"},
    "bearer": {"type": "http", "scheme": "bearer"},
}


class DescribedSchema(AutoSchema):
    """One method of one endpoint, from its `Operation`, its route and its rule."""

    def get_operation(
        self,
        path: str,
        path_regex: str,  # noqa: ARG002 - drf-spectacular's signature
        path_prefix: str,  # noqa: ARG002
        method: str,
        registry: ComponentRegistry,
    ) -> dict[str, Any] | None:
        view: Any = type(self.view)
        operation = operation_of(view, method)
        if operation is None or not _DESCRIBED.fullmatch(path):
            return None
        rule, tag = view.rules.get(method), _tag(view.__module__)
        parts = _PART.findall(path)
        described: dict[str, Any] = {
            "operationId": f"{tag}.{view.__name__}.{method.lower()}",
            "tags": [tag],
            "summary": operation.summary,
            "description": f"{operation.description}\n\n{_who(rule)}".strip(),
            "parameters": [*map(_path_parameter, parts), *map(_query_parameter, operation.query)],
            "security": [{"token": []}, {"bearer": []}] if rule else [],
            "responses": _refusals(operation, registry, view, method, path=bool(parts)) | _answers(operation),
        }
        if operation.body:
            described["requestBody"] = _body(operation.body)
        return described


def _tag(module: str) -> str:
    return module.rpartition(".")[2]


def _who(rule: Any) -> str:
    if rule is None:
        return "Needs no token."
    own = ", and with the person's own token where it is about that person" if rule.permission in OWN_ONLY else ""
    return f"With the token of an application{own}. Permission: `{rule.permission}`."


def _path_parameter(name: str) -> dict[str, Any]:
    meaning, schema = PATH[name]
    found = schema() if callable(schema) else schema
    return {"name": name, "in": "path", "required": True, "description": meaning, "schema": found}


def _query_parameter(query: Any) -> dict[str, Any]:
    return {"name": query.name, "in": "query", "description": query.meaning, "schema": query.schema}


def _body(body: Body) -> dict[str, Any]:
    content = {JSON: {"schema": body.schema}}
    if body.form:
        content[FORM] = {"schema": schemas.FORM}
    return {"required": body.required, "content": content}


def _answers(operation: Operation) -> dict[str, Any]:
    answers = {status: _answer(status, answer) for status, answer in {200: operation.answer, **operation.also}.items()}
    if operation.links:
        answers[200]["links"] = {link.to: _link(link) for link in operation.links}
    return {str(status): answer for status, answer in answers.items()}


def _answer(status: int, answer: Answer | tuple[Answer, ...]) -> dict[str, Any]:
    answers = answer if isinstance(answer, tuple) else (answer,)
    content = {each.media_type: {"schema": each.schema} for each in answers}
    return {"description": HTTPStatus(status).phrase, "content": content}


def _link(link: Link) -> dict[str, Any]:
    described: dict[str, Any] = {"operationId": link.to, "parameters": link.parameters}
    return described if link.body is None else {**described, "requestBody": link.body}


def _refusals(
    operation: Operation, registry: ComponentRegistry, view: Any, method: str, *, path: bool
) -> dict[str, Any]:
    kinds: list[type[VaultError]] = [*operation.refuses, Unavailable]
    if operation.body:
        kinds += [BadRequest, PayloadTooLarge, UnsupportedMediaType]
    if path or operation.query:
        kinds.append(BadRequest)
    if method in view.rules:
        kinds += [AccessDenied, Throttled]
    elif view.public[method] is not None:
        kinds.append(Throttled)
    by_status: dict[int, type[VaultError]] = {}
    for kind in kinds:
        by_status.setdefault(kind.http_status, kind)
    return {str(status): _refusal(by_status[status], registry) for status in sorted(by_status)}


def _refusal(kind: type[VaultError], registry: ComponentRegistry) -> dict[str, str]:
    described: dict[str, Any] = {
        "description": _MEANINGS.get(kind, kind.message),
        "content": {JSON: {"schema": schemas.ERROR}},
    }
    if kind in _HEADERS:
        described["headers"] = _HEADERS[kind]
    registry.register_on_missing(
        ResolvedComponent(name=kind.__name__, type="responses", schema=described, object=kind)  # type: ignore[no-untyped-call]
    )
    return {"$ref": f"#/components/responses/{kind.__name__}"}


class Generator(SchemaGenerator):
    """Adds what is no operation: shared schemas, ways to send a token, and the groups that operations stand in."""

    def get_schema(self, request: Any = None, public: bool = False) -> dict[str, Any]:  # noqa: FBT001, FBT002
        described: dict[str, Any] = super().get_schema(request, public)  # type: ignore[no-untyped-call]
        described["components"] |= {"schemas": schemas.COMPONENTS, "securitySchemes": _SECURITY_SCHEMES}
        endpoints: Any = self.endpoints
        modules = {callback.cls.__module__: None for *_, callback in endpoints}
        used = {tag for path in described["paths"].values() for one in path.values() for tag in one["tags"]}
        described["tags"] = [
            {"name": _tag(module), "description": (sys.modules[module].__doc__ or "").split("\n\n")[0].strip()}
            for module in modules
            if _tag(module) in used
        ]
        return described


# drf-spectacular looks its extensions up as it walks the routes for the first time, and fails where two threads do so.
_making = threading.RLock()


def document() -> dict[str, Any]:
    """The document, made anew."""
    with _making:
        described: dict[str, Any] = Generator().get_schema(public=True)  # type: ignore[no-untyped-call]
    return described


def document_json() -> bytes:
    """The document as JSON, made once in a process: it says what the code and the settings say."""
    with _making:
        return _made_once()


@cache
def _made_once() -> bytes:
    return orjson.dumps(document())
