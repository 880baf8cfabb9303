"""An export, and what an auditor proves of it with the public key alone."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from audit import merkle, proofs, retention, verifier
from audit.exporting import export_trail
from audit.models import Event, Head
from audit.verifier import Keys, NotProved
from databunker.access.actor import Actor, ActorKind, operator
from databunker.errors import AccessDenied, BadRequest, NotFound
from databunker.ids import event_millis
from tests.support.trail import sealed, written
from tests.support.vaults import PROJECT

pytestmark = pytest.mark.usefixtures("vault")


@pytest.fixture
def events() -> list[uuid.UUID]:
    found = []
    for number in (3, 300, 40):
        found += written(number)
        sealed()
    written(7, tenant=2)
    sealed()
    return found


@pytest.fixture
def keys(events: list[uuid.UUID]) -> Keys:
    return Keys(proofs.public_keys(tenant=1))


def lines(start: int = 0) -> list[bytes]:
    return list(export_trail(operator(), start=start))


def changed(line: bytes, **values: Any) -> bytes:
    return json.dumps({**json.loads(line), **values}).encode() + b"\n"


def of_kind(exported: list[bytes], kind: str) -> list[int]:
    return [at for at, line in enumerate(exported) if json.loads(line)["kind"] == kind]


def refused(exported: list[bytes], keys: Keys, **options: Any) -> str:
    with pytest.raises(NotProved) as caught:
        verifier.verify_export([exported], keys, **options)
    return str(caught.value)


# --- what is in it ---------------------------------------------------------------------------------------------------


def test_an_export_is_proved(events: list[uuid.UUID], keys: Keys) -> None:
    exported = lines()
    done = verifier.verify_export([exported], keys)
    assert done[:5] == (0, 343, 343, 0, 3)
    assert done.head is not None
    assert done.head.root == bytes(Head.objects.get(tenant=1, size=343).root)
    shown = [json.loads(exported[at])["event"]["id"] for at in of_kind(exported, "event")]
    assert shown == [str(event) for event in events]


def test_nothing_sealed_and_nobody_elses_events_are_in_it(events: list[uuid.UUID]) -> None:
    rows = list(Event.objects.all())
    text = b"".join(lines()).decode()
    for row in rows:
        assert row.detail is not None
        assert row.detail.hex() not in text
        assert (str(row.id) in text) == (row.tenant == 1)


def test_an_event_is_told_in_words_too(events: list[uuid.UUID]) -> None:
    first = json.loads(lines()[1])
    assert (first["position"], first["actor"], first["status"]) == (0, "admin", "ok")
    assert first["event"]["actor_token"] == 7
    assert first["event"]["subject"] is None


def test_an_export_leaves_an_event(events: list[uuid.UUID]) -> None:
    lines()
    assert Event.objects.filter(type=322).count() == 1


def test_who_may_not_read_all_events_exports_none(events: list[uuid.UUID]) -> None:
    for kind in (ActorKind.PERSON, ActorKind.ANYONE):
        with pytest.raises(AccessDenied):
            export_trail(Actor(kind, subject=bytes(16)))


def test_there_is_nothing_to_export_before_something_is_sealed() -> None:
    written(1)
    with pytest.raises(NotFound):
        export_trail(operator())


# --- in parts --------------------------------------------------------------------------------------------------------


def test_exports_go_on_one_behind_the_other(events: list[uuid.UUID], keys: Keys) -> None:
    parts = [lines()]
    written(20)
    sealed()
    parts.append(lines(343))
    done = verifier.verify_export(parts, keys)
    assert (done.start, done.end, done.heads) == (0, Head.objects.latest("size").size, 4)
    assert verifier.verify_export(parts[1:], keys).start == 343
    with pytest.raises(NotProved, match="does not go on"):
        verifier.verify_export(parts[::-1], keys)
    with pytest.raises(NotProved, match="does not go on"):
        verifier.verify_export([parts[0], parts[0]], keys)


@pytest.mark.parametrize("start", [1, 4, 343, 10_000])
def test_an_export_begins_where_a_head_ends(events: list[uuid.UUID], start: int) -> None:
    with pytest.raises(BadRequest):
        lines(start)


def test_an_export_of_a_part_is_proved_by_its_heads(events: list[uuid.UUID], keys: Keys) -> None:
    exported = lines(303)
    done = verifier.verify_export([exported], keys)
    assert (done.start, done.end) == (303, 343)
    header = json.loads(exported[0])
    header["frontier"][0] = "00" * 32
    assert "positions 303 to 342 are not" in refused([json.dumps(header).encode(), *exported[1:]], keys)


# --- tampering -------------------------------------------------------------------------------------------------------

FIELDS = {
    "id": str(uuid.UUID(int=5)), "tenant": 2, "at": 1, "type": 103, "outcome": 2, "actor_kind": 1, "actor_token": None,
    "subject": "00" * 16, "request": str(uuid.UUID(int=5)), "detail_sha256": "00" * 32, "key_id": 9, "mac": "00" * 32,
}  # fmt: skip


@pytest.mark.parametrize("field", FIELDS)
def test_a_changed_field_is_found(events: list[uuid.UUID], keys: Keys, field: str) -> None:
    exported = lines()
    event = json.loads(exported[150])["event"] | {field: FIELDS[field]}
    exported[150] = changed(exported[150], event=event)
    assert "positions 3 to 302 are not those that were signed" in refused(exported, keys)


def test_a_removed_an_added_and_a_moved_event_are_found(events: list[uuid.UUID], keys: Keys) -> None:
    exported = lines()
    at = of_kind(exported, "event")[100]
    position = json.loads(exported[at])["position"]
    assert f"position {position} is missing" in refused([*exported[:at], *exported[at + 1 :]], keys)
    assert f"position {position + 1} is missing" in refused(
        [*exported[: at + 1], exported[at], *exported[at + 1 :]], keys
    )
    renumbered = [changed(exported[at + 1], position=position), changed(exported[at], position=position + 1)]
    assert "positions 3 to 302 are not" in refused([*exported[:at], *renumbered, *exported[at + 2 :]], keys)


def test_a_cut_export_is_found(events: list[uuid.UUID], keys: Keys) -> None:
    exported = lines()
    assert "cut after position" in refused(exported[:-1], keys)
    assert "cut after position" in refused(exported[:50], keys)
    assert "no JSON object, or was cut" in refused([*exported[:50], exported[50][:40]], keys)
    without_last_head = [*exported[: of_kind(exported, "head")[-1]], exported[-1]]
    assert "without the head of size 343" in refused(without_last_head, keys)
    shortened = [changed(exported[0], to=303), *exported[: of_kind(exported, "head")[1] + 1][1:], exported[-1]]
    assert verifier.verify_export([shortened], keys).end == 303, "a whole export of an earlier time"


def test_heads_of_others_prove_nothing(events: list[uuid.UUID], keys: Keys) -> None:
    exported = lines()
    other = proofs.newest_checkpoint(2)
    note = other[1].note(other[0])
    for at in of_kind(exported, "head"):
        exported[at] = changed(exported[at], note=note)
    assert "signed by none of the public keys" in refused(exported, keys)
    both = Keys([*proofs.public_keys(tenant=1), *proofs.public_keys(tenant=2)])
    assert "or is of another tree" in refused(exported, both)


def test_a_changed_head_is_found(events: list[uuid.UUID], keys: Keys) -> None:
    exported = lines()
    at = of_kind(exported, "head")[0]
    note = json.loads(exported[at])["note"]
    for other in (note.replace("\n3\n", "\n4\n", 1), note.replace("time 1", "time 2"), note[:-5] + "AAA=\n"):
        assert "hold" in refused([*exported[:at], changed(exported[at], note=other), *exported[at + 1 :]], keys)
    for other in ("", "x", note.replace("— ", "- "), note.rstrip("\n"), note.split("\n\n")[0]):
        assert "malformed" in refused([*exported[:at], changed(exported[at], note=other), *exported[at + 1 :]], keys)


@pytest.mark.parametrize("junk", [b"", b"[]\n", b"{}\n", b'{"kind":"export"}\n', b"\xff\n", b"null\n", b"1\n"])
def test_what_is_no_export_is_refused(keys: Keys, junk: bytes) -> None:
    refused([junk] if junk else [], keys)


# --- retention and witnesses -----------------------------------------------------------------------------------------


def test_what_retention_deleted_is_told_and_proved(events: list[uuid.UUID], keys: Keys) -> None:
    before = event_millis(events[200])
    (number,) = retention.delete_events_before(before * 1000, 1000).values()
    exported = lines()
    done = verifier.verify_export([exported], keys)
    assert (done.events, done.pruned) == (343 - number, number)
    without = [line for at, line in enumerate(exported) if at not in of_kind(exported, "pruning")]
    assert "retention has not deleted it" in refused(without, keys)


def test_what_was_stolen_is_found_in_an_export_too(events: list[uuid.UUID], keys: Keys) -> None:
    retention.delete_events_before(event_millis(events[200]) * 1000, 1000)
    Event.objects.filter(pk=events[300]).delete()
    assert "position 300 is gone, and retention has not deleted it" in refused(lines(), keys)


def test_a_kept_head_shows_that_the_trail_was_written_anew(events: list[uuid.UUID], keys: Keys) -> None:
    exported = lines()
    origin = json.loads(exported[0])["origin"]
    root = bytes(Head.objects.get(tenant=1, size=303).root)
    assert verifier.verify_export([exported], keys, seen={origin: {303: root}}).end == 343
    assert "written anew" in refused(exported, keys, seen={origin: {303: bytes(32)}})
    assert "rolled back" in refused(exported, keys, seen={origin: {344: bytes(32)}})


# --- proofs of one event ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("position", [0, 2, 3, 255, 256, 342])
def test_a_proof_is_proved(events: list[uuid.UUID], keys: Keys, position: int) -> None:
    document = json.loads(json.dumps(proofs.proof_of(events[position], tenant=1).document()))
    head = verifier.verify_proof(document, keys)
    assert head.size == 343
    for field, value in FIELDS.items():
        changes = {"event": document["event"] | {field: value}}
        with pytest.raises(NotProved):
            verifier.verify_proof(document | changes, keys)
    for changes in (
        {"position": position + 1}, {"position": -1}, {"position": True}, {"path": document["path"][1:]},
        {"path": [*document["path"], "00" * 32]}, {"path": ["00"]}, {"path": 5}, {"head": ""}, {"head": None},
        {"format": "x"}, {"event": []}, {"event": {}},
    ):  # fmt: skip
        with pytest.raises(NotProved):
            verifier.verify_proof(document | changes, keys)
    with pytest.raises(NotProved):
        verifier.verify_proof(document, Keys(proofs.public_keys(tenant=2)))


def test_both_implementations_of_the_tree_agree() -> None:
    hashes = [merkle.leaf_hash(b"%d" % at) for at in range(70)]
    for size in range(1, 71):
        ours, theirs = merkle.Frontier(), verifier._Edge(0, [])
        for leaf in hashes[:size]:
            ours.append(leaf)
            theirs.append(leaf)
        assert theirs.root() == ours.root()
        assert list(ours.hashes) == theirs.hashes


@pytest.mark.parametrize("key", ["", "a", "a+b", "a+00000000+AQ==", "databunker/x+12345678+" + "A" * 44])
def test_what_is_no_public_key_is_refused(key: str) -> None:
    with pytest.raises(NotProved):
        Keys([key])


# --- the commands ----------------------------------------------------------------------------------------------------


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("audit", *arguments, stdout=out, stderr=io.StringIO())
    return out.getvalue()


def alone(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The one file, copied away from all else, in an environment without any setting."""
    return subprocess.run(
        [sys.executable, "-E", *arguments], env={"PATH": ""}, capture_output=True, text=True, timeout=60, check=False
    )


