"""The trail at rest: one row an event, written once and never changed.

Beside the events grows one Merkle tree for each tenant, in tables of its own, so that whoever writes an event waits for
nobody. Its rows, too, are only added: but for the size of a tree, and for the marks of the sealer.
"""

from __future__ import annotations

from django.db import models

from databunker.db.fields import FixedBinaryField, SealedField

__all__ = ["Event", "Head", "Leaf", "Node", "Pruning", "Sealer", "Tree"]


class Event(models.Model):
    """What happened: who did what to whom, when, with what outcome.

    `subject` is the person's reference, a keyed hash that outlives the person's data. `detail` (looked-up
    identity, message, versions, client address) is sealed under the person's own key, or under a detail key
    where no person is concerned; it becomes unreadable when the person is forgotten, the event does not.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    tenant = models.IntegerField()
    at = models.BigIntegerField(help_text="Unix time in microseconds")
    type = models.SmallIntegerField(help_text="Number of the event type, see audit/events.py")
    outcome = models.SmallIntegerField(help_text="See audit.events.Outcome")
    actor_kind = models.SmallIntegerField(help_text="See databunker.access.actor.ActorKind")
    actor_token = models.BigIntegerField(null=True, help_text="Row of the access token used")
    subject = FixedBinaryField(length=16, null=True)
    request = models.UUIDField(help_text="The same for all events of one request")
    detail = SealedField(null=True)
    key_id = models.IntegerField(help_text="The audit key of the MAC")
    mac = FixedBinaryField(length=32)

    class Meta:
        db_table = "audit_event"
        # What people look for in a trail of millions (`audit.search`), in the order of time. All but the first grow
        # at few places, so that they cost a writer little; nearly all events are OK, so those stand in none by outcome
        # (MariaDB, which has no partial indexes, goes without).
        indexes = [
            models.Index(fields=["tenant", "subject", "id"], name="audit_event_by_subject"),
            models.Index(fields=["tenant", "actor_kind", "actor_token", "id"], name="audit_event_by_actor"),
            models.Index(fields=["tenant", "type", "id"], name="audit_event_by_type"),
            models.Index(
                fields=["tenant", "outcome", "id"], name="audit_event_by_outcome", condition=models.Q(outcome__gt=1)
            ),
        ]

    def __str__(self) -> str:
        return f"event {self.id}"


class Tree(models.Model):
    """The tree over one tenant's events. Whoever appends moves `size` on first, and so is alone."""

    tenant = models.IntegerField(primary_key=True)
    log = models.UUIDField(help_text="Names the tree in all that is signed about it")
    size = models.BigIntegerField(default=0, help_text="How many leaves it has")

    class Meta:
        db_table = "audit_tree"

    def __str__(self) -> str:
        return f"tree of tenant {self.tenant}"


class Leaf(models.Model):
    """The place of one event in its tenant's tree, see `audit.leaves`. It stays when retention deletes the event."""

    pk = models.CompositePrimaryKey("tenant", "position")
    tenant = models.IntegerField()
    position = models.BigIntegerField()
    event = models.UUIDField(unique=True, help_text="No foreign key: writers of events wait for no lock of the tree")
    row_hash = FixedBinaryField(length=32)

    class Meta:
        db_table = "audit_leaf"

    def __str__(self) -> str:
        return f"leaf {self.position}"


class Node(models.Model):
    """An inner node over 256 leaves, or over 256 such nodes, and so on: see `audit.merkle`."""

    pk = models.CompositePrimaryKey("tenant", "height", "place")
    tenant = models.IntegerField()
    height = models.SmallIntegerField()
    place = models.BigIntegerField()
    hash = FixedBinaryField(length=32)

    class Meta:
        db_table = "audit_node"

    def __str__(self) -> str:
        return f"node {self.height}/{self.place}"


class Head(models.Model):
    """A signed tree head: what the tree was at one size."""

    pk = models.CompositePrimaryKey("tenant", "size")
    tenant = models.IntegerField()
    size = models.BigIntegerField()
    root = FixedBinaryField(length=32)
    at = models.BigIntegerField(help_text="Unix seconds")
    signatures = models.BinaryField(help_text="Of each: the number of the signing key in 4 bytes, and 64 bytes")

    class Meta:
        db_table = "audit_head"

    def __str__(self) -> str:
        return f"head {self.size}"


class Pruning(models.Model):
    """The signed statement up to when retention has deleted a tenant's events: what else is missing was stolen."""

    tenant = models.IntegerField(primary_key=True)
    before = models.BigIntegerField(help_text="Unix milliseconds")
    at = models.BigIntegerField(help_text="Unix seconds")
    signatures = models.BinaryField(help_text="As of a tree head")

    class Meta:
        db_table = "audit_pruning"

    def __str__(self) -> str:
        return f"pruned before {self.before}"


class Sealer(models.Model):
    """How far the look for events without a leaf has come; one row. It speeds the search up and decides nothing."""

    id = models.SmallIntegerField(primary_key=True)
    recent = models.BigIntegerField(default=0, help_text="Unix seconds: when the last pass began")
    near = models.BigIntegerField(default=0, help_text="Unix seconds: when the last wider pass began")
    round = models.BigIntegerField(default=0, help_text="Unix seconds: when the round over all events began")
    cursor = models.UUIDField(null=True, help_text="How far that round is; null: it is complete")

    class Meta:
        db_table = "audit_sealer"

    def __str__(self) -> str:
        return "sealer"
