"""From a request's headers to the `Actor` who acts."""

from __future__ import annotations

from django.http import HttpRequest
from rest_framework.authentication import BaseAuthentication

from databunker.access import tokens
from databunker.access.actor import Actor
from databunker.access.scopes import purpose_name
from databunker.callers import anyone, client_address, request_id
from databunker.errors import AccessDenied

__all__ = ["TokenAuthentication", "anyone", "client_address", "request_id"]

_MAX_TOKEN_LENGTH = 256


class TokenAuthentication(BaseAuthentication):
    """`X-Bunker-Token: <token>` or `Authorization: Bearer <token>`."""

    def authenticate(self, request: HttpRequest) -> tuple[Actor, None]:
        """
        Raises:
            AccessDenied: a token was sent that is unknown, expired or revoked.
            BadRequest: the purpose is no word.
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
            scope=grant.scope,
            purpose=_purpose(request.META),
        )
        return actor, None

    def authenticate_header(self, request: HttpRequest) -> str:  # noqa: ARG002 - DRF's signature
        return "Bearer"


def _token(meta: dict[str, str]) -> str:
    token = meta.get("HTTP_X_BUNKER_TOKEN")
    if token:
        return token.strip()
    scheme, _, credentials = meta.get("HTTP_AUTHORIZATION", "").partition(" ")
    return credentials.strip() if scheme.lower() == "bearer" else ""


def _purpose(meta: dict[str, str]) -> str:
    """What the caller says it acts for: `X-Bunker-Purpose`, or nothing."""
    sent = meta.get("HTTP_X_BUNKER_PURPOSE")
    return purpose_name(sent) if sent else ""
