"""Audit event types of accounts. Their actor is the account, as kind `account` and the number of its row."""

from __future__ import annotations

from audit.events import register

__all__ = [
    "ACCOUNTS_LISTED",
    "ACCOUNT_CREATED",
    "ACCOUNT_DISABLED",
    "ACCOUNT_ENABLED",
    "BROKE_GLASS",
    "CONFIRMED",
    "IDENTITY_LINKED",
    "LOCKED_OUT",
    "PAGE_REFUSED",
    "PASSWORD_CHANGED",
    "PASSWORD_RESET",
    "RECOVERY_CODES_MADE",
    "RECOVERY_CODE_USED",
    "ROLE_CHANGED",
    "SECOND_FACTOR_REFUSED",
    "SECOND_FACTOR_RESET",
    "SECOND_FACTOR_SET",
    "SESSION_REVOKED",
    "SIGNED_IN",
    "SIGN_IN_REFUSED",
]

SIGNED_IN = register(350, "account.sign_in", "signed in at the console")
SIGN_IN_REFUSED = register(351, "account.sign_in_refused", "was refused the console")
LOCKED_OUT = register(352, "account.locked_out", "was locked out of the console after too many tries")
SECOND_FACTOR_REFUSED = register(353, "account.factor_refused", "was refused for a wrong second factor")
SECOND_FACTOR_SET = register(354, "account.factor_set", "set up a second factor")
SECOND_FACTOR_RESET = register(355, "account.factor_reset", "took the second factor from an account")
RECOVERY_CODES_MADE = register(356, "account.codes_made", "made recovery codes")
RECOVERY_CODE_USED = register(357, "account.code_used", "used a recovery code")
PASSWORD_CHANGED = register(358, "account.password_changed", "changed the own password")
ACCOUNT_CREATED = register(359, "account.create", "created an account")
ROLE_CHANGED = register(360, "account.role_changed", "changed the role of an account")
ACCOUNT_DISABLED = register(361, "account.disable", "disabled an account")
ACCOUNT_ENABLED = register(362, "account.enable", "enabled an account")
SESSION_REVOKED = register(363, "account.session_revoked", "ended a session of the console")
IDENTITY_LINKED = register(364, "account.identity_linked", "linked an account with OpenID Connect")
ACCOUNTS_LISTED = register(365, "account.list", "listed the accounts")
BROKE_GLASS = register(366, "account.break_glass", "signed in at the console with the root token")
PAGE_REFUSED = register(367, "page.refused", "was refused a page of the console")
CONFIRMED = register(368, "account.confirmed", "confirmed who it is")
PASSWORD_RESET = register(369, "account.password_reset", "gave an account a new first password")
