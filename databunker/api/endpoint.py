"""The base of every route: DRF's view with a dispatch that does what this API needs and no more.

DRF's own dispatch negotiates content, wraps the request and builds serializers' contexts; that costs as much
as the database does (docs/performance.md). Here every route authenticates by the one class, is gated by one
table, fails through the one handler and answers JSON. See docs/decisions/0001-lean-endpoint.md.
"""

from __future__ import annotations

from time import perf_counter
from typing import Any, ClassVar, NamedTuple

from django.conf import settings
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from rest_framework.views import APIView

from audit.events import EventType
from databunker import refusals, tracing
from databunker.access import rates
from databunker.access.actor import Actor, ActorKind
from databunker.access.admission import require_within
from databunker.access.permissions import Permission, require_some
from databunker.db.connections import replace_broken
from databunker.errors import AccessDenied, BadRequest

from . import bodies, cors, metrics
from .answers import failure
from .authentication import TokenAuthentication, anyone, request_id
from .errors import named, to_answer
from .openapi.parameters import DEFAULT_LIMIT, MAX_LIMIT, MAX_OFFSET

__all__ = ["Call", "Endpoint", "Rule"]


class Rule(NamedTuple):
    """What a method of a route needs, and the event that tells of its refusal."""

    permission: Permission
    event: EventType


class Call(NamedTuple):
    """One authenticated request, as a handler sees it."""

    request: HttpRequest
    actor: Actor

    def object(self) -> dict[str, Any]:
        """The body as an object; see `bodies.read_object`."""
        return bodies.read_object(self.request, limit=settings.MAX_BODY_BYTES)

    def optional_object(self) -> dict[str, Any]:
        """The body as an object; an empty one where there is none: the peer's clients send none to some routes."""
        meta = self.request.META
        announced = meta.get("CONTENT_LENGTH") not in (None, "", "0") or "HTTP_TRANSFER_ENCODING" in meta
        return self.object() if announced else {}

    def value(self) -> Any:
        """The body as any JSON value; see `bodies.read_value`."""
        return bodies.read_value(self.request, limit=settings.MAX_BODY_BYTES)

    def paging(self) -> tuple[int, int]:
        """Offset and limit from the query string; the limit is at most MAX_LIMIT.

        Raises:
            BadRequest: not whole numbers, or negative.
        """
        offset, limit = self.number("offset", 0), self.number("limit", DEFAULT_LIMIT)
        if offset > MAX_OFFSET:
            raise BadRequest("offset is too large")
        return offset, min(max(limit, 1), MAX_LIMIT)

    def number(self, name: str, default: int) -> int:
        """A number from the query string.

        Raises:
            BadRequest: no whole number, or negative.
        """
        text = self.request.GET.get(name, "")
        if not text:
            return default
        if not (text.isascii() and text.isdecimal() and len(text) < 16):  # noqa: PLR2004 - far beyond any offset
            raise BadRequest(f"{name} must be a whole number")
        return int(text)


class Endpoint(APIView):
    """One route. Handlers are named after methods, take a `Call` and the parts of the path, and may raise.

    `rules` has a row for each method that needs a token. Those of `public` need none and look at none; where a
    person's data is concerned, it says which event tells of a refusal.
    """

    rules: ClassVar[dict[str, Rule]] = {}
    public: ClassVar[dict[str, EventType | None]] = {}

    authentication_classes = [TokenAuthentication]  # noqa: RUF012 - DRF's attribute

    @classmethod
    def methods(cls) -> list[str]:
        """The methods that the route has."""
        return sorted({*cls.rules, *cls.public})

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:  # noqa: ARG002 - Django's signature
        started = perf_counter()
        replace_broken()
        route = request.resolver_match.route if request.resolver_match else ""
        response = self._answer(request, kwargs, route)
        named(response, request)
        if settings.CORS_ALLOWED_ORIGINS:
            cors.allow(request, response)
        seconds = perf_counter() - started
        metrics.observe(route, request.method or "", response.status_code, seconds)
        tracing.observe(request, response, seconds=seconds)
        return response

    def _answer(self, request: HttpRequest, kwargs: dict[str, Any], route: str) -> HttpResponseBase:
        method = "GET" if request.method == "HEAD" else request.method or ""
        if method == "OPTIONS":
            return cors.preflight(request, self.methods())
        if method in self.public:
            rule = None
        elif method in self.rules:
            rule = self.rules[method]
        else:
            return self._wrong_method()
        actor: Actor | None = None
        try:
            actor, _ = TokenAuthentication().authenticate(request) if rule else (anyone(request), None)
            if rule:
                if actor.scope is not None:
                    require_within(actor, method=method, route=route)
                self.gate(actor, rule)
            elif self.public[method] is not None:
                rates.count_anonymous(actor.address)
            response: HttpResponseBase = getattr(self, method.lower())(Call(request, actor), **kwargs)
        except Exception as error:  # noqa: BLE001 - every failure becomes an answer in one place
            return self._refuse(request, error, actor, rule.event if rule else self.public[method], route)
        return _without_body(response) if request.method == "HEAD" else response

    def gate(self, actor: Actor, rule: Rule) -> None:
        """Refuse whoever could never do this, before anything of the request is looked at.

        Raises:
            AccessDenied: see `require_some`.
        """
        require_some(actor, rule.permission)

    def _refuse(
        self, request: HttpRequest, error: Exception, actor: Actor | None, event: EventType | None, route: str
    ) -> HttpResponse:
        refusal = refusals.as_refusal(error)
        caller = actor or anyone(request)
        try:
            if isinstance(refusal, AccessDenied) and caller.kind in _UNVOUCHED:
                throttled = rates.count_failure(caller.address)
                if throttled is not None:
                    error = refusal = throttled
            if event is not None and refusal is not None:
                refusals.record(caller, event, refusal)
        except Exception as unrecorded:  # noqa: BLE001 - no audit, no answer
            error = unrecorded
        return to_answer(error, route=route, method=request.method or "", request_id=str(request_id(request)))

    def _wrong_method(self) -> HttpResponse:
        response = failure("method not allowed", status=405)
        response.headers["Allow"] = ", ".join(self.methods())
        return response


# Whose refusals are counted by the address that they come from: who has no token, and people.
_UNVOUCHED = frozenset({ActorKind.ANYONE, ActorKind.PERSON})


def _without_body(response: HttpResponseBase) -> HttpResponseBase:
    if isinstance(response, StreamingHttpResponse):
        response.streaming_content = ()  # what was to be sent is closed with the response all the same
    elif isinstance(response, HttpResponse):
        response.content = b""
    return response
