"""Give a vault a past: what happens is put in the order of time, and then done with the clock put back."""

from __future__ import annotations

from django.conf import settings

from audit.sealing import seal_everything
from databunker.access.actor import Actor, operator
from databunker.access.roles import Role
from databunker.accounts.models import Account
from databunker.accounts.queries import find_account
from databunker.errors import NotFound
from databunker.ids import clock_at, unix_now
from vault.models import Record

from .callers import account
from .scene import Cast
from .story import BEGINNING_DAYS, happenings

__all__ = ["ACCOUNTS", "PASSWORD", "NotADemo", "furnish", "is_furnished"]

PASSWORD = "a-vault-to-try-out"  # noqa: S105 - of the demonstration, for everybody
ACCOUNTS = {
    "dora": (Role.DPO, "Dora, data protection"),
    "sue": (Role.SUPPORT, "Sue, support"),
    "otto": (Role.AUDITOR, "Otto, audit"),
}
_DAY = 86_400


class NotADemo(Exception):
    """The vault is for something else. The text says how one can see that."""


def is_furnished() -> bool:
    """Whether all of it was done; the auditor's account comes last."""
    try:
        find_account(operator(), name=list(ACCOUNTS)[-1])
    except NotFound:
        return False
    return bool(settings.DATABUNKER_DEMO)


def furnish() -> bool:
    """Whether there was anything to do: False where it was done before.

    Raises:
        NotADemo: the settings don't say that the vault is a demonstration, or there is somebody in it already.
    """
    if not settings.DATABUNKER_DEMO:
        raise NotADemo("DATABUNKER_DEMO is not set: this is no vault for a demonstration")
    if is_furnished():
        return False
    if Record.objects.exists() or Account.objects.filter(role=Role.DPO.value).exists():
        raise NotADemo("there is somebody in the vault already, or half a demonstration: begin with an empty one")
    now = unix_now()
    with clock_at(now - BEGINNING_DAYS * _DAY):
        officer = _account("dora")
        support = _account("sue")
    cast = Cast(officer, support)
    for happening in happenings(now):
        with clock_at(happening.at):
            happening.act(cast)
    seal_everything(tell=lambda _: None)
    _account(list(ACCOUNTS)[-1])
    return True


def _account(name: str) -> Actor:
    role, shown = ACCOUNTS[name]
    return account(name, role=role.value, shown=shown, password=PASSWORD)
