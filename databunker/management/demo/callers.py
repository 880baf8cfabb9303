"""Who acts in the demonstration: applications by their tokens, accounts by their roles, people themselves."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from databunker.access import scopes, tokens
from databunker.access.actor import Actor, ActorKind, operator
from databunker.access.models import TokenKind
from databunker.accounts import rows
from databunker.accounts.actions import create_account
from databunker.ids import unix_now
from vault import references
from vault.actions import issue_token

__all__ = ["account", "application", "person"]

_DAY = 86_400


def application(label: str, *, allow: list[str], days: int | None = None, masked: bool = False) -> Actor:
    """An application with an access token of its own, which nobody has: it was shown to nobody."""
    scope = scopes.make(allow=allow, masked=masked)
    expires = unix_now() + days * _DAY if days else None
    text, _ = issue_token(operator(), kind=TokenKind.ADMIN, label=label, expires=expires, scope=scope)
    grant = tokens.lookup(text)
    if grant is None:
        raise RuntimeError("a token that was just made is not there")
    return Actor(ActorKind.ADMIN, grant.tenant, grant.token_id, scope=grant.scope)


def account(name: str, *, role: str, shown: str, password: str) -> Actor:
    made = create_account(operator(), name=name, role=role, display_name=shown, password=password)
    return rows.by_id(made.id, tenant=operator().tenant).actor(operator())


def person(token: UUID) -> Actor:
    """Somebody at the portal."""
    caller = operator()
    return replace(caller, kind=ActorKind.PERSON, subject=references.subject_of(token, tenant=caller.tenant))
