"""Do what an approved request asks for, and that alone."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.utils.translation import gettext_noop

from databunker import jsontext
from databunker.access.actor import Actor
from databunker.errors import Conflict, NotFound
from vault import actions as vault
from vault.app_records import find_app_record, open_app_data
from vault.records import OpenRecord

from ...models import RequestAction
from ...requests import Wish
from ...states import State
from ...touched import unchanged
from ..agreements import withdraw_agreement
from ..erasure import cools_off, schedule_found
from .withdrawing import agreement_of

__all__ = ["app_data_of", "apply_wish"]


def apply_wish(actor: Actor, record: OpenRecord, wish: Wish) -> UUID | None:
    """In the caller's transaction, with the record locked; the id of the receipt of a forgetting that is done now.

    Raises:
        Conflict: what the change touches is no longer as it was when the person asked.
    """
    who: dict[str, Any] = {"mode": "token", "identity": str(record.token)}
    if wish.action is RequestAction.FORGET_ME and cools_off():
        schedule_found(actor, record)
        return None
    if wish.action is RequestAction.FORGET_ME:
        return vault.forget_person(actor, **who).receipt
    if wish.action is RequestAction.CHANGE_PROFILE:
        _require_unchanged(record, record.profile(), wish)
        vault.change_record(actor, **who, change=wish.change)
    elif wish.action is RequestAction.CHANGE_APP_DATA:
        _require_unchanged(record, app_data_of(record, wish.app), wish)
        _apply_to_app(actor, who, wish)
    else:
        _require_unchanged(record, agreement_of(actor, record, wish.brief), wish)
        withdraw_agreement(actor, **who, brief=wish.brief, wish=wish.change or {})
    return None


def _apply_to_app(actor: Actor, who: dict[str, Any], wish: Wish) -> None:
    if wish.verb == "store":
        vault.store_app_data(actor, **who, app=wish.app, data=wish.change)
    elif wish.verb == "change":
        vault.change_app_data(actor, **who, app=wish.app, change=wish.change)
    else:
        vault.delete_app_data(actor, **who, app=wish.app)


def app_data_of(record: OpenRecord, app: str) -> Any:
    """What the application keeps about the person, or None."""
    try:
        return jsontext.loads(open_app_data(record, find_app_record(record, app)))
    except NotFound:
        return None


def _require_unchanged(record: OpenRecord, document: Any, wish: Wish) -> None:
    if not unchanged(document, wish.original, wish.paths):
        raise Conflict(
            gettext_noop("what the request would change has changed since: the request stays %(status)s"),
            places={"status": State.OPEN.label},
            subject=record.row.subject,
        )
