"""From the mode and identity of a call to what the database is asked for."""

from __future__ import annotations

from typing import Any, NamedTuple
from uuid import UUID

from django.utils.translation import gettext_noop

from databunker.crypto.encoding import pack
from databunker.errors import BadRequest
from databunker.ids import parse_token

from . import identities, references

__all__ = ["ByIdentity", "ByToken", "Lookup", "parse"]


class ByToken(NamedTuple):
    """The person with this token."""

    token: UUID
    subject: bytes

    def trace(self) -> dict[str, Any]:
        """Nothing: the event's subject says it all."""
        return {}


class ByIdentity(NamedTuple):
    """Whoever has this identity. `value` is normalised; only `digest` ever reaches the database."""

    field: identities.IdentityField
    value: str
    digest: bytes

    @property
    def plain(self) -> bytes:
        """The identity itself, for hashes that other keys make of it."""
        return pack([self.field.name.encode(), self.value.encode()])

    def digests(self, tenant: int) -> list[bytes]:
        """Under every index key that still lives, `digest` first."""
        return identities.identity_digests(self.field, self.value, tenant=tenant)

    def trace(self) -> dict[str, Any]:
        """For the event of a look-up that found the person: sealed under the person's key."""
        return {"mode": self.field.name, "identity": self.value}

    def trace_of_nobody(self) -> dict[str, Any]:
        """For the event of a look-up that found nobody.

        The value may be a forgotten person's, and no record key is left to seal it under; its keyed hash
        still lets an auditor confirm a known value.
        """
        return {"mode": self.field.name, "digest": self.digest.hex()}


Lookup = ByToken | ByIdentity


def parse(mode: str, identity: str, *, tenant: int) -> Lookup:
    """
    Raises:
        BadRequest: no such mode, no UUID where a token is wanted, or no telephone number.
    """
    if mode.lower() == "token":
        token = parse_token(identity)
        if token is None:
            raise BadRequest(gettext_noop("bad uuid"))
        return ByToken(token, references.subject_of(token, tenant=tenant))
    field = identities.field_named(mode)
    value = identities.normalised(field, identity)
    if not value:
        raise BadRequest(gettext_noop("%(field)s is empty"), places={"field": field.name})
    return ByIdentity(field, value, identities.identity_digest(field, value, tenant=tenant))
