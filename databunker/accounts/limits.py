"""How often somebody may try to get into the console: per account and per client address, over all processes."""

from __future__ import annotations

from django.conf import settings

from audit import trail
from databunker.access import throttle
from databunker.access.actor import Actor
from databunker.access.throttle import Limit
from databunker.db.statements import atomically
from databunker.errors import Throttled

from .events import LOCKED_OUT

__all__ = ["count_try", "forgive"]

_WHAT = b"console"
# The trail says once in this time that somebody is locked out, however often that one tries.
_TOLD_ONCE = Limit(1, 3600)


def count_try(actor: Actor, *, who: bytes, account: int | None) -> None:
    """Count one try to get in as `who`, from the actor's address.

    Raises:
        Throttled: there were too many; an event tells of it.
    """
    try:
        for setting, key in (
            ("CONSOLE_TRIES_PER_ADDRESS", throttle.address_key(actor.address)),
            ("CONSOLE_TRIES_PER_ACCOUNT", who),
        ):
            limit = throttle.parse_limit(getattr(settings, setting))
            throttle.take(limit, tenant=actor.tenant, what=setting.encode(), who=key)
    except Throttled:
        _tell(actor, who, account)
        raise


def _tell(actor: Actor, who: bytes, account: int | None) -> None:
    detail = {"account": account} if account is not None else {"digest": who.hex()}
    try:
        with atomically():
            throttle.take(_TOLD_ONCE, tenant=actor.tenant, what=_WHAT, who=who)
            trail.record(actor, LOCKED_OUT, detail=detail)
    except Throttled:
        return


def forgive(actor: Actor, *, who: bytes) -> None:
    """Whoever has got in begins anew; the address does not: one account must not buy tries at others."""
    throttle.forgive(tenant=actor.tenant, what=b"CONSOLE_TRIES_PER_ACCOUNT", who=who)
