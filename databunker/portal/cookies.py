"""The cookie popup: a script that any site may embed, and a page that shows what it asks.

What is asked are the legal bases of the module `cookie-popup`; what runs is said by the processing activities that rest
on them. Nothing in it is personal, and no answer comes here: the popup keeps them on the site that embeds it.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.staticfiles import finders
from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.utils.translation import gettext as _

from databunker import colours, ui
from databunker.pages.views import Page
from gdpr import queries
from gdpr.queries import CookieSettings

__all__ = ["Cookies", "CookiesScript"]

_FRESH_SECONDS = 300


class Cookies(Page):
    """For everyone. The popup is the same as elsewhere, but here it runs nothing."""

    template_name: ClassVar[str] = "portal/cookies.html"

    def admit(self, request: HttpRequest) -> None:  # noqa: ARG002 - Django's signature
        return

    def get(self, request: HttpRequest) -> HttpResponse:  # noqa: ARG002 - Django's signature
        return self.render(asked=queries.cookie_settings(self.actor))


class CookiesScript(Page):
    """The popup with its questions, in the reader's language or in that of `?language=`."""

    def admit(self, request: HttpRequest) -> None:  # noqa: ARG002 - Django's signature
        return

    def get(self, request: HttpRequest) -> HttpResponse:
        wanted = request.GET.get("language", "")
        language = wanted if wanted in dict(settings.LANGUAGES) else translation.get_language()
        with translation.override(language):
            terms = json.dumps(_terms(queries.cookie_settings(self.actor)))
        text = f"(() => {{\n'use strict';\n\n{_code()}\nstart({terms}, document.currentScript);\n}})();\n"
        headers = {
            "Cache-Control": f"public, max-age={_FRESH_SECONDS}",
            # Sites of other origins embed it.
            "Cross-Origin-Resource-Policy": "cross-origin",
            "Access-Control-Allow-Origin": "*",
        }
        return HttpResponse(text, content_type="text/javascript; charset=utf-8", headers=headers)


@cache
def _code() -> str:
    found = finders.find("cookies.js")
    return Path(str(found)).read_text(encoding="utf-8")


def _terms(asked: CookieSettings) -> dict[str, Any]:
    """What the script is told, in ASCII: it stands in a file of code."""
    light, dark = colours.link_colours()
    return {
        "bases": [
            {
                "brief": basis.row.brief,
                "name": basis.texts.shortdesc or basis.row.brief,
                "text": basis.texts.fulldesc,
                "required": basis.row.requiredflag,
                "message": basis.texts.requiredmsg,
                "version": basis.row.text_version,
            }
            for basis in asked.bases
        ],
        "scripts": [
            {"script": activity.row.script, "briefs": [basis.row.brief for basis in activity.bases]}
            for activity in asked.scripts
        ],
        "privacy": ui.ui_configuration()["PrivacyPolicyLink"],
        "accent": f"light-dark({light}, {dark})",
        "fill": light,
        "words": _words(),
    }


def _words() -> dict[str, str]:
    return {
        "title": _("Cookies and the like"),
        "text": _("Some of it is needed; for the rest we ask you. You can change your answer at any time."),
        "privacy": settings.UI_PRIVACY_POLICY_TITLE or _("Privacy policy"),
        "all": _("Accept all"),
        "needed": _("Only what is needed"),
        "choose": _("Choose"),
        "save": _("Save my choice"),
        "required": _("This is needed, and always on."),
    }
