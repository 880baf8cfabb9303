"""What accounts do and what is done with them: each checks, changes and leaves its event, in one transaction."""

from .administer import NewAccount, create_account, disable_account, enable_account, reset_account, set_role
from .identities import confirm_by_identity, find_by_identity, link_identity
from .own import change_password, confirm, make_recovery_codes, revoke_session, set_second_factor
from .sign_in import break_glass, check_password, check_second_factor, refuse_page, sign_in

__all__ = [
    "NewAccount",
    "break_glass",
    "change_password",
    "check_password",
    "check_second_factor",
    "confirm",
    "confirm_by_identity",
    "create_account",
    "disable_account",
    "enable_account",
    "find_by_identity",
    "link_identity",
    "make_recovery_codes",
    "refuse_page",
    "reset_account",
    "revoke_session",
    "set_role",
    "set_second_factor",
    "sign_in",
]
