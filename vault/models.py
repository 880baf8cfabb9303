"""The vault at rest. Columns hold sealed values, keyed hashes and bookkeeping numbers; nothing else."""

from __future__ import annotations

from django.db import models

from databunker.db.fields import FixedBinaryField, SealedField

__all__ = [
    "AppRecord",
    "AppVersion",
    "Identity",
    "LoadProgress",
    "Record",
    "RecordState",
    "RecordVersion",
    "Session",
    "SharedRecord",
]


class RecordState(models.IntegerChoices):
    """Numbers stand in the database: never change or reuse one."""

    ACTIVE = 1, "active"
    FORGOTTEN = 2, "forgotten"
    RESTRICTED = 3, "restricted"  # stored, and not processed: GDPR Art. 18, see `vault.restriction`


class Record(models.Model):
    """One person.

    `subject` is the person's reference, a keyed hash of the token: the table can't be joined with an
    application's database without the vault's keys. The token itself is sealed under a data key, the
    profile under the record key, which `wrapped_key` holds sealed under a data key.
    """

    id = models.BigAutoField(primary_key=True)
    tenant = models.IntegerField()
    subject = FixedBinaryField(length=16)
    state = models.SmallIntegerField(choices=RecordState.choices, default=RecordState.ACTIVE)
    version = models.IntegerField(default=1, help_text="Counts the changes of the profile, from 1")
    generation = models.IntegerField(default=1, help_text="Of the record key; each erasure starts one")
    key_id = models.IntegerField(help_text="The data key that wraps the record key and the token")
    sealed_token = SealedField()
    wrapped_key = SealedField()
    profile = SealedField()
    digests = models.BinaryField(help_text="Digests of this record's identities, 16 bytes each")
    index_epoch = models.IntegerField(default=0, help_text="Under which index keys those are, see Keyring.index_epoch")
    created = models.BigIntegerField(help_text="Unix seconds")
    changed = models.BigIntegerField(help_text="Unix seconds")

    class Meta:
        db_table = "vault_record"
        constraints = [models.UniqueConstraint(fields=["tenant", "subject"], name="vault_record_unique_subject")]

    def __str__(self) -> str:
        return f"record {self.pk}"


class Identity(models.Model):
    """A blind index entry: the keyed hash of one identity (e-mail, phone, …) and whose it is.

    `slot` makes the primary key do two jobs: all zeros for a field that must be unique in its tenant, so
    that a second holder is refused by the database; the holder's reference for a field that may be shared.
    """

    pk = models.CompositePrimaryKey("tenant", "digest", "slot")
    tenant = models.IntegerField()
    digest = FixedBinaryField(length=16)
    slot = FixedBinaryField(length=16)
    subject = FixedBinaryField(length=16)
    field = models.CharField(max_length=63)
    tag = FixedBinaryField(length=16, help_text="Keyed hash of the row: SQL alone can't give an identity to another")

    class Meta:
        db_table = "vault_identity"

    def __str__(self) -> str:
        return f"{self.field} identity"


class RecordVersion(models.Model):
    """A profile as it was before a change, still sealed for its own version number."""

    pk = models.CompositePrimaryKey("tenant", "subject", "version")
    tenant = models.IntegerField()
    subject = FixedBinaryField(length=16)
    version = models.IntegerField()
    generation = models.IntegerField()
    profile = SealedField()
    replaced = models.BigIntegerField(help_text="Unix seconds")

    class Meta:
        db_table = "vault_record_version"

    def __str__(self) -> str:
        return f"version {self.version}"


