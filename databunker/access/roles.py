"""Named groups of permissions: what a kind of work needs, for access tokens and for accounts alike.

A scope names the role, not what was in it at the time: what a later release adds to a role, its holders get.
"""

from __future__ import annotations

import enum

from .permissions import Permission

__all__ = ["PERMISSIONS_OF", "Role", "permissions_named"]


class Role(enum.StrEnum):
    """Names stand in stored scopes: never change or reuse one."""

    READER = "reader"  # an application that shows people's data
    WRITER = "writer"  # an application that also takes it in
    SUPPORT = "support"  # answers people's questions
    AUDITOR = "auditor"  # sees what was done, not whose data it was
    DPO = "dpo"  # the data protection officer
    ADMIN = "admin"  # everything


_READER = frozenset(
    {
        Permission.RECORD_READ,
        Permission.APP_READ,
        Permission.SESSION_READ,
        Permission.AGREEMENT_READ,
        Permission.RETENTION_READ,
        Permission.RIGHTS_READ,
        Permission.REQUEST_READ,
    }
)
_REGISTERS = frozenset({Permission.LEGAL_BASIS_READ, Permission.ACTIVITY_READ})

PERMISSIONS_OF: dict[Role, frozenset[Permission]] = {
    Role.READER: _READER,
    Role.WRITER: _READER
    | {
        Permission.RECORD_CREATE,
        Permission.RECORD_CHANGE,
        Permission.APP_CHANGE,
        Permission.SESSION_CHANGE,
        Permission.AGREEMENT_CHANGE,
    },
    Role.SUPPORT: _READER | {Permission.REQUEST_LIST, Permission.AUDIT_READ},
    Role.AUDITOR: _REGISTERS
    | {
        Permission.REQUEST_READ,  # with values masked: gdpr.requests.looking
        Permission.REQUEST_LIST,
        Permission.AUDIT_READ,
        Permission.AUDIT_LIST_ALL,
        Permission.APP_LIST_ALL,
        Permission.METRICS_READ,
        Permission.CONFIGURATION_READ,
        Permission.ACCOUNT_READ,
    },
    Role.DPO: _READER
    | _REGISTERS
    | {
        Permission.RECORD_CHANGE,
        Permission.RECORD_FORGET,
        Permission.APP_CHANGE,
        Permission.APP_LIST_ALL,
        Permission.SESSION_END,
        Permission.SHARE_MANAGE,
        Permission.REPORT_READ,
        Permission.RETENTION_MANAGE,
        Permission.RIGHTS_CHANGE,
        Permission.REQUEST_LIST,
        Permission.REQUEST_DECIDE,
        Permission.REQUEST_CANCEL,
        Permission.LEGAL_BASIS_CHANGE,
        Permission.AGREEMENT_CHANGE,
        Permission.AGREEMENT_REVOKE_ALL,
        Permission.ACTIVITY_CHANGE,
        Permission.AUDIT_READ,
        Permission.AUDIT_LIST_ALL,
        Permission.INCIDENT_MANAGE,
        Permission.CONFIGURATION_READ,
    },
    Role.ADMIN: frozenset(Permission),
}


def permissions_named(name: str) -> frozenset[Permission] | None:
    """What a permission's or a role's name stands for; None: nothing."""
    if name in _ROLES:
        return PERMISSIONS_OF[Role(name)]
    return frozenset({Permission(name)}) if name in _PERMISSIONS else None


_ROLES = frozenset(role.value for role in Role)
_PERMISSIONS = frozenset(permission.value for permission in Permission)
