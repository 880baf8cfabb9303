from __future__ import annotations

from databunker.management.audit import VERBS
from databunker.management.verb import VerbCommand


class Command(VerbCommand):
    help = "Seal the audit trail into its signed tree, verify it, and prove what is in it; see docs/audit.md."
    verbs = VERBS
    failure = 2  # 1 says that the trail is not what it should be
