"""What somebody does with the own account."""

from __future__ import annotations

from dataclasses import replace

from audit import trail
from databunker.access.actor import Actor, ActorKind
from databunker.db.statements import atomically
from databunker.errors import AccessDenied, NotFound

from .. import limits, passwords, rows, second_factor, sessions
from ..events import CONFIRMED, PASSWORD_CHANGED, RECOVERY_CODES_MADE, SECOND_FACTOR_SET, SESSION_REVOKED
from ..rows import OpenAccount
from .sign_in import check_password, check_second_factor

__all__ = ["change_password", "confirm", "make_recovery_codes", "revoke_session", "set_second_factor"]


def own_account(actor: Actor, *, lock: bool = False) -> OpenAccount:
    """
    Raises:
        AccessDenied: the actor is no account.
    """
    if actor.kind is not ActorKind.ACCOUNT or actor.token_id is None:
        raise AccessDenied
    return rows.by_id(actor.token_id, tenant=actor.tenant, lock=lock)


def confirm(actor: Actor, *, password: str, code: str) -> None:
    """Prove once more who it is: by password, and by second factor where the account has one.

    Raises:
        AccessDenied: one of them is wrong.
        Throttled: too many tries.
    """
    account = own_account(actor)
    if account.private.password:
        check_password(actor, name=account.private.name, password=password)
    if account.has_second_factor:
        check_second_factor(actor, account=account, code=code)
    elif not account.private.password:
        raise AccessDenied
    limits.forgive(actor, who=account.row.digest)
    trail.record(actor, CONFIRMED)


def change_password(actor: Actor, *, old: str, new: str, keep: str) -> None:
    """Change the own password; every other session than the one with the id `keep` ends.

    Raises:
        AccessDenied: `old` is wrong.
        WeakPassword: `new` will not do.
        Throttled: too many tries.
    """
    account = own_account(actor)
    check_password(actor, name=account.private.name, password=old)
    passwords.require_good(new, names=(account.private.name, account.private.display_name, old))
    hashed = passwords.hashed(new)  # before anything is locked: it takes its time
    with atomically():
        account = own_account(actor, lock=True)
        rows.save(account, private=replace(account.private, password=hashed, first=False))
        ended = sessions.end_sessions_of(account.id, tenant=actor.tenant, keep=keep)
        trail.record(actor, PASSWORD_CHANGED, detail={"sessions_ended": ended})
        limits.forgive(actor, who=account.row.digest)


def set_second_factor(actor: Actor, *, secret: bytes, code: str) -> list[str]:
    """Make `secret` the second factor of the own account, once a code shows that an app has it; new recovery codes.

    Raises:
        AccessDenied: the code is not of this secret.
    """
    step = second_factor.step_of(secret, code)
    if step is None:
        raise AccessDenied
    with atomically():
        account = own_account(actor, lock=True)
        rows.save(account, private=replace(account.private, totp=secret.hex()), totp_step=step)
        trail.record(actor, SECOND_FACTOR_SET)
        return second_factor.new_recovery_codes(account.row)


def make_recovery_codes(actor: Actor) -> list[str]:
    """New ones for the own account; the old ones are no good any more."""
    with atomically():
        account = own_account(actor, lock=True)
        trail.record(actor, RECOVERY_CODES_MADE)
        return second_factor.new_recovery_codes(account.row)


def revoke_session(actor: Actor, *, session: str) -> None:
    """End a session of the own account, by its id.

    Raises:
        NotFound: the account has no such session.
    """
    account = own_account(actor)
    with atomically():
        if not sessions.end_sessions_of(account.id, tenant=actor.tenant, only=session):
            raise NotFound("session not found")
        trail.record(actor, SESSION_REVOKED)
