"""The trail goes on under new keys, and those who trusted the old one are told by it of the new one."""

from __future__ import annotations

import pytest

from audit import proofs, verification, verifier
from audit.exporting import export_trail
from audit.verification import Options
from audit.verifier import Keys, NotProved
from databunker.access.actor import operator
from databunker.crypto.keyring import Purpose
from databunker.keys import rotate_key
from tests.support.trail import sealed, written

pytestmark = pytest.mark.usefixtures("vault")


def head_note() -> str:
    tree, head = proofs.newest_checkpoint(1)
    return head.note(tree)


def signers(note: str) -> int:
    return note.count("\n— ")


def test_the_first_head_under_a_new_key_is_signed_by_the_old_one_too() -> None:
    written(3)
    sealed()
    (old,) = proofs.public_keys(tenant=1)
    rotate_key(operator(), purpose=Purpose.SIGNING)
    sealed()
    both = head_note()
    assert proofs.public_keys(tenant=1)[0] == old
    new = proofs.public_keys(tenant=1)[1]
    assert signers(both) == 2
    for key in (old, new):
        assert verifier.open_checkpoint(both, Keys([key])).size > 3
    written(2)
    sealed()
    later = head_note()
    assert signers(later) == 1
    verifier.open_checkpoint(later, Keys([new]))
    with pytest.raises(NotProved, match="none of the public keys"):
        verifier.open_checkpoint(later, Keys([old]))
    assert verification.verify(Options()).found.problems == []


def test_an_export_over_several_keys_is_proved_by_all_of_them() -> None:
    for _ in range(3):
        written(5)
        sealed()
        rotate_key(operator(), purpose=Purpose.SIGNING)
    written(5)
    sealed()
    exported = list(export_trail(operator()))
    keys = proofs.public_keys(tenant=1)
    assert len(keys) == 4
    assert verifier.verify_export([exported], Keys(keys)).heads == 4
    with pytest.raises(NotProved, match="none of the public keys"):
        verifier.verify_export([exported], Keys(keys[-1:]))


def test_a_signature_by_a_known_key_must_hold_whoever_else_has_signed() -> None:
    written(3)
    sealed()
    rotate_key(operator(), purpose=Purpose.SIGNING)
    sealed()
    note = head_note()
    old, new = proofs.public_keys(tenant=1)
    text, lines = note.split("\n\n")
    first, second = lines.splitlines()
    broken = first[:-8] + ("AAAAAA==" if not first.endswith("AAAAAA==") else "BBBBBB==")
    forged = f"{text}\n\n{broken}\n{second}\n"
    with pytest.raises(NotProved, match="hold"):
        verifier.open_checkpoint(forged, Keys([old, new]))
    assert verifier.open_checkpoint(forged, Keys([new])).size > 3


def test_events_under_several_audit_keys_are_verified() -> None:
    for _ in range(3):
        written(4)
        rotate_key(operator(), purpose=Purpose.AUDIT)
    sealed()
    report = verification.verify(Options())
    assert report.found.problems == []
    assert report.found.events == 15


def test_a_key_of_another_purpose_signs_nothing() -> None:
    from audit.models import Head
    from databunker.crypto import store

    written(3)
    sealed()
    row = Head.objects.get()
    data_key = store.current_keyring().newest(Purpose.DATA).id
    Head.objects.update(signatures=data_key.to_bytes(4, "big") + bytes(row.signatures)[4:])
    (problem,) = verification.verify(Options()).found.problems
    assert problem.kind is verification.Kind.HEAD
    assert "size 3" in problem.text
