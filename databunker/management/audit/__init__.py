"""The sub-commands of `manage.py audit`, a module each, in the order in which its help shows them."""

from databunker.management.verb import Verb

from . import export, prove, public_key, seal, verify, verify_export, verify_receipt

__all__ = ["VERBS", "Verb"]

VERBS: list[Verb] = [
    seal.VERB,
    verify.VERB,
    prove.VERB,
    export.VERB,
    verify_export.VERB,
    verify_receipt.VERB,
    public_key.VERB,
]
