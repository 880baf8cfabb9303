"""A request and its person, held until the transaction ends."""

from __future__ import annotations

from databunker.access.actor import Actor
from databunker.access.permissions import Permission, require
from databunker.errors import NotFound
from vault.queries import find_subject

from ...models import Request
from ...requests import OpenRequest, parse_request_token, request_digest

__all__ = ["lock_request"]


def lock_request(actor: Actor, *, rtoken: str, permission: Permission) -> OpenRequest:
    """The request, which nobody else moves, of a person whom nobody else changes or forgets meanwhile.

    The person comes first and the request second for all who lock both, so that they can't wait for each other.

    Raises:
        BadRequest: no UUID.
        AccessDenied: the actor may not; a person learns no more about requests of others.
        NotFound: there is no such request.
    """
    digest = request_digest(parse_request_token(rtoken), tenant=actor.tenant)
    subject = Request.objects.filter(tenant=actor.tenant, digest=digest).values_list("subject", flat=True).first()
    if subject is None:
        require(actor, permission)
        raise NotFound("not found")
    holder = find_subject(actor, bytes(subject), permission, lock=True)
    return OpenRequest(Request.objects.select_for_update().get(tenant=actor.tenant, digest=digest), holder)
