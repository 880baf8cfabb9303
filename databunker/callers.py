"""What a request says about its sender: its id and the client's address, the same for the API and for pages."""

from __future__ import annotations

from uuid import UUID, uuid4

from django.conf import settings
from django.http import HttpRequest

from databunker.access.actor import Actor, ActorKind
from databunker.ids import parse_token

__all__ = ["anyone", "client_address", "request_id"]


def anyone(request: HttpRequest) -> Actor:
    """A caller who has not said who it is."""
    return Actor(kind=ActorKind.ANYONE, request_id=request_id(request), address=client_address(request))


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
