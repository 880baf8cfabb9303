"""Who may do what, as one table. Whatever is not in it is refused."""

from __future__ import annotations

import enum

from databunker.errors import AccessDenied

from .actor import Actor, ActorKind

__all__ = ["Permission", "allowed", "require", "require_some"]


class Permission(enum.StrEnum):
    RECORD_CREATE = "record.create"
    RECORD_READ = "record.read"
    RECORD_CHANGE = "record.change"
    RECORD_FORGET = "record.forget"
    RECORD_LIST = "record.list"
    APP_READ = "app.read"
    APP_CHANGE = "app.change"
    APP_LIST_ALL = "app.list_all"
    SESSION_READ = "session.read"
    SESSION_CHANGE = "session.change"
    SHARE_MANAGE = "share.manage"
    AUDIT_READ = "audit.read"
    AUDIT_LIST_ALL = "audit.list_all"
    METRICS_READ = "metrics.read"
    TOKEN_MANAGE = "token.manage"  # noqa: S105 - a permission's name


# A person's permissions reach no further than the person's own record and events.
OWN_ONLY = frozenset(
    {
        Permission.RECORD_READ,
        Permission.RECORD_CHANGE,
        Permission.RECORD_FORGET,
        Permission.APP_READ,
        Permission.APP_CHANGE,
        Permission.SESSION_READ,
        Permission.SHARE_MANAGE,
        Permission.AUDIT_READ,
    }
)
_EVERYTHING = frozenset(Permission)

GRANTED: dict[ActorKind, frozenset[Permission]] = {
    ActorKind.ANYONE: frozenset(),
    ActorKind.ROOT: _EVERYTHING,
    ActorKind.ADMIN: _EVERYTHING,
    ActorKind.OPERATOR: _EVERYTHING,
    ActorKind.PERSON: OWN_ONLY,
}


def allowed(actor: Actor, permission: Permission, *, subject: bytes | None = None) -> bool:
    """Whether `actor` may do this, to `subject` where a person is concerned."""
    if permission not in GRANTED[actor.kind]:
        return False
    return actor.kind is not ActorKind.PERSON or (subject is not None and subject == actor.subject)


def require(actor: Actor, permission: Permission, *, subject: bytes | None = None) -> None:
    """
    Raises:
        AccessDenied: see `allowed`.
    """
    if not allowed(actor, permission, subject=subject):
        raise AccessDenied(subject=subject)


def require_some(actor: Actor, permission: Permission) -> None:
    """
    Raises:
        AccessDenied: callers of this kind never have `permission`, whoever is concerned.
    """
    if permission not in GRANTED[actor.kind]:
        raise AccessDenied
