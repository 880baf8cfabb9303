"""Whether the holder of a narrowed access token may come in: from where, what for, and to what."""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import IPv6Address, ip_address

from databunker.errors import AccessDenied

from . import rates
from .actor import Actor
from .scopes import Scope

__all__ = ["operation_name", "require_within"]

_PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")


@lru_cache(maxsize=1024)
def operation_name(method: str, route: str) -> str:
    """As scopes and the OpenAPI document write it: `GET /v1/user/{mode}/{identity}`."""
    template = _PARAMETER.sub(r"{\1}", route).rstrip("/")
    return f"{method} /{template}"


def require_within(actor: Actor, *, method: str, route: str) -> None:
    """
    Raises:
        AccessDenied: the token is good for other addresses, purposes or routes. All look alike.
        Throttled: it has called too often.
    """
    scope = actor.scope
    if scope is None:
        return
    if scope.purposes and actor.purpose not in scope.purposes:
        raise AccessDenied
    if scope.networks and not _comes_from(scope, actor.address):
        raise AccessDenied
    if scope.routes:
        operation = operation_name(method, route)
        if operation not in scope.routes and operation.partition(" ")[2] not in scope.routes:
            raise AccessDenied
    if scope.limit is not None:
        rates.count_of_token(actor, scope.limit)


def _comes_from(scope: Scope, address: str) -> bool:
    try:
        client = ip_address(address)
    except ValueError:
        return False
    if isinstance(client, IPv6Address) and client.ipv4_mapped:
        client = client.ipv4_mapped
    return any(client in network for network in scope.networks)
