"""The vault's audit event types."""

from audit.events import register

__all__ = [
    "APPS_LISTED",
    "APP_CHANGED",
    "APP_DELETED",
    "APP_NAMES_LISTED",
    "APP_READ",
    "APP_STORED",
    "RECORDS_LISTED",
    "RECORDS_LOADED",
    "RECORD_CHANGED",
    "RECORD_CREATED",
    "RECORD_FORGOTTEN",
    "RECORD_READ",
    "SESSIONS_LISTED",
    "SESSION_DELETED",
    "SESSION_READ",
    "SESSION_STORED",
    "SHARES_LISTED",
    "SHARE_CREATED",
    "SHARE_READ",
    "SHARE_REVOKED",
    "TOKEN_ISSUED",
    "TOKEN_REVOKED",
    "UNLOCK_GRANTED",
]

RECORD_CREATED = register(100, "record.create", "created the record")
RECORD_READ = register(101, "record.read", "read the record")
RECORD_CHANGED = register(102, "record.change", "changed the record")
RECORD_FORGOTTEN = register(103, "record.forget", "forgot the person")
RECORDS_LISTED = register(104, "record.list", "listed records")
RECORDS_LOADED = register(105, "record.load", "created records in bulk")
UNLOCK_GRANTED = register(106, "unlock.grant", "unlocked bulk listing")
TOKEN_ISSUED = register(107, "token.issue", "issued an access token")
TOKEN_REVOKED = register(108, "token.revoke", "revoked an access token")
APP_STORED = register(110, "app.store", "stored an application's data")
APP_READ = register(111, "app.read", "read an application's data")
APP_CHANGED = register(112, "app.change", "changed an application's data")
APP_DELETED = register(113, "app.delete", "deleted an application's data")
APPS_LISTED = register(114, "app.list", "listed the applications that know the person")
APP_NAMES_LISTED = register(115, "app.list_all", "listed all applications")
SESSION_STORED = register(120, "session.store", "stored a session")
SESSION_READ = register(121, "session.read", "read a session")
SESSION_DELETED = register(122, "session.delete", "deleted a session")
SESSIONS_LISTED = register(123, "session.list", "listed the person's sessions")
SHARE_CREATED = register(130, "share.create", "shared a part of the record")
SHARE_READ = register(131, "share.read", "read a shared record")
SHARE_REVOKED = register(132, "share.revoke", "revoked a shared record")
SHARES_LISTED = register(133, "share.list", "listed what of the record is shared")
