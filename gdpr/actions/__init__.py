"""What changes the workflows' state: one function a business verb, with its event in the same transaction."""

from ..inputs import MAX_REASON
from .activities import delete_activity, link_basis, save_activity, unlink_basis
from .agreement_upkeep import Rekeyed, bind_pending, drop_pending, expire_agreements, rekey_pending
from .agreements import TextsChanged, accept_agreement, revoke_agreements, withdraw_agreement
from .due import Tampered
from .erasure import Scheduled, carry_out_erasures, cools_off, schedule_erasure, withdraw_erasure
from .legal_bases import delete_legal_basis, ensure_default_bases, save_legal_basis
from .login import LoggedIn, log_in, purge_login, send_login_code
from .requests import (
    MOST_TOGETHER,
    Approval,
    Done,
    Requested,
    approve_request,
    approve_together,
    ask_for_identity,
    assign_request,
    cancel_request,
    close_requests_of,
    comment_request,
    extend_request,
    try_approvals,
    verify_identity,
)
from .retention import cancel_expiration, delete_by_link, expire_people, retain_by_link, start_expiration
from .rights import (
    MAY_BE_OBJECTED_TO,
    lift_restriction,
    object_to_processing,
    restrict_processing,
    withdraw_objection,
)
from .sign_ins import end_sign_in
from .wishes import (
    Outcome,
    agree,
    change_app_data,
    change_profile,
    delete_app_data,
    forget_me,
    store_app_data,
    withdraw,
)

__all__ = [
    "MAX_REASON",
    "MAY_BE_OBJECTED_TO",
    "MOST_TOGETHER",
    "Approval",
    "Done",
    "LoggedIn",
    "Outcome",
    "Rekeyed",
    "Requested",
    "Scheduled",
    "Tampered",
    "TextsChanged",
    "accept_agreement",
    "agree",
    "approve_request",
    "approve_together",
    "ask_for_identity",
    "assign_request",
    "bind_pending",
    "cancel_expiration",
    "cancel_request",
    "carry_out_erasures",
    "change_app_data",
    "change_profile",
    "close_requests_of",
    "comment_request",
    "cools_off",
    "delete_activity",
    "delete_app_data",
    "delete_by_link",
    "delete_legal_basis",
    "drop_pending",
    "end_sign_in",
    "ensure_default_bases",
    "expire_agreements",
    "expire_people",
    "extend_request",
    "forget_me",
    "lift_restriction",
    "link_basis",
    "log_in",
    "object_to_processing",
    "purge_login",
    "rekey_pending",
    "restrict_processing",
    "retain_by_link",
    "revoke_agreements",
    "save_activity",
    "save_legal_basis",
    "schedule_erasure",
    "send_login_code",
    "start_expiration",
    "store_app_data",
    "try_approvals",
    "unlink_basis",
    "verify_identity",
    "withdraw",
    "withdraw_agreement",
    "withdraw_erasure",
    "withdraw_objection",
]
