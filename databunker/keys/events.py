"""Audit event types of keys."""

from audit.events import register

__all__ = [
    "KEYRING_RECOVERED",
    "KEYRING_REWRAPPED",
    "KEYS_REWRAPPED",
    "KEY_RETIRED",
    "KEY_ROTATED",
    "REWRAP_STARTED",
    "SHARES_REPLACED",
]

KEY_ROTATED = register(300, "key.rotate", "made a new key")
REWRAP_STARTED = register(301, "key.rewrap_start", "began to put values under the newest data key")
KEYS_REWRAPPED = register(302, "key.rewrap", "put values under the newest data key")
KEY_RETIRED = register(303, "key.retire", "destroyed a key that nothing used")
KEYRING_REWRAPPED = register(304, "keyring.rewrap", "put the keyring under a new master key")
SHARES_REPLACED = register(316, "recovery.split", "split a recovery key among people")
KEYRING_RECOVERED = register(317, "recovery.recover", "put the keyring under a new master key with recovery shares")
