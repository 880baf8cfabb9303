"""Keys that have been in use for too long: found by the maintenance pass, told in the log."""

from __future__ import annotations

import logging

from django.conf import settings
from django.db.models import Q

from databunker import periods

from . import store
from .keyring import Purpose
from .models import WrappedKey
from .store import StoredKey

__all__ = ["WATCHED", "lifetime", "overdue_keys", "warn_of_old_keys"]

# The keys that encrypt.
WATCHED = (Purpose.DATA, Purpose.DETAIL)
_DAY = 86_400
_log = logging.getLogger("databunker.keys")


def lifetime() -> int:
    """KEY_LIFETIME in seconds.

    Raises:
        BadRequest: it can't be read.
    """
    return periods.seconds_of(settings.KEY_LIFETIME)


def overdue_keys(stored: list[StoredKey], *, now: int) -> list[StoredKey]:
    """Those that are the newest of their purpose and older than KEY_LIFETIME."""
    newest = {key.purpose: key for key in stored}
    return [key for key in newest.values() if key.purpose in WATCHED and now - key.created > lifetime()]


def warn_of_old_keys(now: int) -> int:
    """Warn of each that is overdue, once a day over all hosts; how many warnings."""
    warned = 0
    for key in overdue_keys(store.stored_keys(), now=now):
        due = Q(warned=None) | Q(warned__lte=now - _DAY)
        if WrappedKey.objects.filter(due, pk=key.id).update(warned=now):
            days = (now - key.created) // _DAY
            _log.warning(
                "%s key %d is in use for %d days, longer than KEY_LIFETIME: see `manage.py keys rotate`",
                *(key.purpose.value, key.id, days),
            )
            warned += 1
    return warned
