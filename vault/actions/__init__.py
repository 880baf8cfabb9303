"""What changes the vault: one function a business verb, each with its permission, change and audit event."""

from .adopt import Adopted, Fate, Newcomer, adopt_people, rehearse_people
from .adopt_parts import (
    AppDatum,
    PastEvent,
    PastSession,
    PastShare,
    adopt_app_data,
    adopt_events,
    adopt_sessions,
    adopt_shares,
)
from .app_data import change_app_data, delete_app_data, store_app_data
from .bulk import MAX_RECORDS, Batch, Candidate, Created, Rejected, Result, create_records, prepare_batch, store_batch
from .change import Preview, change_record, preview_change
from .create import create_record
from .forget import Forgotten, forget_found, forget_person
from .notifications import drop_notifications, replay_notifications
from .reindex import Reindexed, count_behind, indexed_fields, last_record, reindex_records
from .replay import Replayed, replay_journal, waive_journal
from .restrict import mark_restricted
from .sessions import delete_session, end_session, store_session
from .shares import create_share, revoke_share
from .tokens import issue_token, narrow_token, revoke_token

__all__ = [
    "MAX_RECORDS",
    "Adopted",
    "AppDatum",
    "Batch",
    "Candidate",
    "Created",
    "Fate",
    "Forgotten",
    "Newcomer",
    "PastEvent",
    "PastSession",
    "PastShare",
    "Preview",
    "Reindexed",
    "Rejected",
    "Replayed",
    "Result",
    "adopt_app_data",
    "adopt_events",
    "adopt_people",
    "adopt_sessions",
    "adopt_shares",
    "change_app_data",
    "change_record",
    "count_behind",
    "create_record",
    "create_records",
    "create_share",
    "delete_app_data",
    "delete_session",
    "drop_notifications",
    "end_session",
    "forget_found",
    "forget_person",
    "indexed_fields",
    "issue_token",
    "last_record",
    "mark_restricted",
    "narrow_token",
    "prepare_batch",
    "preview_change",
    "rehearse_people",
    "reindex_records",
    "replay_journal",
    "replay_notifications",
    "revoke_share",
    "revoke_token",
    "store_app_data",
    "store_batch",
    "store_session",
    "waive_journal",
]
