"""How far an import from another vault got."""

from __future__ import annotations

from django.db import models

from databunker.crypto.envelope import Place
from databunker.db.fields import FixedBinaryField, SealedField

__all__ = ["ImportProgress", "state_place"]


class ImportProgress(models.Model):
    """One import: `source` is the keyed hash of the other vault's master key.

    `state` says which tables are done and at which row of the other database the import is. Such a row is named by its
    own keys there, tokens among them: so it is sealed, under a data key.
    """

    id = models.BigAutoField(primary_key=True)
    tenant = models.IntegerField()
    source = FixedBinaryField(length=16)
    step = models.BigIntegerField(default=0, help_text="Counts the batches: two imports at once can't both move it on")
    report_size = models.BigIntegerField(default=0, help_text="Bytes of the report")
    state = SealedField()

    class Meta:
        db_table = "gdpr_import_progress"
        constraints = [models.UniqueConstraint(fields=["tenant", "source"], name="gdpr_import_progress_unique_source")]

    def __str__(self) -> str:
        return f"import at step {self.step}"


def state_place(tenant: int, source: bytes, step: int) -> Place:
    """Where the state of an import lives: bound to the batch that it was reached by."""
    return Place(tenant, b"import", b"state", source, step & 0xFFFFFFFF)
