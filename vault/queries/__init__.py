"""Guarded reads: each checks who asks and commits its audit event before it returns anything."""

from .app_data import AppData, NamedAppData, list_all_apps, list_apps, read_app_data, read_apps
from .erasing import Parts, parts_of
from .everything import AppDataOf, Everything, everything_of
from .holders import holders_of, record_of
from .login import find_for_login
from .notifications import (
    NotificationCount,
    NotificationView,
    count_notifications,
    list_notifications,
)
from .records import (
    Browsed,
    Page,
    browse_records,
    find,
    find_subject,
    find_subjects,
    list_holders,
    list_records,
    open_unlock,
    profile_at,
    read_record,
)
from .sessions import SessionPage, list_sessions, read_session
from .shares import SharedData, list_shares, read_share
from .tokens import TokenView, list_tokens, page_of_tokens, read_token
from .trail import find_in_trail

__all__ = [
    "AppData",
    "AppDataOf",
    "Browsed",
    "Everything",
    "NamedAppData",
    "NotificationCount",
    "NotificationView",
    "Page",
    "Parts",
    "SessionPage",
    "SharedData",
    "TokenView",
    "browse_records",
    "count_notifications",
    "everything_of",
    "find",
    "find_for_login",
    "find_in_trail",
    "find_subject",
    "find_subjects",
    "holders_of",
    "list_all_apps",
    "list_apps",
    "list_holders",
    "list_notifications",
    "list_records",
    "list_sessions",
    "list_shares",
    "list_tokens",
    "open_unlock",
    "page_of_tokens",
    "parts_of",
    "profile_at",
    "read_app_data",
    "read_apps",
    "read_record",
    "read_session",
    "read_share",
    "read_token",
    "record_of",
]
