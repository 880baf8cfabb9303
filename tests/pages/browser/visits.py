"""Which addresses are looked at in a browser: of every page that there is, or the suite fails.

By the route of the page, as `tests/pages/test_permission_matrix.py` has it. `{person}`, `{request}`, `{change}`,
`{event}` and `{incident}` are filled in by the test.
"""

from __future__ import annotations

__all__ = ["ELSEWHERE", "FILES", "OF_ADMINISTRATORS", "OF_PEOPLE", "OF_STRANGERS", "visited"]

OF_STRANGERS: dict[str, tuple[str, ...]] = {
    "": ("/", "/nothing"),
    "receipt": ("/receipt",),
    "cookies": ("/cookies",),
    "console/sign-in": ("/console/sign-in",),
    "console/signed-out": ("/console/signed-out",),
}
_PERSON, _REQUEST = "console/people/<uuid:person>", "console/requests/<uuid:rtoken>"
_BASIS, _ACTIVITY = "console/bases/<int:basis>", "console/activities/<int:activity>"
OF_ADMINISTRATORS: dict[str, tuple[str, ...]] = {
    "console/": ("/console/", "/console/nothing"),
    "console/me": ("/console/me",),
    "console/me/password": ("/console/me/password",),
    "console/me/second-factor": ("/console/me/second-factor",),
    "console/me/recovery-codes": ("/console/me/recovery-codes",),
    "console/confirm": ("/console/confirm",),
    "console/requests": (
        "/console/requests",
        "/console/requests?status=approved",
        "/console/requests?kind=change-profile&assigned=nobody",
    ),
    "console/requests/together": ("/console/requests/together",),
    "console/requests/together/<slug:kind>": ("/console/requests/together/change-profile",),
    _REQUEST: ("/console/requests/{request}", "/console/requests/{change}"),
    "console/people": ("/console/people",),
    "console/people/all": ("/console/people/all",),
    "console/people/ending": ("/console/people/ending",),
    _PERSON: ("/console/people/{person}",),
    **{f"{_PERSON}/{tab}": (f"/console/people/{{person}}/{tab}",) for tab in ("data", "agreements", "requests")},
    **{
        f"{_PERSON}/{tab}": (f"/console/people/{{person}}/{tab}",)
        for tab in ("trail", "rights", "edit", "erase", "report")
    },
    "console/audit": ("/console/audit", "/console/audit?action=record.create", "/console/audit?person=nobody"),
    "console/audit/<uuid:event>": ("/console/audit/{event}",),
    "console/bases": ("/console/bases",),
    "console/bases/new": ("/console/bases/new",),
    _BASIS: ("/console/bases/1",),
    **{f"{_BASIS}/{step}": (f"/console/bases/1/{step}",) for step in ("edit", "delete", "revoke")},
    "console/activities": ("/console/activities",),
    "console/activities/new": ("/console/activities/new",),
    _ACTIVITY: ("/console/activities/1",),
    **{f"{_ACTIVITY}/{step}": (f"/console/activities/1/{step}",) for step in ("edit", "delete")},
    "console/accounts": ("/console/accounts",),
    "console/accounts/new": ("/console/accounts/new",),
    "console/accounts/<int:account>": ("/console/accounts/1", "/console/accounts/2"),
    "console/tokens": ("/console/tokens", "/console/tokens?show=all"),
    "console/tokens/new": ("/console/tokens/new",),
    "console/tokens/<int:token>": ("/console/tokens/1",),
    "console/keys": ("/console/keys",),
    "console/keys/rotate": ("/console/keys/rotate",),
    "console/messages": ("/console/messages", "/console/messages?show=waiting"),
    "console/messages/drop": ("/console/messages/drop?all=on",),
    "console/jobs": ("/console/jobs",),
    "console/incidents": ("/console/incidents", "/console/incidents?show=all"),
    "console/incidents/<int:incident>": ("/console/incidents/{incident}",),
    "console/settings": ("/console/settings", "/console/settings?show=changed"),
}
OF_PEOPLE: dict[str, tuple[str, ...]] = {
    "my/data": ("/my/data",),
    "my/data/edit": ("/my/data/edit",),
    "my/data/apps/<str:app>/edit": ("/my/data/apps/shop/edit",),
    "my/consents": ("/my/consents",),
    "my/consents/<str:brief>": ("/my/consents/news", "/my/consents/tax"),
    "my/requests": ("/my/requests",),
    "my/requests/<uuid:rtoken>": ("/my/requests/{request}",),
    "my/accesses": ("/my/accesses", "/my/accesses?all=1"),
    "my/sign-ins": ("/my/sign-ins",),
    "my/shares": ("/my/shares",),
    "my/rights": ("/my/rights",),
    "my/delete": ("/my/delete", "/my/nothing"),
}
# What is seen only on the way to something, and the test that takes this way.
ELSEWHERE: dict[str, tuple[str, str]] = {
    "console/sign-in/code": ("test_flows.py", "test_with_the_keyboard_alone_one_gets_in"),
    "console/sign-in/root": ("test_console_doors.py", "test_the_root_token_breaks_the_glass"),
    **{
        f"console/oidc/{step}": (
            "test_console_doors.py",
            "test_an_account_is_linked_with_the_provider_and_comes_in_there",
        )
        for step in ("start", "link", "confirm", "callback")
    },
    "console/keys/<int:key>/retire": ("test_console_upkeep.py", "test_a_new_key_is_made_and_older_ones_go_on_to_open"),
    "code": ("test_flows.py", "test_a_person_signs_in_and_never_sees_a_captcha"),
}
# What is no page, but a file to be kept or a script.
FILES = {
    "console/requests.csv",
    "console/audit.csv",
    "console/audit.jsonl",
    "console/audit/<uuid:event>/proof.json",
    "console/activities.csv",
    "console/activities.pdf",
    "my/report.<slug:form>",
    "cookies.js",
}


def visited() -> dict[str, tuple[str, ...]]:
    """All that is looked at for its own sake."""
    return OF_STRANGERS | OF_ADMINISTRATORS | OF_PEOPLE
