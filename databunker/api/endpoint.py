"""The base of every route: DRF's view with a dispatch that does what this API needs and no more.

DRF's own dispatch negotiates content, wraps the request and builds serializers' contexts; that costs as much
as the database does (docs/performance.md). Here every route authenticates by the one class, is gated by one
table, fails through the one handler and answers JSON. See docs/decisions/0001-lean-endpoint.md.
"""

from __future__ import annotations

from time import perf_counter
from typing import Any, ClassVar, NamedTuple

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from rest_framework.views import APIView

from audit.events import EventType
from databunker.access.actor import Actor
from databunker.access.permissions import Permission, require_some
from databunker.db.connections import replace_broken
from databunker.errors import BadRequest

from . import bodies, cors, metrics, refusals
from .answers import failure
from .authentication import TokenAuthentication, anyone, request_id
from .errors import as_refusal, named, to_answer

__all__ = ["Call", "Endpoint", "Rule"]

DEFAULT_LIMIT = 10
MAX_LIMIT = 1000
_MAX_OFFSET = 2**31


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

    def value(self) -> Any:
        """The body as any JSON value; see `bodies.read_value`."""
        return bodies.read_value(self.request, limit=settings.MAX_BODY_BYTES)

    def paging(self) -> tuple[int, int]:
        """Offset and limit from the query string; the limit is at most MAX_LIMIT.

        Raises:
            BadRequest: not whole numbers, or negative.
        """
        offset, limit = self._number("offset", 0), self._number("limit", DEFAULT_LIMIT)
        if offset > _MAX_OFFSET:
            raise BadRequest("offset is too large")
        return offset, min(max(limit, 1), MAX_LIMIT)

    def _number(self, name: str, default: int) -> int:
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

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:  # noqa: ARG002 - Django's signature
        started = perf_counter()
        replace_broken()
        route = request.resolver_match.route if request.resolver_match else ""
        response = self._answer(request, kwargs, route)
        named(response, request)
        if settings.CORS_ALLOWED_ORIGINS:
            cors.allow(request, response)
        metrics.observe(route, request.method or "", response.status_code, perf_counter() - started)
        return response

    def _answer(self, request: HttpRequest, kwargs: dict[str, Any], route: str) -> HttpResponse:
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
                self.gate(actor, rule)
            response: HttpResponse = getattr(self, method.lower())(Call(request, actor), **kwargs)
        except Exception as error:  # noqa: BLE001 - every failure becomes an answer in one place
            return self._refuse(request, error, actor, rule.event if rule else self.public[method], route)
        if request.method == "HEAD":
            response.content = b""
        return response

    def gate(self, actor: Actor, rule: Rule) -> None:
        """Refuse whoever could never do this, before anything of the request is looked at.

        Raises:
            AccessDenied: see `require_some`.
        """
        require_some(actor, rule.permission)

    def _refuse(
        self, request: HttpRequest, error: Exception, actor: Actor | None, event: EventType | None, route: str
    ) -> HttpResponse:
        refusal = as_refusal(error)
        if event is not None and refusal is not None:
            try:
                refusals.record(actor or anyone(request), event, refusal)
            except Exception as unrecorded:  # noqa: BLE001 - no audit, no answer
                error = unrecorded
        return to_answer(error, route=route, method=request.method or "", request_id=str(request_id(request)))

    def _wrong_method(self) -> HttpResponse:
        response = failure("method not allowed", status=405)
        response.headers["Allow"] = ", ".join(self.methods())
        return response
