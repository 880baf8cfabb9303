from __future__ import annotations

from databunker.management.keys import VERBS
from databunker.management.verb import VerbCommand


class Command(VerbCommand):
    help = "Show, renew and destroy the keys of the vault, while it is in use; see docs/keys.md."
    verbs = VERBS
