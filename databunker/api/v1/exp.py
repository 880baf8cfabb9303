"""`/v1/exp`: when people are to be forgotten, and the links by which they decide about it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.cache import patch_vary_headers

from audit.events import EventType
from databunker.access.actor import Actor
from databunker.access.permissions import Permission
from databunker.api.answers import answer, raw
from databunker.api.endpoint import Call, Endpoint, Rule
from databunker.api.openapi import Answer, Body, Link, Operation, ok, row, schemas, text
from databunker.errors import AccessDenied, Conflict, NotFound
from gdpr import actions, events, queries

__all__ = ["Cancel", "Delete", "Retain", "Start", "Status"]


class Start(Endpoint):
    """`POST /v1/exp/start/{mode}/{identity}`: set when the person is to be forgotten."""

    rules: ClassVar = {"POST": Rule(Permission.RETENTION_MANAGE, events.EXPIRATION_STARTED)}

    @Operation(
        "Set when a person is to be forgotten",
        body=Body(row(optional={"expiration": schemas.EXPIRATION, "status": schemas.TEXT}), required=False),
        answer=ok(exptoken=schemas.UUID),
        refuses=(NotFound, Conflict),
        links=tuple(Link(f"exp.{name}.post", exptoken="$response.body#/exptoken") for name in ("Retain", "Delete")),
    )
    def post(self, call: Call, mode: str, identity: str) -> HttpResponse:
        wish = call.optional_object()
        link = actions.start_expiration(call.actor, mode=mode, identity=identity, wish=wish)
        return answer(exptoken=str(link))


class Status(Endpoint):
    """`GET /v1/exp/status/{mode}/{identity}`: when the person is to be forgotten, and whether it is so still."""

    rules: ClassVar = {"GET": Rule(Permission.RETENTION_READ, events.EXPIRATION_READ)}

    @Operation(
        "Read when a person is to be forgotten",
        answer=ok(exptime=schemas.TIME, expstatus=schemas.TEXT, exptoken=schemas.TEXT),
        refuses=(NotFound, Conflict),
    )
    def get(self, call: Call, mode: str, identity: str) -> HttpResponse:
        found = queries.read_expiration(call.actor, mode=mode, identity=identity)
        link = str(found.link) if found.link else ""
        return answer(exptime=found.endtime, expstatus=found.status, exptoken=link)


class Cancel(Endpoint):
    """`DELETE /v1/exp/cancel/{mode}/{identity}`: as if no expiration had been started."""

    rules: ClassVar = {"DELETE": Rule(Permission.RETENTION_MANAGE, events.EXPIRATION_CANCELLED)}

    @Operation("Let a person's expiration be as never started", answer=ok(), refuses=(NotFound, Conflict))
    def delete(self, call: Call, mode: str, identity: str) -> HttpResponse:
        actions.cancel_expiration(call.actor, mode=mode, identity=identity)
        return answer()


_PAGE = text(schemas.TEXT, "text/html")


class _Link(Endpoint, ABC):
    """What the holder of a link has done by it. A browser that merely opens it is asked first, by a page with a button.

    Programs that look at mails before people do open links too, and would forget people by it.
    """

    act: ClassVar[str]
    described = Operation(
        "Do what the link says",
        description="A browser gets a page: first with a button, which sends a POST. Programs get `OK`.",
        answer=(text(schemas.constant("OK")), _PAGE),
        also=dict.fromkeys((400, 403, 429, 503), (Answer(schemas.ERROR), _PAGE)),
        refuses=(AccessDenied,),
    )

    @described
    def get(self, call: Call, exptoken: str) -> HttpResponse:
        return self.post(call, exptoken) if _acts(call.request) else self._page(call.request, "ask")

    @described
    def post(self, call: Call, exptoken: str) -> HttpResponse:
        receipt = self.follow(call.actor, exptoken)
        if not _wants_page(call.request):
            return raw(b"OK", content_type=_TEXT)
        return self._page(call.request, "done", receipt=receipt)

    @abstractmethod
    def follow(self, actor: Actor, link: str) -> UUID | None:
        """Do what the link is for; the id of the receipt of a forgetting."""

    def _refuse(
        self, request: HttpRequest, error: Exception, actor: Actor | None, event: EventType | None, route: str
    ) -> HttpResponse:
        refusal = super()._refuse(request, error, actor, event, route)
        if not _wants_page(request):
            return refusal
        page = self._page(request, _STATES.get(refusal.status_code, "failed"), status=refusal.status_code)
        if "Retry-After" in refusal.headers:
            page.headers["Retry-After"] = refusal.headers["Retry-After"]
        return page

    def _page(
        self, request: HttpRequest, state: str, *, status: int = 200, receipt: UUID | None = None
    ) -> HttpResponse:
        """It says nothing of whose data it is: anybody may look over the holder's shoulder.

        In the language that was chosen for the pages, else in what the browser asks for.
        """
        language = translation.get_language_from_request(request)
        shown = {"act": self.act, "state": state, "receipt": receipt, "language": language}
        with translation.override(language):
            html = render_to_string("exp/link.html", shown)
        response = raw(html.encode(), status=status, content_type="text/html; charset=utf-8")
        for name, value in _PAGE_HEADERS.items():
            response.headers[name] = value
        response.headers["Content-Language"] = language
        patch_vary_headers(response, ("Accept-Language", "Cookie"))
        return response


_TEXT = "text/plain; charset=utf-8"
_STATES = {403: "refused"}
_PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Retain(_Link):
    """`/v1/exp/retain/{exptoken}`: keep the person for good."""

    public: ClassVar = dict.fromkeys(("GET", "POST"), events.PERSON_RETAINED)
    act = "retain"

    def follow(self, actor: Actor, link: str) -> UUID | None:
        actions.retain_by_link(actor, link=link)
        return None


class Delete(_Link):
    """`/v1/exp/delete/{exptoken}`: forget the person now."""

    public: ClassVar = dict.fromkeys(("GET", "POST"), events.PERSON_DELETED)
    act = "delete"

    def follow(self, actor: Actor, link: str) -> UUID | None:
        return actions.delete_by_link(actor, link=link)


def _wants_page(request: HttpRequest) -> bool:
    return "text/html" in request.META.get("HTTP_ACCEPT", "").lower()


# Browsers send the first with every request, and all of them with what they load beforehand.
_OF_BROWSERS = ("HTTP_SEC_FETCH_MODE", "HTTP_SEC_PURPOSE", "HTTP_PURPOSE", "HTTP_X_MOZ", "HTTP_X_PURPOSE")


def _acts(request: HttpRequest) -> bool:
    """Whether this GET is of a program that means it, and not of whatever opens links unasked."""
    meta: dict[str, Any] = request.META
    return (
        settings.EXPIRATION_LINK_ACTS_ON_GET
        and request.method == "GET"  # the endpoint also hands HEAD over
        and not _wants_page(request)
        and not any(name in meta for name in _OF_BROWSERS)
    )
