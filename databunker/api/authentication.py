"""From a request's headers to the `Actor` who acts."""

from __future__ import annotations

from uuid import UUID, uuid4

from django.conf import settings
from django.http import HttpRequest
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication

from databunker.access import tokens
from databunker.access.actor import Actor, ActorKind
from databunker.errors import AccessDenied
from databunker.ids import parse_token

__all__ = ["TokenAuthentication", "anyone", "client_address", "request_id"]

_MAX_TOKEN_LENGTH = 256


class TokenAuthentication(BaseAuthentication):
    """`X-Bunker-Token: <token>` or `Authorization: Bearer <token>`."""

    def authenticate(self, request: HttpRequest) -> tuple[Actor, None]:
        """
        Raises:
            AccessDenied: a token was sent that is unknown, expired or revoked.
        """
        token = _token(request.META)
        if not token:
            return anyone(request), None
        grant = tokens.lookup(token) if len(token) <= _MAX_TOKEN_LENGTH else None
        if grant is None:
            raise AccessDenied
        actor = Actor(
            kind=grant.kind,
            tenant=grant.tenant,
            token_id=grant.token_id,
            subject=grant.subject,
            request_id=request_id(request),
            address=client_address(request),
        )
        return actor, None

    def authenticate_header(self, request: HttpRequest) -> str:  # noqa: ARG002 - DRF's signature
        return "Bearer"


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the OpenAPI document describes the header."""

    target_class = TokenAuthentication
    name = "token"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:  # noqa: ARG002
        return {"type": "apiKey", "in": "header", "name": "X-Bunker-Token"}


def anyone(request: HttpRequest) -> Actor:
    """A caller without a token."""
    return Actor(kind=ActorKind.ANYONE, request_id=request_id(request), address=client_address(request))


def _token(meta: dict[str, str]) -> str:
    token = meta.get("HTTP_X_BUNKER_TOKEN")
    if token:
        return token.strip()
    scheme, _, credentials = meta.get("HTTP_AUTHORIZATION", "").partition(" ")
    return credentials.strip() if scheme.lower() == "bearer" else ""


def request_id(request: HttpRequest) -> UUID:
    """The caller's own `X-Request-ID` where it is a UUID, else a new one; the same for the whole request."""
    known: UUID | None = getattr(request, "_databunker_id", None)
    if known is None:
        sent = request.META.get("HTTP_X_REQUEST_ID")
        known = (parse_token(sent) if sent else None) or uuid4()
        request._databunker_id = known  # type: ignore[attr-defined] # noqa: SLF001 - ours
    return known


def client_address(request: HttpRequest) -> str:
    """The address of the client: of the peer, or what the outermost of TRUSTED_PROXIES says it saw."""
    address: str = request.META.get("REMOTE_ADDR", "")
    if not settings.TRUSTED_PROXIES:
        return address
    hops = [hop.strip() for hop in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if hop.strip()]
    return hops[-settings.TRUSTED_PROXIES] if len(hops) >= settings.TRUSTED_PROXIES else address
