"""The sub-commands of `manage.py keys`, a module each, in the order in which its help shows them."""

from . import (
    new_master_key,
    recover,
    reindex,
    retire,
    rewrap,
    rewrap_keyring,
    rotate,
    split,
    status,
    verify_shares,
)
from .verb import Verb

__all__ = ["VERBS", "Verb"]

VERBS: list[Verb] = [
    status.VERB,
    rotate.VERB,
    rewrap.VERB,
    retire.VERB,
    reindex.VERB,
    new_master_key.VERB,
    rewrap_keyring.VERB,
    split.VERB,
    verify_shares.VERB,
    recover.VERB,
]
