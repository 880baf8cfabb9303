"""Guarded reads: each checks who asks and commits its audit event before it returns anything."""

from .app_data import list_all_apps, list_apps, read_app_data
from .records import Page, find, list_holders, list_records, open_unlock, read_record

__all__ = [
    "Page",
    "find",
    "list_all_apps",
    "list_apps",
    "list_holders",
    "list_records",
    "open_unlock",
    "read_app_data",
    "read_record",
]
