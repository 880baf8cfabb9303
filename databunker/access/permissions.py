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
    SESSION_END = "session.end"
    SHARE_MANAGE = "share.manage"
    REPORT_READ = "report.read"
    RETENTION_READ = "retention.read"
    RETENTION_MANAGE = "retention.manage"
    RIGHTS_READ = "rights.read"
    RIGHTS_CHANGE = "rights.change"
    REQUEST_READ = "request.read"
    REQUEST_CANCEL = "request.cancel"
    REQUEST_LIST = "request.list"
    REQUEST_DECIDE = "request.decide"
    LEGAL_BASIS_READ = "lbasis.read"
    LEGAL_BASIS_CHANGE = "lbasis.change"
    AGREEMENT_READ = "agreement.read"
    AGREEMENT_CHANGE = "agreement.change"
    AGREEMENT_REVOKE_ALL = "agreement.revoke_all"
    ACTIVITY_READ = "pactivity.read"
    ACTIVITY_CHANGE = "pactivity.change"
    AUDIT_READ = "audit.read"
    AUDIT_LIST_ALL = "audit.list_all"
    INCIDENT_MANAGE = "incident.manage"
    METRICS_READ = "metrics.read"
    NOTIFICATION_MANAGE = "notification.manage"
    BACKUP_CREATE = "backup.create"
    ERASURE_MANAGE = "erasure.manage"
    CONFIGURATION_READ = "configuration.read"
    KEY_MANAGE = "key.manage"
    TOKEN_MANAGE = "token.manage"  # noqa: S105 - a permission's name
    ACCOUNT_READ = "account.read"
    ACCOUNT_MANAGE = "account.manage"


# A person's permissions reach no further than the person's own record and events.
OWN_ONLY = frozenset(
    {
        Permission.RECORD_READ,
        Permission.RECORD_CHANGE,
        Permission.RECORD_FORGET,
        Permission.APP_READ,
        Permission.APP_CHANGE,
        Permission.SESSION_READ,
        Permission.SESSION_END,
        Permission.SHARE_MANAGE,
        Permission.REPORT_READ,
        Permission.RETENTION_READ,
        Permission.RIGHTS_READ,
        Permission.RIGHTS_CHANGE,
        Permission.REQUEST_READ,
        Permission.REQUEST_CANCEL,
        Permission.AGREEMENT_READ,
        Permission.AGREEMENT_CHANGE,
        Permission.AUDIT_READ,
    }
)
_EVERYTHING = frozenset(Permission)

GRANTED: dict[ActorKind, frozenset[Permission]] = {
    ActorKind.ANYONE: frozenset(),
    ActorKind.ROOT: _EVERYTHING,
    ActorKind.ADMIN: _EVERYTHING,
    ActorKind.OPERATOR: _EVERYTHING,
    # Narrowed by the scope of the account's role (databunker.accounts.rows).
    ActorKind.ACCOUNT: _EVERYTHING,
    ActorKind.PERSON: OWN_ONLY,
}


def allowed(actor: Actor, permission: Permission, *, subject: bytes | None = None) -> bool:
    """Whether `actor` may do this, to `subject` where a person is concerned."""
    if not _granted(actor, permission):
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
        AccessDenied: this caller never has `permission`, whoever is concerned.
    """
    if not _granted(actor, permission):
        raise AccessDenied


def _granted(actor: Actor, permission: Permission) -> bool:
    """A scope takes away from what the kind of caller may do, and adds nothing."""
    scope = actor.scope
    if scope is None:
        return permission in GRANTED[actor.kind] and actor.kind is not ActorKind.ACCOUNT
    return permission in GRANTED[actor.kind] and permission in scope.permissions
