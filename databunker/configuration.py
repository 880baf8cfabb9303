"""The settings in force, for those who run the vault. Secrets are hidden."""

from __future__ import annotations

import re
from typing import Any

from django.conf import settings

from audit import trail
from audit.events import register
from databunker.access.actor import Actor
from databunker.access.permissions import Permission, require
from databunker.settings.environment import SETTINGS, Setting

__all__ = ["CONFIGURATION_READ", "HIDDEN", "read_configuration"]

CONFIGURATION_READ = register(152, "configuration.read", "read the configuration")

HIDDEN = "***"
# Whatever a setting is for: user and password, or a token in the query, may stand in any address.
_CREDENTIALS = re.compile(r"://[^/?#]*@|://[^?#]*\?")


def read_configuration(actor: Actor) -> dict[str, Any]:
    """Each setting by its name.

    Raises:
        AccessDenied: the actor may not.
    """
    require(actor, Permission.CONFIGURATION_READ)
    trail.record(actor, CONFIGURATION_READ)
    return {setting.name: _shown(setting) for setting in SETTINGS}


def _shown(setting: Setting) -> Any:
    value = getattr(settings, setting.name)
    hide = setting.secret or any(_CREDENTIALS.search(text) for text in _texts(value))
    return HIDDEN if value and hide else value


def _texts(value: Any) -> list[str]:
    return [text for text in (value if isinstance(value, list) else [value]) if isinstance(text, str)]
