"""Recovery shares: people who together can open the keyring where the master key is lost."""

from __future__ import annotations

from itertools import islice

from audit import queries as trail_queries
from audit import trail
from databunker.access.actor import Actor
from databunker.access.permissions import Permission, require
from databunker.crypto import changing, recovery_copies, store
from databunker.crypto.errors import RecoveryError
from databunker.crypto.masterkey import MasterKey
from databunker.crypto.recovery import RecoverySecret
from databunker.db.statements import atomically, retrying
from vault import integrity

from .events import KEYRING_RECOVERED, SHARES_REPLACED

__all__ = ["has_shares", "recover_keyring", "replace_shares", "verify_shares"]


def has_shares() -> bool:
    """Whether there are shares that open the keyring."""
    return store.current_keyring().recovery is not None


def replace_shares(actor: Actor, secret: RecoverySecret, *, threshold: int, shares: int) -> None:
    """Have the shares of this secret open the keyring from now on. Those of an earlier split open nothing any more.

    To be called when people have their shares: what is split is nowhere else.

    Raises:
        AccessDenied: the actor may not.
        KeyringError, MasterKeyError: the keyring can't be opened.
    """
    require(actor, Permission.KEY_MANAGE)

    def attempt() -> None:
        with atomically():
            changing.replace_recovery_key(secret)
            trail.record(actor, SHARES_REPLACED, detail={"threshold": threshold, "shares": shares})

    retrying(attempt)
    store.read_again()


def verify_shares(secret: RecoverySecret) -> int:
    """How many keys these shares open. Changes nothing, and needs no master key.

    Raises:
        RecoveryError: they don't open each of them.
    """
    return len(recovery_copies.open_all(secret))


def recover_keyring(actor: Actor, secret: RecoverySecret, master: MasterKey) -> int:
    """Put the keyring under another master key without the present one; how many keys.

    All of it or nothing: the keys have to open what stands in the vault.

    Raises:
        AccessDenied: the actor may not.
        RecoveryError: the shares don't open the keyring, or that doesn't open the vault.
    """
    require(actor, Permission.KEY_MANAGE)
    store.forget_cached()
    try:
        with atomically():
            keys = changing.recover_keyring(secret, master)
            _require_that_they_open_the_vault()
            trail.record(actor, KEYRING_RECOVERED, detail={"keys": keys})
    finally:
        store.forget_cached()
    return keys


def _require_that_they_open_the_vault() -> None:
    """A look at the first records and events: keys of another vault open none of them.

    Raises:
        RecoveryError: the first ones are not as they were written.
    """
    problems = [problem for checked in islice(integrity.check_records(), 1) for problem in checked.problems]
    problems += [problem for _, found in islice(trail_queries.check_events(), 1) for problem in found]
    if problems:
        raise RecoveryError(f"the keys were opened, but they don't fit the vault: {problems[0]}. Nothing was changed")