def test_an_auditor_needs_one_file_and_the_public_key(tmp_path: Path, events: list[uuid.UUID]) -> None:
    program, export, key = tmp_path / "verifier.py", tmp_path / "trail.jsonl", tmp_path / "key.txt"
    program.write_bytes((PROJECT / "audit" / "verifier.py").read_bytes())
    assert "goes on with --from 343" in run("export", str(export))
    key.write_text(run("public-key"))
    done = alone(str(program), "--public-key", str(key), str(export))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Proved: 343 events, positions 0 to 342 of databunker/")
    proof = tmp_path / "proof.json"
    proof.write_text(run("prove", str(events[5])))
    assert "position 5" in alone(str(program), "--public-key", key.read_text().strip(), str(proof)).stdout
    export.write_bytes(export.read_bytes().replace(b'"outcome":1', b'"outcome":2', 1))
    done = alone(str(program), "--public-key", str(key), str(export))
    assert (done.returncode, done.stdout[:10]) == (1, "NOT PROVED")
    assert alone(str(program), "--public-key", str(key), str(tmp_path / "nothing")).returncode == 2


def test_the_verifier_imports_nothing_of_ours() -> None:
    done = alone("-c", f"import sys; sys.path.insert(0, {str(PROJECT)!r}); import audit.verifier\n"
                       "print(*(name for name in sys.modules if name.partition('.')[0] in ('django', 'databunker', 'vault')))")  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "\n"), done.stderr


def test_verify_export_is_the_same(tmp_path: Path, events: list[uuid.UUID]) -> None:
    export = tmp_path / "trail.jsonl"
    run("export", str(export))
    key = run("public-key").strip()
    assert run("verify-export", "--public-key", key, str(export)).startswith("Proved: 343 events")
    export.write_bytes(export.read_bytes()[:-30])
    with pytest.raises(CommandError, match="NOT PROVED") as caught:
        run("verify-export", "--public-key", key, str(export))
    assert caught.value.returncode == 1


def test_verify_says_what_it_found_and_ends_so(events: list[uuid.UUID]) -> None:
    assert "350 events verified; 4 heads" in run("verify", "--processes", "1")
    Event.objects.filter(pk=events[7]).update(outcome=2)
    out = io.StringIO()
    with pytest.raises(CommandError, match="1 problems") as caught:
        call_command("audit", "verify", "--processes", "1", stdout=out, stderr=io.StringIO())
    assert caught.value.returncode == 1
    assert f"changed: event {events[7]} at position 7" in out.getvalue()
