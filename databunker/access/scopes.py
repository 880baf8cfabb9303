"""What one access token may do: less than its kind may, never more.

A scope is made of lists. One that is left out doesn't narrow; of one that is given, whatever isn't in it is refused.
It is stored as canonical JSON in the token's row, under the row's MAC.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any

import orjson

from databunker.errors import BadRequest

from .permissions import Permission
from .roles import permissions_named
from .throttle import Limit, parse_limit

__all__ = ["EVERYTHING", "FIELD_KINDS", "READ_MASKED", "Scope", "from_text", "known_operations", "make", "purpose_name"]

# The HTTP face tells here which operations there are (`GET /v1/user/{mode}/{identity}`): a scope names no other.
known_operations: list[Callable[[], frozenset[str]]] = []

# What a token may do that sees masked values only: read what can be masked, and what holds nothing personal. It
# changes nothing (what it writes back would be masked), and hands nothing on that others could read in full.
READ_MASKED = frozenset(
    {
        Permission.RECORD_READ,
        Permission.RECORD_LIST,
        Permission.APP_READ,
        Permission.APP_LIST_ALL,
        Permission.SESSION_READ,
        Permission.REPORT_READ,
        Permission.RETENTION_READ,
        Permission.RIGHTS_READ,
        Permission.REQUEST_READ,
        Permission.REQUEST_LIST,
        Permission.AGREEMENT_READ,
        Permission.LEGAL_BASIS_READ,
        Permission.ACTIVITY_READ,
        Permission.AUDIT_READ,
        Permission.AUDIT_LIST_ALL,
        Permission.METRICS_READ,
        Permission.CONFIGURATION_READ,
    }
)
FIELD_KINDS = ("app", "session")
_MAX_ENTRIES = 100
_MAX_FIELD = 256
_PURPOSE = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}", re.ASCII)
_APP = re.compile(r"[a-z][a-z0-9_]{1,30}", re.ASCII)
Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class Scope:
    """Empty collections and None don't narrow, except `permissions`: these are all that there are.

    `allow`, `routes`, `fields` and `addresses` are as they were given; `permissions` and `networks` what they stand
    for. `fields` are dotted paths of the profile, `app:NAME` or `app:NAME.PATH` of an application's data, `session:*`
    or `session:PATH` of sessions.
    """

    permissions: frozenset[Permission]
    networks: tuple[Network, ...] = ()
    allow: tuple[str, ...] = ()
    routes: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    purposes: tuple[str, ...] = ()
    masked: bool = False
    limit: Limit | None = None

    @property
    def narrows(self) -> bool:
        """Whether it takes anything away but by its limit."""
        return self.masked or any(getattr(self, name) for name in _LISTS)

    @property
    def text(self) -> str:
        """As it is stored: only what narrows, in one spelling."""
        lists = {name: list(getattr(self, name)) for name in _LISTS if getattr(self, name)}
        flags: dict[str, Any] = {"masked": True} if self.masked else {}
        limit = {"limit": str(self.limit)} if self.limit else {}
        found = lists | flags | limit
        return orjson.dumps(found, option=orjson.OPT_SORT_KEYS).decode() if found else ""


_LISTS = ("allow", "routes", "fields", "addresses", "purposes")
EVERYTHING = Scope(frozenset(Permission))


def make(
    *,
    allow: Iterable[str] = (),
    routes: Iterable[str] = (),
    fields: Iterable[str] = (),
    addresses: Iterable[str] = (),
    purposes: Iterable[str] = (),
    masked: bool = False,
    limit: str = "",
) -> Scope | None:
    """The scope that a caller has put together; None where nothing narrows.

    Raises:
        BadRequest: something unknown is named, or can't be read; or a masked token would change things.
    """
    allowed = _distinct(allow)
    permissions = _permissions(allowed, masked=masked)
    networks = [_network(text) for text in _distinct(addresses)]
    scope = Scope(
        permissions=permissions,
        networks=tuple(networks),
        allow=allowed,
        routes=_distinct(_operation(text) for text in routes),
        fields=_distinct(_field(text) for text in fields),
        addresses=tuple(str(network) for network in networks),
        purposes=_distinct(purpose_name(text) for text in purposes),
        masked=masked,
        limit=_limit(limit),
    )
    return scope if scope.text else None


@lru_cache(maxsize=1024)
def from_text(text: str) -> Scope:
    """The stored scope. Permissions that this release doesn't know are granted by nobody.

    Raises:
        ValueError, TypeError, KeyError: it wasn't written by `Scope.text`.
    """
    stored = orjson.loads(text)
    found = [permissions_named(name) for name in stored.get("allow", ())]
    masked = stored.get("masked", False)
    permissions = frozenset[Permission]().union(*filter(None, found)) if found else frozenset(Permission)
    return Scope(
        permissions=permissions & READ_MASKED if masked else permissions,
        networks=tuple(map(ip_network, stored.get("addresses", ()))),
        masked=masked,
        limit=parse_limit(stored["limit"]) if "limit" in stored else None,
        **{name: tuple(stored.get(name, ())) for name in _LISTS},
    )


def _distinct(texts: Iterable[str]) -> tuple[str, ...]:
    found = tuple(sorted({text.strip() for text in texts}))
    if len(found) > _MAX_ENTRIES:
        raise BadRequest(f"a scope has at most {_MAX_ENTRIES} entries of a kind")
    return found


def _permissions(names: tuple[str, ...], *, masked: bool) -> frozenset[Permission]:
    found: frozenset[Permission] = frozenset()
    for name in names:
        named = permissions_named(name)
        if named is None:
            raise BadRequest(f"there is no permission or role {name!r}")
        if masked and not named <= READ_MASKED:
            excess = ", ".join(sorted(named - READ_MASKED))
            raise BadRequest(f"a masked token only reads: {name!r} has {excess}")
        found |= named
    if not names:
        return READ_MASKED if masked else frozenset(Permission)
    return found


def _operation(text: str) -> str:
    wanted = text.strip()
    known = frozenset[str]().union(*(operations() for operations in known_operations))
    if wanted in known or any(operation.partition(" ")[2] == wanted for operation in known):
        return wanted
    raise BadRequest(f"there is no route {wanted!r}: write it as `GET /v1/user/{{mode}}/{{identity}}`")


def _field(text: str) -> str:
    wanted = text.strip()
    kind, colon, rest = wanted.partition(":")
    path = wanted
    if colon:
        if kind not in FIELD_KINDS:
            raise BadRequest(f"{wanted!r}: what stands before the colon is one of {', '.join(FIELD_KINDS)}")
        path = rest
        if kind == "app" and not _APP.fullmatch(rest.partition(".")[0]):
            raise BadRequest(f"{wanted!r} names no application: write it as app:shop or app:shop.size")
    if len(wanted) > _MAX_FIELD or not all(path.split(".")):
        raise BadRequest(f"{wanted!r} is no field: write it as email or name.first")
    return wanted


def _network(text: str) -> Network:
    try:
        return ip_network(text, strict=False)
    except ValueError:
        raise BadRequest(f"{text!r} is no address or network: write it as 192.0.2.7 or 10.0.0.0/8") from None


def _limit(text: str) -> Limit | None:
    if not text:
        return None
    try:
        return parse_limit(text)
    except ValueError as error:
        raise BadRequest(f"the limit can't be read: {error}") from None


def purpose_name(text: str) -> str:
    """A purpose in its one spelling.

    Raises:
        BadRequest: not a word of letters, digits, dots, hyphens and underscores.
    """
    name = text.strip().lower()
    if not _PURPOSE.fullmatch(name):
        raise BadRequest("a purpose is a word of up to 63 letters, digits, dots, hyphens and underscores")
    return name
