"""Nobody who was forgotten comes back with a backup."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from audit.models import Event
from databunker import startup
from databunker.access.actor import Actor, ActorKind, operator
from databunker.access.models import TokenKind
from databunker.erasure import journal, outside
from databunker.erasure.errors import JournalError
from databunker.errors import AccessDenied, BadRequest, Conflict
from databunker.notify.models import Job, JobState
from tests.api.helpers import told_by
from tests.conftest import Api, new_token
from tests.support.backups import emptied, restored, taken
from vault.actions import (
    Fate,
    Newcomer,
    Replayed,
    adopt_people,
    rehearse_people,
    replay_journal,
    waive_journal,
)

from .conftest import read, stored

Forgotten = Callable[..., list[str]]


def data_of(api: Api, token: str) -> Any:
    return api.get(f"/v1/user/token/{token}").json().get("data")


def command(*arguments: str) -> str:
    out = io.StringIO()
    call_command(*arguments, stdout=out, stderr=io.StringIO(), no_color=True)
    return out.getvalue()


@pytest.fixture
def disaster(file: Path, committed_api: Api, forgotten: Forgotten) -> tuple[str, str, str]:
    """A vault as its backup has it: Ann and Bob are in it, who were forgotten since, and Cat, who wasn't. Their tokens.

    One was forgotten before the backup, and one came and went after it.
    """
    new_token(TokenKind.ROOT)
    forgotten("before")
    tokens = tuple(committed_api.create(login=login, n=1) for login in ("ann", "bob", "cat"))
    backup = taken()
    for token in tokens[:2]:
        assert committed_api.delete(f"/v1/user/token/{token}").status_code == 200
    forgotten("after")
    emptied()
    restored(backup, serves=False)
    return tokens


def test_a_restored_vault_serves_nobody_before_its_journal_was_replayed(
    disaster: tuple[str, str, str], committed_api: Api, file: Path, settings: Any
) -> None:
    with pytest.raises(
        startup.NotReady, match=r"people may be in it who were forgotten since: run `manage\.py erasures"
    ):
        startup.verify()
    assert data_of(committed_api, disaster[0]) == {"login": "ann", "n": 1}, "it is there to be read: hence the refusal"
    replay_journal(operator(), read(file))
    startup.verify()


def test_a_running_process_stops_serving_when_its_database_is_a_restored_one(committed_api: Api, settings: Any) -> None:
    """It looks whenever it reads the keyring anew."""
    from databunker.crypto import store

    token = committed_api.create(login="ann")
    startup.verify()
    backup = taken()
    emptied()
    restored(backup, serves=False)
    store.forget_cached()
    for path in (f"/v1/user/token/{token}", "/v1/user/login/ann", "/v1/audit/admin"):
        assert committed_api.get(path).status_code == 503
    assert committed_api.get("/status").status_code == 200
    waive_journal(operator(), reason="it is a test")
    assert committed_api.get(f"/v1/user/token/{token}").status_code == 200


def test_everybody_in_the_journal_is_forgotten_again(
    disaster: tuple[str, str, str], committed_api: Api, file: Path
) -> None:
    ann, bob, cat = disaster
    lines = read(file)
    with told_by() as told:
        assert replay_journal(operator(), lines) == Replayed(entries=4, forgotten=2, gaps=[])
    assert [data_of(committed_api, token) for token in (ann, bob, cat)] == [{}, {}, {"login": "cat", "n": 1}]
    assert committed_api.get("/v1/user/login/ann").status_code == 404
    assert [event.code for event in told] == ["record.forget", "record.forget", "erasure.replay"]
    assert told[0].detail["message"] == "by the erasure journal, after a restore"
    assert (told[-1].detail["entries"], told[-1].detail["forgotten"]) == (4, 2)
    assert stored() == lines
    assert list(journal.check_chain()) == []


def test_the_journal_goes_on_where_it_was(
    disaster: tuple[str, str, str], committed_api: Api, file: Path, forgotten: Forgotten
) -> None:
    before = file.read_bytes()
    replay_journal(operator(), read(file))
    startup.verify()
    assert file.read_bytes() == before
    forgotten("later")
    assert file.read_bytes().startswith(before)
    assert [entry.sequence for entry in read(file)] == [1, 2, 3, 4, 5]
    assert read(file) == stored()


def test_it_may_be_replayed_again_and_in_any_order(
    disaster: tuple[str, str, str], committed_api: Api, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vault.actions import replay

    monkeypatch.setattr(replay, "_BATCH", 2)
    lines = read(file)
    assert replay_journal(operator(), [*reversed(lines), *lines]).forgotten == 2
    assert replay_journal(operator(), lines) == Replayed(4, 0, [])
    assert stored() == lines


def test_a_replay_that_was_cut_is_taken_up_again(
    disaster: tuple[str, str, str], committed_api: Api, file: Path
) -> None:
    lines = read(file)

    def breaking() -> Any:
        yield from lines[:2]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        replay_journal(operator(), breaking())
    with pytest.raises(startup.NotReady):
        startup.verify()
    replay_journal(operator(), lines)
    startup.verify()
    assert data_of(committed_api, disaster[1]) == {}


def test_a_journal_with_a_gap_is_replayed_and_not_enough(
    disaster: tuple[str, str, str], committed_api: Api, file: Path
) -> None:
    ann, bob, _ = disaster
    lines = read(file)
    with pytest.raises(JournalError, match="erasures are missing from the journal: 2\\. Replay another copy"):
        replay_journal(operator(), [*lines[:1], *lines[2:]])
    assert [data_of(committed_api, token) for token in (ann, bob)] == [{"login": "ann", "n": 1}, {}]
    with pytest.raises(startup.NotReady):
        startup.verify()
    with pytest.raises(BadRequest, match="say why"):
        replay_journal(operator(), lines[2:], accept_gaps=True)
    done = replay_journal(operator(), lines[2:], accept_gaps=True, reason="the disk was damaged")
    assert done.gaps == [(2, 2)]
    assert journal.head().restored is None
    assert list(journal.check_chain()) == ["erasures 2 to 2 are missing"]
    replay_journal(operator(), lines)
    assert data_of(committed_api, ann) == {}
    assert list(journal.check_chain()) == []


def test_lines_of_another_vault_forget_nobody(disaster: tuple[str, str, str], committed_api: Api, file: Path) -> None:
    text = file.read_bytes().replace(b'"generation":2', b'"generation":3')
    from databunker.erasure.entries import read_lines

    with pytest.raises(JournalError, match="line 2 of the journal is not as this vault wrote it"):
        replay_journal(operator(), read_lines(text.splitlines()))
    assert data_of(committed_api, disaster[0]) == {"login": "ann", "n": 1}
    assert journal.head().restored is not None


def test_who_was_forgotten_in_another_life_of_the_vault_is_forgotten_too(
    disaster: tuple[str, str, str], committed_api: Api, file: Path, forgotten: Forgotten, settings: Any
) -> None:
    """The journal was found only after the vault had served without it, and forgotten others."""
    ann, bob, _ = disaster
    settings.ERASURE_JOURNAL_FILE = ""
    waive_journal(operator(), reason="it seemed lost")
    forgotten("later", "last")
    own = stored()
    assert replay_journal(operator(), read(file)).forgotten == 2
    assert [data_of(committed_api, token) for token in (ann, bob)] == [{}, {}]
    assert stored()[: len(own)] == own
    assert list(journal.check_chain()) == []
    settings.ERASURE_JOURNAL_FILE = str(file)
    with pytest.raises(JournalError, match="then set ERASURE_JOURNAL_FILE to a new file"):
        outside.flush()
    settings.ERASURE_JOURNAL_FILE = str(file) + ".new"
    assert outside.flush() == len(stored())


def test_it_is_declared_that_there_is_no_journal_and_why(disaster: tuple[str, str, str]) -> None:
    for reason in ("", "  ", "x" * 1001):
        with pytest.raises(BadRequest):
            waive_journal(operator(), reason=reason)
    with told_by() as told:
        waive_journal(operator(), reason="the disk is lost")
    assert [(event.code, event.detail) for event in told] == [("erasure.waive", {"message": "the disk is lost"})]
    with pytest.raises(Conflict, match="no journal is waited for"):
        waive_journal(operator(), reason="again")


def test_people_do_not_replay_journals(disaster: tuple[str, str, str], committed_api: Api) -> None:
    person = Actor(ActorKind.PERSON, token_id=1, subject=bytes(16))
    for act in (lambda: replay_journal(person, []), lambda: waive_journal(person, reason="x")):
        with pytest.raises(AccessDenied):
            act()


def test_an_import_that_is_done_again_brings_nobody_back(committed_api: Api, file: Path, root_actor: Actor) -> None:
    """Imported after the backup and forgotten; after the restore nothing but the journal knows of the person."""
    new_token(TokenKind.ROOT)
    backup = taken()
    people = [Newcomer(uuid4(), {"login": login}) for login in ("ann", "bob")]
    assert [one.fate for one in adopt_people(root_actor, people=people)] == [Fate.STORED] * 2
    assert committed_api.delete(f"/v1/user/token/{people[0].token}").status_code == 200
    emptied()
    restored(backup, serves=False)
    replay_journal(operator(), read(file))
    rehearsed = rehearse_people(root_actor, people=people, rehearsed=set())
    assert [one.fate for one in rehearsed] == [Fate.FORGOTTEN, Fate.STORED]
    assert adopt_people(root_actor, people=people) == rehearsed
    assert committed_api.get(f"/v1/user/token/{people[0].token}").status_code == 404
    assert data_of(committed_api, str(people[1].token)) == {"login": "bob"}


# --- the commands ------------------------------------------------------------------------------------------------------


def test_the_commands_say_what_is_to_be_done(disaster: tuple[str, str, str], file: Path, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="see above"):
        command("erasures", "status")
    with pytest.raises(CommandError, match="name the journals, or say --none"):
        command("erasures", "replay")
    with pytest.raises(CommandError, match="absent: the journal can't be read: No such file"):
        command("erasures", "replay", str(tmp_path / "absent"))
    assert command("erasures", "replay", str(file)) == "4 erasures read, 2 people forgotten again.\n"
    told = command("erasures", "status")
    assert told.startswith("Erasures: 4, the last one at ")
    assert told.endswith("In ERASURE_JOURNAL_FILE: 4\n")
    exported = tmp_path / "exported.jsonl"
    assert command("erasures", "export", str(exported)) == "4 erasures.\n"
    assert exported.read_bytes() == file.read_bytes()
    assert Event.objects.filter(type=332).count() == 1


def test_what_is_not_outside_is_told(forgotten: Forgotten, file: Path, settings: Any) -> None:
    forgotten("ann")
    file.unlink()
    out = io.StringIO()
    with pytest.raises(CommandError):
        call_command("erasures", "status", stdout=out)
    assert "Not in ERASURE_JOURNAL_FILE: 1." in out.getvalue()
    settings.ERASURE_JOURNAL_FILE = ""
    with pytest.raises(CommandError):
        call_command("erasures", "status", stdout=out)
    assert "Nothing is kept outside" in out.getvalue()


def test_a_restore_replays_the_journals_that_it_is_given(
    committed_api: Api, forgotten: Forgotten, file: Path, tmp_path: Path, settings: Any
) -> None:
    token = committed_api.create(login="ann")
    (tmp_path / "vault.backup").write_bytes(taken())
    committed_api.delete(f"/v1/user/token/{token}")
    (tmp_path / "copy.jsonl").write_bytes(file.read_bytes())
    for own, arguments in (("", ["--journal", str(tmp_path / "copy.jsonl")]), (str(file), [])):
        settings.ERASURE_JOURNAL_FILE = own
        emptied()
        told = command("restore", str(tmp_path / "vault.backup"), *arguments)
        assert "The erasure journal: 1 erasures read, 1 people forgotten again." in told
        assert data_of(committed_api, token) == {}
        assert journal.head().restored is None
    settings.ERASURE_JOURNAL_FILE = ""
    emptied()
    told = command("restore", str(tmp_path / "vault.backup"))
    assert "No erasure journal was replayed: nothing serves this vault until" in told
    emptied()
    with pytest.raises(CommandError, match="absent: the journal can't be read"):
        command("restore", str(tmp_path / "vault.backup"), "--journal", str(tmp_path / "absent"))
    assert journal.head().restored is None, "it was not even begun"


def test_what_waited_in_the_outbox_may_be_held(
    committed_api: Api, tmp_path: Path, settings: Any, forgotten: Forgotten
) -> None:
    settings.NOTIFICATION_URL, settings.NOTIFICATION_SECRET = "https://hooks.example.com/", "x" * 32
    committed_api.create(login="ann")
    committed_api.create(login="bob")
    backup = tmp_path / "vault.backup"
    backup.write_bytes(taken())
    emptied()
    assert "Held back" not in command("restore", str(backup))
    assert set(Job.objects.values_list("state", flat=True)) == {JobState.DUE}
    emptied()
    assert "Held back in the outbox: 2 messages" in command("restore", str(backup), "--hold-outbox")
    assert set(Job.objects.values_list("state", "last_error")) == {(JobState.DEAD, "Held")}
    assert "2 to be tried again" in command("notifications", "replay", "--all")
    assert set(Job.objects.values_list("state", flat=True)) == {JobState.DUE}
