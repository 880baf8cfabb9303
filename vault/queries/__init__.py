"""Guarded reads: each checks who asks and commits its audit event before it returns anything."""

from .app_data import list_all_apps, list_apps, read_app_data
from .records import Page, find, list_holders, list_records, open_unlock, read_record
from .sessions import SessionPage, list_sessions, read_session
from .shares import SharedData, list_shares, read_share

__all__ = [
    "Page",
    "SessionPage",
    "SharedData",
    "find",
    "list_all_apps",
    "list_apps",
    "list_holders",
    "list_records",
    "list_sessions",
    "list_shares",
    "open_unlock",
    "read_app_data",
    "read_record",
    "read_session",
    "read_share",
]
