"""The keys of the vault as its operator sees them: what is under which, and how they are renewed and destroyed."""

from .actions import Retired, retire_keys, rewrap_keyring, rotate_key
from .measures import Measures, key_measures
from .recovery import has_shares, recover_keyring, replace_shares, verify_shares
from .rewrapping import Rewrapped, rewrap_all
from .status import KeyStatus, Overview, Status, key_overview, key_status

__all__ = [
    "KeyStatus",
    "Measures",
    "Overview",
    "Retired",
    "Rewrapped",
    "Status",
    "has_shares",
    "key_measures",
    "key_overview",
    "key_status",
    "recover_keyring",
    "replace_shares",
    "retire_keys",
    "rewrap_all",
    "rewrap_keyring",
    "rotate_key",
    "verify_shares",
]
