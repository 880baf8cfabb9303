"""The limits that calls meet whatever they are for: of an access token, and of an address that nobody vouches for."""

from __future__ import annotations

from functools import lru_cache

from django.conf import settings

from databunker.errors import Throttled

from .actor import Actor
from .leases import take_leased
from .models import DEFAULT_TENANT
from .throttle import Limit, address_key, parse_limit

__all__ = ["RATES", "configured_limit", "count_anonymous", "count_failure", "count_of_token"]

# Settings that hold such a limit, or nothing: then there is none.
RATES = ("TOKEN_CALLS", "FAILED_CALLS_PER_ADDRESS", "ANONYMOUS_CALLS_PER_ADDRESS")


def configured_limit(setting: str) -> Limit | None:
    """The limit of one of RATES."""
    text: str = getattr(settings, setting)
    return _parsed(text) if text else None


@lru_cache(maxsize=64)
def _parsed(text: str) -> Limit:
    return parse_limit(text)


def count_of_token(actor: Actor, limit: Limit) -> None:
    """
    Raises:
        Throttled: the token has called too often.
    """
    take_leased(limit, tenant=actor.tenant, what=b"token", who=str(actor.token_id).encode())


def count_anonymous(address: str) -> None:
    """
    Raises:
        Throttled: too many calls without a token from this address.
    """
    _count("ANONYMOUS_CALLS_PER_ADDRESS", address)


def count_failure(address: str) -> Throttled | None:
    """What is answered to a refused call instead of the refusal, where too many were refused from this address."""
    try:
        _count("FAILED_CALLS_PER_ADDRESS", address)
    except Throttled as throttled:
        return throttled
    return None


def _count(setting: str, address: str) -> None:
    limit = configured_limit(setting)
    if limit is not None:
        # Of no tenant: whose data was asked for makes no difference.
        take_leased(limit, tenant=DEFAULT_TENANT, what=setting.encode(), who=address_key(address))
