"""The processing register: activities, and the legal bases that they rest on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_noop

from audit import trail
from databunker.access.actor import Actor
from databunker.access.permissions import Permission, require
from databunker.db.statements import atomically, retrying, retrying_if_taken
from databunker.errors import Conflict, NotFound, Outdated
from databunker.ids import unix_now

from ..bases import active_basis
from ..events import ACTIVITY_CHANGED, ACTIVITY_DELETED, ACTIVITY_LINKED, ACTIVITY_UNLINKED
from ..inputs import activity_name, brief_name, text_in
from ..models import ARTICLE_30, ActivityBasis, LegalBasis, ProcessingActivity
from ..scripts import check_script, fingerprint, link_mac, script_mac

__all__ = ["delete_activity", "link_basis", "save_activity", "unlink_basis"]

_NO_MAC = bytes(32)
_TEXTS = ("title", "script", "fulldesc", "applicableto", *ARTICLE_30)


def save_activity(
    actor: Actor,
    *,
    activity: str,
    wish: Mapping[str, Any],
    new: bool | None = None,
    seen: Mapping[str, Any] | None = None,
) -> None:
    """Create a processing activity, or change what `wish` gives of it; `activity` in the wish renames it.

    `legalbasis`, a comma list of briefs, replaces the legal bases that it rests on. `new` says whether there is none of
    this name yet; None: either. `seen` is what columns of it said to whoever changes it; None: whatever they say.

    Raises:
        AccessDenied: the actor may not.
        BadRequest: a field is of another type, or no name.
        NotFound: there is no such legal basis; or it isn't new, and there is no such activity.
        Conflict: the new name is another activity's.
        Outdated: it says something else than `seen` by now; nothing is changed.
        IntegrityFailure: its script was changed in the database, and `wish` says no other.
    """
    require(actor, Permission.ACTIVITY_CHANGE)
    name = activity_name(activity)
    renamed = text_in(wish, "activity")
    new_name = activity_name(renamed) if renamed else name
    texts = {field: text for field in _TEXTS if (text := text_in(wish, field)) is not None}
    briefs = _briefs(wish)

    def attempt() -> None:
        with atomically():
            row = _saved(actor, name, new_name, texts, new=new, seen=seen or {})
            detail = {"activity": name, "renamed": new_name, "script": fingerprint(row.script)}
            if briefs is not None:
                ActivityBasis.objects.filter(activity=row.id).delete()
                for brief in briefs:
                    _link(row, active_basis(actor.tenant, brief, shared_lock=True))
                detail["legalbasis"] = ",".join(briefs)
            trail.record(actor, ACTIVITY_CHANGED, detail=detail)

    retrying_if_taken(attempt)


def _briefs(wish: Mapping[str, Any]) -> list[str] | None:
    """The bases named, each once; None where nothing is said of them."""
    text = text_in(wish, "legalbasis")
    if text is None:
        return None
    return list(dict.fromkeys(brief_name(brief) for brief in text.split(",") if brief.strip()))


def _saved(
    actor: Actor, name: str, new_name: str, texts: dict[str, str], *, new: bool | None, seen: Mapping[str, Any]
) -> ProcessingActivity:
    now = unix_now()
    row = ProcessingActivity.objects.filter(tenant=actor.tenant, activity=name).select_for_update().first()
    if row is None and new is False:
        raise NotFound("processing activity not found")
    taken = ProcessingActivity.objects.filter(tenant=actor.tenant, activity=new_name)
    if (row is not None and new) or (new_name != name and taken.exists()):
        raise Conflict(gettext_noop("another processing activity has this name"))
    if row is None:
        row = ProcessingActivity(tenant=actor.tenant, activity=new_name, created=now, changed=now, mac=_NO_MAC)
        row.save()  # gives it the number that the MAC is over
    elif any(getattr(row, field) != value for field, value in seen.items()):
        raise Outdated
    elif "script" not in texts:
        check_script(row)
    for field, text in texts.items():
        setattr(row, field, text)
    row.activity, row.changed = new_name, now
    row.title = row.title or new_name
    row.mac = script_mac(row)
    row.save()
    return row


def _link(row: ProcessingActivity, basis: LegalBasis) -> None:
    told = {"tenant": row.tenant, "mac": link_mac(row, basis.id)}
    ActivityBasis.objects.update_or_create(activity=row.id, basis=basis.id, defaults=told)


def _locked(actor: Actor, name: str) -> ProcessingActivity:
    """
    Raises:
        NotFound: there is no such activity.
    """
    row = ProcessingActivity.objects.filter(tenant=actor.tenant, activity=name).select_for_update().first()
    if row is None:
        raise NotFound("processing activity not found")
    return row


def delete_activity(actor: Actor, *, activity: str) -> None:
    """
    Raises:
        AccessDenied: the actor may not.
        NotFound: there is no such activity.
    """
    require(actor, Permission.ACTIVITY_CHANGE)
    name = activity_name(activity)

    def attempt() -> None:
        with atomically():
            row = _locked(actor, name)
            ActivityBasis.objects.filter(activity=row.id).delete()
            row.delete()
            trail.record(actor, ACTIVITY_DELETED, detail={"activity": name})

    retrying(attempt)


def link_basis(actor: Actor, *, activity: str, brief: str) -> None:
    """Let an activity rest on a legal basis; nothing changes where it does already.

    Raises:
        AccessDenied: the actor may not.
        NotFound: there is no such activity, or no such legal basis.
        IntegrityFailure: the script was changed in the database.
    """
    require(actor, Permission.ACTIVITY_CHANGE)
    name, basis_name = activity_name(activity), brief_name(brief)

    def attempt() -> None:
        with atomically():
            row = _locked(actor, name)
            check_script(row)
            _link(row, active_basis(actor.tenant, basis_name, shared_lock=True))
            detail = {"activity": name, "brief": basis_name, "script": fingerprint(row.script)}
            trail.record(actor, ACTIVITY_LINKED, detail=detail)

    retrying(attempt)


def unlink_basis(actor: Actor, *, activity: str, brief: str) -> None:
    """Let an activity no longer rest on a legal basis; nothing changes where it doesn't.

    Raises:
        AccessDenied: the actor may not.
        NotFound: there is no such activity.
    """
    require(actor, Permission.ACTIVITY_CHANGE)
    name, basis_name = activity_name(activity), brief_name(brief)

    def attempt() -> None:
        with atomically():
            row = _locked(actor, name)
            numbers = LegalBasis.objects.filter(tenant=actor.tenant, brief=basis_name).values_list("id", flat=True)
            ActivityBasis.objects.filter(activity=row.id, basis__in=list(numbers)).delete()
            trail.record(actor, ACTIVITY_UNLINKED, detail={"activity": name, "brief": basis_name})

    retrying(attempt)
