"""One event's proof, and what stands in it."""

from __future__ import annotations

import json
import uuid

import pytest

from audit import proofs, statements
from audit.errors import NotSealed, TreeDamaged
from audit.leaves import leaf_of, row_hash
from audit.merkle import leaf_hash, verify_consistency, verify_inclusion
from audit.models import Event, Head, Leaf
from databunker.crypto import signing
from databunker.errors import NotFound
from tests.support.trail import sealed, written

pytestmark = pytest.mark.usefixtures("vault")


def test_every_event_of_the_tree_is_proved_under_the_newest_head() -> None:
    events = []
    for number in (1, 5, 290):
        events += written(number)
        sealed()
    head = Head.objects.get(size=296)
    for position in (0, 1, 5, 200, 255, 256, 295):
        proof = proofs.proof_of(events[position], tenant=1)
        assert (proof.position, proof.head.size, proof.head.root) == (position, 296, head.root)
        assert proof.event is not None
        leaf = leaf_hash(leaf_of(events[position], row_hash(proof.event)))
        verify_inclusion(leaf, position=position, size=296, path=proof.path, root=head.root)


def test_a_document_names_nobody_and_shows_nothing_sealed() -> None:
    (event,) = written(1)
    Event.objects.filter(pk=event).get()
    sealed()
    document = proofs.proof_of(event, tenant=1).document()
    assert set(document) == {"format", "event", "position", "path", "head"}
    assert set(document["event"]) == {
        "id", "tenant", "at", "type", "outcome", "actor_kind", "actor_token", "subject_sha256", "request",
        "detail_sha256", "key_id", "mac",
    }  # fmt: skip
    row = Event.objects.get(pk=event)
    assert row.detail is not None
    assert row.detail.hex() not in json.dumps(document)


def test_an_event_that_waits_for_its_place_has_no_proof_yet() -> None:
    written(1)
    sealed()
    (event,) = written(1)
    with pytest.raises(NotSealed, match="not sealed yet"):
        proofs.proof_of(event, tenant=1)


def test_unknown_events_and_those_of_others_have_no_proof() -> None:
    (event,) = written(1, tenant=2)
    written(1)
    sealed()
    for unknown, tenant in ((uuid.uuid4(), 1), (event, 1)):
        with pytest.raises(NotFound):
            proofs.proof_of(unknown, tenant=tenant)
    assert proofs.proof_of(event, tenant=2).position == 0


def test_without_a_tree_there_is_neither_key_nor_head() -> None:
    with pytest.raises(NotFound, match="nothing was sealed yet"):
        proofs.public_keys(tenant=1)


def test_what_retention_deleted_is_still_proved_by_its_hash() -> None:
    events = written(3)
    sealed()
    Event.objects.filter(pk=events[1]).delete()
    proof = proofs.proof_of(events[1], tenant=1)
    assert proof.document()["event"] == {"id": str(events[1]), "row_hash": proof.row_hash.hex()}


@pytest.mark.parametrize(
    "tamper",
    [
        lambda event: Event.objects.filter(pk=event).update(outcome=2),
        lambda event: Leaf.objects.filter(event=event).update(row_hash=bytes(32)),
        lambda event: Leaf.objects.exclude(event=event).update(row_hash=bytes(32)),
        lambda event: Leaf.objects.exclude(event=event).delete(),
        lambda event: Head.objects.update(root=bytes(32)),
    ],
)
def test_nothing_is_proved_of_a_tree_that_was_changed(tamper) -> None:  # type: ignore[no-untyped-def]
    events = written(4)
    sealed()
    tamper(events[1])
    with pytest.raises(TreeDamaged, match="audit verify"):
        proofs.proof_of(events[1], tenant=1)


def test_an_earlier_head_is_shown_to_be_the_beginning_of_a_later_one() -> None:
    heads = []
    for number in (3, 300, 7):
        written(number)
        sealed()
        heads.append(proofs.newest_checkpoint(1)[1])
    newest = heads[-1]
    for old in heads:
        path = proofs.consistency_of(old.size, head=newest, tenant=1)
        verify_consistency(old=old.size, old_root=old.root, size=newest.size, root=newest.root, path=path)


def test_a_message_is_signed_with_the_key_of_the_heads() -> None:
    written(1)
    sealed()
    public_key, signature = proofs.sign(b"databunker receipt\n")
    signing.verify(b"databunker receipt\n", signature, public_key=public_key)
    (key,) = proofs.public_keys(tenant=1)
    name, _, encoded = key.split("+", 2)
    tree, _ = proofs.newest_checkpoint(1)
    assert name == tree.origin == statements.origin_of(tree.log)
    import base64

    assert base64.b64decode(encoded) == b"\x01" + public_key