class AppRecord(models.Model):
    """What one application keeps about a person beside the profile, sealed under the person's record key.

    The application's name is no personal data; which applications know a person is to be seen by whoever reads
    the database.
    """

    pk = models.CompositePrimaryKey("tenant", "subject", "app")
    tenant = models.IntegerField()
    subject = FixedBinaryField(length=16)
    app = models.CharField(max_length=31)
    version = models.IntegerField(default=1, help_text="Counts the changes, from 1")
    generation = models.IntegerField(help_text="Of the record key")
    data = SealedField()
    created = models.BigIntegerField(help_text="Unix seconds")
    changed = models.BigIntegerField(help_text="Unix seconds")

    class Meta:
        db_table = "vault_app_record"
        indexes = [models.Index(fields=["tenant", "app"], name="vault_app_record_by_app")]

    def __str__(self) -> str:
        return f"data of {self.app}"


class AppVersion(models.Model):
    """An application's data as it was before a change, still sealed for its own version number."""

    pk = models.CompositePrimaryKey("tenant", "subject", "app", "version")
    tenant = models.IntegerField()
    subject = FixedBinaryField(length=16)
    app = models.CharField(max_length=31)
    version = models.IntegerField()
    generation = models.IntegerField()
    data = SealedField()
    replaced = models.BigIntegerField(help_text="Unix seconds")

    class Meta:
        db_table = "vault_app_version"

    def __str__(self) -> str:
        return f"version {self.version} of {self.app}"


class Session(models.Model):
    """A session of an application: chosen id, any data, an end; tied to a person where the application said whose.

    `digest` is the keyed hash of the session's id. Id and data are sealed under the person's record key, or under
    a data key where the session is nobody's: then `generation` is 0.
    """

    pk = models.CompositePrimaryKey("tenant", "digest")
    tenant = models.IntegerField()
    digest = FixedBinaryField(length=16)
    subject = FixedBinaryField(length=16, null=True)
    generation = models.IntegerField(default=0, help_text="Of the record key; 0: sealed under a data key")
    sealed_id = SealedField()
    data = SealedField()
    stored = models.BigIntegerField(help_text="Unix seconds")
    expires = models.BigIntegerField(help_text="Unix seconds")

    class Meta:
        db_table = "vault_session"
        indexes = [
            models.Index(fields=["tenant", "subject", "stored"], name="vault_session_by_subject"),
            models.Index(fields=["expires"], name="vault_session_by_end"),
        ]

    def __str__(self) -> str:
        return "session"


class SharedRecord(models.Model):
    """A part of a person's data that whoever knows the record's id may read for a while.

    `digest` is the keyed hash of the id. The id, what is shared and with whom are sealed under the record key.
    """

    digest = FixedBinaryField(length=16, primary_key=True)
    tenant = models.IntegerField()
    subject = FixedBinaryField(length=16)
    generation = models.IntegerField(help_text="Of the record key")
    sealed_id = SealedField()
    terms = SealedField()
    created = models.BigIntegerField(help_text="Unix seconds")
    expires = models.BigIntegerField(help_text="Unix seconds")

    class Meta:
        db_table = "vault_shared_record"
        indexes = [
            models.Index(fields=["tenant", "subject", "created"], name="vault_shared_by_subject"),
            models.Index(fields=["expires"], name="vault_shared_by_end"),
        ]

    def __str__(self) -> str:
        return "shared record"


class LoadProgress(models.Model):
    """How far `manage.py load` got with one input, advanced in the transaction of each batch."""

    id = models.BigAutoField(primary_key=True)
    tenant = models.IntegerField()
    source = FixedBinaryField(length=16, help_text="Keyed hash of the input's name or content")
    position = models.BigIntegerField(default=0, help_text="Records read so far")
    created_records = models.BigIntegerField(default=0)
    rejected_records = models.BigIntegerField(default=0)
    rejects_size = models.BigIntegerField(default=0, help_text="Bytes of the file of rejected lines")
    tokens_size = models.BigIntegerField(default=0, help_text="Bytes of the file of tokens")

    class Meta:
        db_table = "vault_load_progress"
        constraints = [models.UniqueConstraint(fields=["tenant", "source"], name="vault_load_progress_unique_source")]

    def __str__(self) -> str:
        return f"load at {self.position}"
