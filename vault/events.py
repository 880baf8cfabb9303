"""The vault's audit event types."""

from audit.events import register

__all__ = [
    "APPS_LISTED",
    "APP_CHANGED",
    "APP_DELETED",
    "APP_NAMES_LISTED",
    "APP_READ",
    "APP_STORED",
    "EVENT_ADOPTED",
    "IDENTITY_LEFT_OUT",
    "INDEX_KEY_ANNOUNCED",
    "INDEX_KEY_DESTROYED",
    "INDEX_KEY_SETTLED",
    "INDEX_KEY_SWITCHED",
    "INDEX_RENEWED",
    "NOTIFICATIONS_DROPPED",
    "NOTIFICATIONS_LISTED",
    "NOTIFICATIONS_REPLAYED",
    "RECORDS_LISTED",
    "RECORDS_LOADED",
    "RECORD_ADOPTED",
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
    "TOKENS_LISTED",
    "TOKEN_ISSUED",
    "TOKEN_NARROWED",
    "TOKEN_REVOKED",
    "UNLOCK_GRANTED",
]

NOTIFICATIONS_REPLAYED = register(50, "notification.replay", "sent dead letters again")
NOTIFICATIONS_DROPPED = register(51, "notification.drop", "dropped dead letters")
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
TOKENS_LISTED = register(340, "token.list", "listed access tokens")
TOKEN_NARROWED = register(341, "token.narrow", "changed what an access token may do")
NOTIFICATIONS_LISTED = register(430, "notification.list", "listed messages that go out")
EVENT_ADOPTED = register(260, "event.adopt", "imported from Databunker")
RECORD_ADOPTED = register(261, "record.adopt", "imported the record from Databunker")
INDEX_KEY_ANNOUNCED = register(310, "index_key.announce", "announced a new index key")
INDEX_KEY_SWITCHED = register(311, "index_key.switch", "had identities looked up by the new index key")
INDEX_KEY_SETTLED = register(312, "index_key.settle", "stopped writing under the old index key")
INDEX_KEY_DESTROYED = register(313, "index_key.destroy", "destroyed the old index key")
IDENTITY_LEFT_OUT = register(314, "identity.left_out", "left out an identity that somebody else has")
INDEX_RENEWED = register(315, "index_key.renew", "had identities written anew under the same index key")
