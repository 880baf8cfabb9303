"""How the pages' forms are filled in so that they do something: for tests that send all of them."""

from __future__ import annotations

from typing import Any

from .conftest import PASSWORD

__all__ = ["FORMS", "filled"]

_REASON = {"reason": "a letter"}
_BASIS = {"brief": "new", "basistype": "consent", "shortdesc": "New"}
_ACTIVITY = {"activity": "new", "title": "New"}
_FIND = {"mode": "login", "identity": "ann"}


def _field(pointer: str) -> str:
    """As the portal's form names the value at this place of a document."""
    return f"v{pointer.encode().hex()}"


# By route; what is not here is sent as an empty form, which is all that a button sends.
FORMS: dict[str, dict[str, Any]] = {
    "console/sign-in": {"name": "ada", "password": "quite another sentence"},
    "console/sign-in/root": {"token": "3d2f9a54-6c1e-4b0f-9a77-5f3f0a1c2b4d"},
    "console/confirm": {"password": "quite another sentence", "code": "000000"},
    "console/me/password": {"old": PASSWORD, "new": "quite another sentence", "again": "quite another sentence"},
    "console/me/second-factor": {"code": "000000"},
    "console/requests/find": _FIND,
    "console/requests/together/<slug:kind>": {**_REASON, "sure": "on"},
    "console/requests/<uuid:rtoken>/assign": {"account": ""},
    "console/requests/<uuid:rtoken>/comment": {"comment": "They have written."},
    "console/requests/<uuid:rtoken>/<slug:step>": _REASON,
    "console/people": _FIND,
    "console/people/<uuid:person>/reveal": {"purpose": "a call", "field": "/login", "everything": ""},
    "console/people/<uuid:person>/report": {"purpose": "a letter", "form": "json"},
    "console/people/<uuid:person>/data/reveal": {"purpose": "a call", "app": "shop"},
    "console/people/<uuid:person>/object": {**_REASON, "brief": ""},
    "console/people/<uuid:person>/object/withdraw": {**_REASON, "brief": ""},
    "console/people/<uuid:person>/expire": {**_REASON, "day": "2030-01-01"},
    "console/people/<uuid:person>/expire/cancel": _REASON,
    "console/people/<uuid:person>/edit": _REASON,
    "console/people/<uuid:person>/edit/preview": {**_REASON, "version": "1", "new_path": "a", "new_value": "b"},
    "console/people/<uuid:person>/edit/save": {**_REASON, "version": "1", "new_path": "a", "new_value": "b"},
    "console/people/<uuid:person>/restrict": {**_REASON, "ground": "accuracy"},
    "console/people/<uuid:person>/lift": _REASON,
    "console/people/<uuid:person>/erase": {"token": "", **_REASON},
    "console/audit/find": _FIND,
    "console/bases/new": _BASIS,
    "console/bases/<int:basis>/edit": _BASIS,
    "console/bases/<int:basis>/delete": {"brief": "news"},
    "console/bases/<int:basis>/revoke": {"brief": "news", **_REASON},
    "console/activities/new": _ACTIVITY,
    "console/activities/<int:activity>/edit": _ACTIVITY,
    "console/activities/<int:activity>/link": {"brief": "offers"},
    "console/activities/<int:activity>/unlink": {"brief": "news"},
    "console/accounts/new": {"name": "eve", "display_name": "Eve", "role": "support"},
    "console/accounts/<int:account>/role": {"role": "auditor"},
    "console/tokens/new": {"label": "shop", "role": "reader", "days": "30"},
    "console/keys/rotate": {"purpose": "data"},
    "console/keys/<int:key>/retire": {"sure": "on"},
    "console/messages/retry": {"all": "on", "id": ""},
    "console/messages/drop": {"all": "on", "id": ""},
    "console/incidents/<int:incident>": _REASON,
    "": {"identity": "nobody@example.com", "captcha": "", "answer": ""},
    "code": {"identity": "ann@example.com", "code": "000000"},
    "receipt": {"receipt": '{"format":"databunker-erasure-receipt/1"}', "token": "", "person": ""},
    "my/data/edit": {"version": "1", _field("/login"): "anna"},
    "my/data/apps/<str:app>/edit": {"version": "1", _field("/size"): "2"},
    "my/consents/<str:brief>/accept": {"text": "1"},
    "my/sign-ins/end": {"sign_in": "1"},
    "my/sessions/end": {"session": "x"},
    "my/shares/end": {"share": "3d2f9a54-6c1e-4b0f-9a77-5f3f0a1c2b4d"},
    "my/rights/restrict": {**_REASON, "ground": "accuracy"},
    "my/rights/object": {**_REASON, "brief": ""},
    "my/rights/withdraw-objection": {"brief": ""},
    "my/delete": {"word": "DELETE"},
}


def filled(route: str, path: str) -> dict[str, Any]:
    """The form of this page, for the person or the request that the path names."""
    fields = FORMS.get(route, {})
    return {**fields, "token": path.split("/")[3][:8]} if route.endswith("/erase") else fields
