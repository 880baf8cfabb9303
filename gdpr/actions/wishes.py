"""What callers ask of a person's data: done at once where they may, else asked of those who decide.

One function a verb, with the arguments of the vault's own; a person's wish that needs approval becomes a request.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.conf import settings
from django.utils.translation import gettext_noop

from databunker import jsontext
from databunker.access.actor import Actor, ActorKind
from databunker.access.permissions import Permission
from databunker.db.statements import atomically, retrying
from databunker.errors import Conflict, NeedsApproval, NotFound
from vault import actions as vault
from vault import lookups, patch
from vault.app_records import app_name, find_app_record, open_app_data
from vault.queries import find
from vault.records import OpenRecord

from ..inputs import brief_name, checked_reason
from ..models import RequestAction
from ..requests import Wish
from ..touched import Path, original_of, touched_paths
from .agreements import accept_agreement, withdraw_agreement
from .erasure import Scheduled, cools_off, schedule_erasure
from .requests import Done, Requested, open_request
from .requests.applying import app_data_of
from .requests.withdrawing import agreement_of

__all__ = [
    "Outcome",
    "agree",
    "change_app_data",
    "change_profile",
    "delete_app_data",
    "forget_me",
    "store_app_data",
    "withdraw",
]

Outcome = Done | Requested | Scheduled
_WHOLE: tuple[Path, ...] = ((),)
# Whose wish to forget somebody waits where there is a cooling-off time. An application that asks for it means now.
_MAY_WITHDRAW = frozenset({ActorKind.PERSON, ActorKind.ACCOUNT})


def change_profile(actor: Actor, *, mode: str, identity: str, change: Any, version: int | None = None) -> Outcome:
    """
    Raises:
        AccessDenied, NotFound, BadRequest, Conflict: see `vault.actions.change_record`, which also says what is
            refused at once; and `open_request`.
    """

    def wish(record: OpenRecord) -> Wish:
        record.require_version(version)
        before = vault.preview_change(record, change).before
        paths = tuple(touched_paths(before, change))
        original = original_of(before, paths)
        return Wish(RequestAction.CHANGE_PROFILE, change=change, paths=paths, original=original)

    try:
        return Done(vault.change_record(actor, mode=mode, identity=identity, change=change, version=version))
    except NeedsApproval:
        return _ask(actor, mode, identity, Permission.RECORD_CHANGE, wish)


def forget_me(actor: Actor, *, mode: str, identity: str, reason: Any = "") -> Outcome:
    """Forget the person now, or `Scheduled` when the cooling-off time is over, or ask for approval.

    `reason` stands in the event. That of a forgetting outlives the person, and holds nothing personal; that of an
    erasure that waits goes with the person. A request keeps none.

    Raises:
        AccessDenied, NotFound: see `vault.actions.forget_person`.
        BadRequest: no usable reason.
        ProcessingRestricted: to an application, see `vault.restriction`.
    """
    alone = actor.kind is not ActorKind.PERSON or settings.SELFSERVICE_FORGET_ME
    if alone and cools_off() and actor.kind in _MAY_WITHDRAW:
        return schedule_erasure(actor, mode=mode, identity=identity, reason=reason)
    text = checked_reason(reason)
    try:
        return Done(*vault.forget_person(actor, mode=mode, identity=identity, reason=text))
    except NeedsApproval:
        return _ask(actor, mode, identity, Permission.RECORD_FORGET, lambda _: Wish(RequestAction.FORGET_ME))


def store_app_data(actor: Actor, *, mode: str, identity: str, app: str, data: Any) -> Outcome:
    """
    Raises:
        AccessDenied, NotFound, BadRequest: see `vault.actions.store_app_data`.
        Conflict: see `open_request`.
    """

    def wish(record: OpenRecord) -> Wish:
        return _of_app(app, "store", data, _WHOLE, app_data_of(record, app_name(app)))

    try:
        return Done(vault.store_app_data(actor, mode=mode, identity=identity, app=app, data=data))
    except NeedsApproval:
        return _ask(actor, mode, identity, Permission.APP_CHANGE, wish)


def change_app_data(
    actor: Actor, *, mode: str, identity: str, app: str, change: Any, version: int | None = None
) -> Outcome:
    """
    Raises:
        AccessDenied, NotFound, BadRequest, Conflict: see `vault.actions.change_app_data`, and `open_request`.
    """

    def wish(record: OpenRecord) -> Wish:
        stored = find_app_record(record, app_name(app))
        if version is not None and version != stored.version:
            raise Conflict(gettext_noop("the data has changed meanwhile"), subject=record.row.subject)
        before = jsontext.loads(open_app_data(record, stored))
        patch.apply(before, change, max_bytes=settings.MAX_BODY_BYTES)
        paths = tuple(touched_paths(before, change))
        return _of_app(app, "change", change, paths, original_of(before, paths))

    try:
        done = vault.change_app_data(actor, mode=mode, identity=identity, app=app, change=change, version=version)
        return Done(done)
    except NeedsApproval:
        return _ask(actor, mode, identity, Permission.APP_CHANGE, wish)


def delete_app_data(actor: Actor, *, mode: str, identity: str, app: str) -> Outcome:
    """
    Raises:
        AccessDenied, NotFound: see `vault.actions.delete_app_data`.
        Conflict: see `open_request`.
    """

    def wish(record: OpenRecord) -> Wish:
        return _of_app(app, "delete", None, _WHOLE, _required(record, app))

    try:
        return Done(vault.delete_app_data(actor, mode=mode, identity=identity, app=app))
    except NeedsApproval:
        return _ask(actor, mode, identity, Permission.APP_CHANGE, wish)


def agree(actor: Actor, *, brief: str, mode: str, identity: str, wish: Mapping[str, Any]) -> Requested | None:
    """None: it was done.

    Raises:
        AccessDenied, NotFound, BadRequest, TextsChanged: see `accept_agreement`.
        Conflict: see `open_request`.
    """
    try:
        accept_agreement(actor, brief=brief, mode=mode, identity=identity, wish=wish)
    except NeedsApproval:
        return _ask_to_withdraw(actor, brief, mode, identity, wish)
    return None


def withdraw(actor: Actor, *, brief: str, mode: str, identity: str, wish: Mapping[str, Any]) -> Requested | None:
    """None: it was done.

    Raises:
        AccessDenied, NotFound, BadRequest: see `withdraw_agreement`.
        Conflict: see `open_request`.
    """
    try:
        withdraw_agreement(actor, brief=brief, mode=mode, identity=identity, wish=wish)
    except NeedsApproval:
        return _ask_to_withdraw(actor, brief, mode, identity, wish)
    return None


def _ask_to_withdraw(actor: Actor, brief: str, mode: str, identity: str, said: Mapping[str, Any]) -> Requested:
    name = brief_name(brief)

    def wish(record: OpenRecord) -> Wish:
        original = agreement_of(actor, record, name)
        change = dict(said) or None
        return Wish(RequestAction.AGREEMENT_WITHDRAW, brief=name, change=change, paths=_WHOLE, original=original)

    return _ask(actor, mode, identity, Permission.AGREEMENT_CHANGE, wish)


def _ask(
    actor: Actor, mode: str, identity: str, permission: Permission, wish_of: Callable[[OpenRecord], Wish]
) -> Requested:
    """Open the request that `wish_of` makes of the record, with the record locked so that it can't be forgotten."""
    lookup = lookups.parse(mode, identity, tenant=actor.tenant)

    def attempt() -> Requested:
        with atomically():
            record = find(actor, lookup, permission, lock=True)
            record.require_active()
            return open_request(actor, record, wish_of(record), trace=lookup.trace())

    return retrying(attempt)


def _of_app(app: str, verb: str, change: Any, paths: tuple[Path, ...], original: Any) -> Wish:
    return Wish(
        RequestAction.CHANGE_APP_DATA, app=app_name(app), verb=verb, change=change, paths=paths, original=original
    )


def _required(record: OpenRecord, app: str) -> Any:
    """
    Raises:
        NotFound: the application keeps nothing about the person.
    """
    found = app_data_of(record, app_name(app))
    if found is None:
        raise NotFound("not found", subject=record.row.subject)
    return found
