"""What changes the vault: one function a business verb, each with its permission, change and audit event."""

from .app_data import change_app_data, delete_app_data, store_app_data
from .bulk import MAX_RECORDS, Batch, Candidate, Created, Rejected, Result, create_records, prepare_batch, store_batch
from .change import change_record
from .create import create_record
from .forget import forget_person
from .sessions import delete_session, store_session
from .shares import create_share, revoke_share
from .tokens import issue_token, revoke_token

__all__ = [
    "MAX_RECORDS",
    "Batch",
    "Candidate",
    "Created",
    "Rejected",
    "Result",
    "change_app_data",
    "change_record",
    "create_record",
    "create_records",
    "create_share",
    "delete_app_data",
    "delete_session",
    "forget_person",
    "issue_token",
    "prepare_batch",
    "revoke_share",
    "revoke_token",
    "store_app_data",
    "store_batch",
    "store_session",
]
