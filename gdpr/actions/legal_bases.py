"""Legal bases: created, changed with a new version of their texts, renamed, deleted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from django.utils.translation import gettext_noop

from audit import trail
from databunker.access.actor import Actor
from databunker.access.permissions import Permission, require
from databunker.db.statements import atomically, retrying, retrying_if_taken
from databunker.errors import BadRequest, Conflict, NotFound, Outdated
from databunker.ids import unix_now

from ..bases import Texts, current_texts, text_mac
from ..consent_storage import revoke_all
from ..events import LEGAL_BASIS_CHANGED, LEGAL_BASIS_DELETED
from ..inputs import brief_name, flag_in, text_in
from ..models import ActivityBasis, Agreement, BasisStatus, BasisType, ExercisedRight, LegalBasis, LegalBasisText
from .agreements import lock_basis, tell_revoked

__all__ = ["delete_legal_basis", "ensure_default_bases", "save_legal_basis"]

_MAX_MODULE = 64
_FIELDS = ("brief", "module", "basistype", "usercontrol", "requiredflag")


class _Wish(NamedTuple):
    """None: stays as it is."""

    brief: str
    module: str | None
    basistype: BasisType | None
    usercontrol: bool | None
    requiredflag: bool | None
    texts: dict[str, str]


def save_legal_basis(
    actor: Actor,
    *,
    brief: str,
    wish: Mapping[str, Any],
    new: bool | None = None,
    seen: Mapping[str, Any] | None = None,
) -> None:
    """Create a legal basis, or change what `wish` gives of it; `brief` in the wish renames it.

    New texts are a new version: who has agreed to the old ones is known to have agreed to those. A deleted basis
    becomes active again; agreements that were revoked stay revoked. `new` says whether there is none of this name yet;
    None: either. `seen` is what columns and texts of it said to whoever changes it; None: whatever they say.

    Raises:
        AccessDenied: the actor may not.
        BadRequest: a field is of another type, or no name.
        Conflict: the new name is another basis's.
        NotFound: it isn't new, and there is none.
        Outdated: it says something else than `seen` by now; nothing is changed.
    """
    require(actor, Permission.LEGAL_BASIS_CHANGE)
    name = brief_name(brief)
    wanted = _read(wish, name)

    def attempt() -> None:
        with atomically():
            _save(actor, name, wanted, new=new, seen=seen or {})

    retrying_if_taken(attempt)


def _read(wish: Mapping[str, Any], name: str) -> _Wish:
    renamed = text_in(wish, "brief")
    texts = {field: text for field in Texts._fields if (text := text_in(wish, field)) is not None}
    return _Wish(
        brief=brief_name(renamed) if renamed else name,
        module=text_in(wish, "module", longest=_MAX_MODULE),
        basistype=_basis_type(wish),
        usercontrol=flag_in(wish, "usercontrol"),
        requiredflag=flag_in(wish, "requiredflag"),
        texts=texts,
    )


def _basis_type(wish: Mapping[str, Any]) -> BasisType | None:
    text = text_in(wish, "basistype")
    if not text:
        return None
    try:
        return BasisType(text.lower())
    except ValueError:
        raise BadRequest(f"basistype must be one of {', '.join(BasisType.values)}") from None


def _save(actor: Actor, name: str, wanted: _Wish, *, new: bool | None, seen: Mapping[str, Any]) -> None:
    now = unix_now()
    row = LegalBasis.objects.filter(tenant=actor.tenant, brief=name).select_for_update().first()
    if row is None and new is False:
        raise NotFound("legal basis not found")
    taken = LegalBasis.objects.filter(tenant=actor.tenant, brief=wanted.brief)
    if (row is not None and new) or (wanted.brief != name and taken.exists()):
        raise Conflict(gettext_noop("another legal basis has this brief"))
    texts = current_texts([row])[row.id] if row else Texts()
    if row is None:
        row = LegalBasis(tenant=actor.tenant, text_version=0, created=now)
    elif any(getattr(texts if field in texts._fields else row, field) != value for field, value in seen.items()):
        raise Outdated
    for field in _FIELDS:
        value = getattr(wanted, field)
        if value is not None:
            setattr(row, field, value)
    row.status, row.changed = BasisStatus.ACTIVE, now
    wished = texts._replace(**wanted.texts)
    changed = wished != texts or not row.text_version
    row.text_version += changed
    row.save()
    if changed:
        _keep_texts(row, wished, now)
    detail = {"brief": name, "renamed": wanted.brief, "text_version": row.text_version}
    trail.record(actor, LEGAL_BASIS_CHANGED, detail=detail)


def _keep_texts(row: LegalBasis, texts: Texts, now: int) -> None:
    mac = text_mac(tenant=row.tenant, basis=row.id, version=row.text_version, created=now, texts=texts)
    kept = LegalBasisText(
        tenant=row.tenant, basis=row.id, version=row.text_version, created=now, mac=mac, **texts._asdict()
    )
    LegalBasisText.objects.bulk_create([kept])


def delete_legal_basis(actor: Actor, *, brief: str) -> None:
    """Remove a legal basis that nobody ever agreed to, and nobody objects to. Else it stays, deleted, for the history
    of those who did, and their agreements are revoked. No processing activity rests on it any longer.

    Raises:
        AccessDenied: the actor may not.
        NotFound: there is no such basis.
    """
    require(actor, Permission.LEGAL_BASIS_CHANGE)
    name = brief_name(brief)

    def attempt() -> None:
        with atomically():
            row = lock_basis(actor, name)
            ActivityBasis.objects.filter(tenant=row.tenant, basis=row.id).delete()
            revoked = 0
            of_people = {"tenant": row.tenant, "basis": row.id}
            if Agreement.objects.filter(**of_people).exists() or ExercisedRight.objects.filter(**of_people).exists():
                revoked = revoke_all(actor, row.id, now=unix_now())
                tell_revoked(row, revoked)
                row.status, row.changed = BasisStatus.DELETED, unix_now()
                row.save()
            else:
                LegalBasisText.objects.filter(basis=row.id).delete()
                row.delete()
            trail.record(actor, LEGAL_BASIS_DELETED, detail={"brief": name, "agreements": revoked})

    retrying(attempt)


# What the product itself asks people for.
_DEFAULTS: dict[str, dict[str, Any]] = {
    "core-send-email-on-login": {
        "shortdesc": "Send me an e-mail with a code when I log in",
        "fulldesc": "The code proves that you are the one who logs in. It is sent to your e-mail address.",
        "requiredmsg": "Without it you can't log in by e-mail.",
    },
    "core-send-sms-on-login": {
        "shortdesc": "Send me a text message with a code when I log in",
        "fulldesc": "The code proves that you are the one who logs in. It is sent to your telephone number.",
        "requiredmsg": "Without it you can't log in by telephone number.",
    },
}


def ensure_default_bases(actor: Actor) -> None:
    """Create the two bases that the log-in of people needs, where the actor's tenant has never had them.

    What somebody has changed or deleted since stays so.
    """
    for brief, texts in _DEFAULTS.items():
        if not LegalBasis.objects.filter(tenant=actor.tenant, brief=brief).exists():
            flags = {"module": "login", "usercontrol": True, "requiredflag": True}
            save_legal_basis(actor, brief=brief, wish={**flags, **texts})
