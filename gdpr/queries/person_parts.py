"""What is kept of a person beside the profile, for the pages about one person: masked whoever looks."""

from __future__ import annotations

from typing import Any, NamedTuple

import orjson

from audit import trail
from databunker import jsontext
from databunker.access.actor import Actor
from databunker.access.permissions import Permission, allowed
from vault import lookups, masking
from vault.queries import everything_of, find
from vault.shares import Terms

from ..events import PERSON_DATA_LOOKED_AT
from .sign_ins import SignInView, sign_ins_of

__all__ = ["MOST_SHOWN", "AppSeen", "PersonData", "SessionSeen", "ShareSeen", "look_at_data"]

# Of each kind, the newest; the report has all.
MOST_SHOWN = 50


class AppSeen(NamedTuple):
    """What one application keeps, masked; times are Unix seconds."""

    app: str
    data: Any
    created: int
    changed: int


class SessionSeen(NamedTuple):
    """An application's session, masked and without its id, which lets in whoever knows it."""

    data: Any
    stored: int
    expires: int


class ShareSeen(NamedTuple):
    """What is shared, without its id, for which the data is to be had."""

    terms: Terms
    created: int
    expires: int


class PersonData(NamedTuple):
    """Sessions, sign-ins and shares are those that haven't ended; None: the actor may not see of them."""

    apps: list[AppSeen]
    sessions: list[SessionSeen] | None
    sign_ins: list[SignInView] | None
    shares: list[ShareSeen] | None


def look_at_data(actor: Actor, *, token: str) -> PersonData:
    """
    Raises:
        BadRequest: no UUID.
        AccessDenied: the actor may not see applications' data.
        NotFound: there is no such person.
    """
    record = find(actor, lookups.parse("token", token, tenant=actor.tenant), Permission.APP_READ)
    trail.record(actor, PERSON_DATA_LOOKED_AT, subject=record.row.subject, sealer=record.key)
    kept = everything_of(actor, record, most=MOST_SHOWN)
    sees_sessions = allowed(actor, Permission.SESSION_READ, subject=record.row.subject)
    sessions = [
        SessionSeen(masking.masked(jsontext.loads(one.data_json)), one.stored.stored, one.stored.expires)
        for one in kept.sessions
    ]
    return PersonData(
        [AppSeen(one.app, masking.masked(_value(one.data)), one.created, one.changed) for one in kept.apps],
        sessions if sees_sessions else None,
        sign_ins_of(actor, record) if sees_sessions else None,
        [ShareSeen(one.terms, one.stored.created, one.stored.expires) for one in kept.shares]
        if allowed(actor, Permission.SHARE_MANAGE, subject=record.row.subject)
        else None,
    )


def _value(data: orjson.Fragment) -> Any:
    return jsontext.loads(orjson.dumps(data))
