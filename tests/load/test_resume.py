"""A load that stopped goes on where it was, with the files that it wrote, and with no others."""

from __future__ import annotations

import fcntl
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from django.core.management.base import CommandError

from databunker.access.actor import operator
from vault.loading import LoadStopped, Options, Tally, load, open_source, progress
from vault.loading.display import summary
from vault.models import LoadProgress, Record

from .conftest import Folder, rows_of, stored_people

RECORDS: list[Any] = [{"login": f"user{n}", "n": n} if n % 7 else {"n": n} for n in range(100)]
GOOD = [record for record in RECORDS if "login" in record]
TOKENS = "tokens.jsonl"


@pytest.fixture
def file(folder: Folder) -> Path:
    return folder.jsonl("people.jsonl", *RECORDS)


def part(folder: Folder, file: Path, *, batches: int = 3, tokens: str | None = TOKENS, batch: int = 10) -> Tally:
    """A run that is stopped after so many batches."""
    told: list[int] = []
    options = Options(Path(f"{file}.rejects.jsonl"), folder.path / tokens if tokens else None, batch, restart=False)
    return run(file, options, tell=lambda tally: told.append(tally.read), stopped=lambda: len(told) >= batches)


def run(
    file: Path, options: Options, *, tell: Callable[[Tally], Any], stopped: Callable[[], bool] = lambda: False
) -> Tally:
    with closing(open_source(str(file), format_name=None, name=None, tenant=1)) as source:
        return load(operator(), source, options, tell=tell, stopped=stopped)


def reference_of(file: Path) -> bytes:
    with closing(open_source(str(file), format_name=None, name=None, tenant=1)) as source:
        assert source.reference is not None
        return source.reference


def check_all_loaded(folder: Folder, file: Path) -> None:
    """Each person once, each line of both files once and in order."""
    stored = stored_people()
    assert {login: profile for login, (_, profile) in stored.items()} == {record["login"]: record for record in GOOD}
    tokens = rows_of(folder.path / TOKENS)
    assert [(row["line"], row["token"]) for row in tokens] == [
        (record["n"] + 1, stored[record["login"]][0]) for record in GOOD
    ]
    assert [line for line, _, _ in folder.rejects(file)] == [r["n"] + 1 for r in RECORDS if "login" not in r]
    assert len({row["load"] for row in tokens}) == 1
    row = LoadProgress.objects.get()
    assert (row.position, row.created_records, row.rejected_records) == (100, len(GOOD), 100 - len(GOOD))
    assert row.tokens_size == (folder.path / TOKENS).stat().st_size
    assert row.rejects_size == Path(f"{file}.rejects.jsonl").stat().st_size


@pytest.mark.parametrize("batches", [1, 3, 9])
def test_a_stopped_load_goes_on(folder: Folder, file: Path, batches: int) -> None:
    tally = part(folder, file, batches=batches)
    assert not tally.complete
    assert tally.read == 10 * batches
    said = folder.load(file, tokens=folder.path / TOKENS, batch=17)
    assert f"Skipped:  {10 * batches:>12} records that an earlier run loaded" in said.out
    check_all_loaded(folder, file)


def test_a_completed_load_has_nothing_to_do_wherever_its_files_are(folder: Folder, file: Path) -> None:
    folder.load(file)
    before = stored_people()
    Path(f"{file}.rejects.jsonl").rename(folder.path / "kept")
    said = folder.load(file)
    assert said.out.startswith(f"All 100 records of {file} were loaded by an earlier run: nothing to do.")
    assert stored_people() == before


def test_a_renamed_file_goes_on(folder: Folder, file: Path) -> None:
    part(folder, file)
    moved = file.rename(folder.path / "renamed.jsonl")
    Path(f"{file}.rejects.jsonl").rename(f"{moved}.rejects.jsonl")
    folder.load(moved, tokens=folder.path / TOKENS)
    check_all_loaded(folder, moved)


def test_a_changed_file_is_another_input(folder: Folder, file: Path) -> None:
    folder.load(file, rejects=folder.path / "first")
    changed = folder.jsonl("people.jsonl", *RECORDS, {"login": "new"})
    said = folder.load(changed, rejects=folder.path / "second")
    assert "Created:             1\n" in said.out
    assert LoadProgress.objects.count() == 2


def torn(path: Path) -> None:
    with path.open("ab") as out:
        out.write(path.read_bytes()[:37])


def whole_batch(path: Path) -> None:
    content = path.read_bytes()
    with path.open("ab") as out:
        out.write(content)


@pytest.mark.parametrize("damage", [torn, whole_batch])
def test_what_a_killed_load_wrote_beyond_its_last_commit_is_cut_off(
    folder: Folder, file: Path, damage: Callable[[Path], None]
) -> None:
    part(folder, file)
    damage(folder.path / TOKENS)
    damage(Path(f"{file}.rejects.jsonl"))
    folder.load(file, tokens=folder.path / TOKENS, batch=10)
    check_all_loaded(folder, file)


class Killed(BaseException):
    """Stands for a power cut."""


@pytest.mark.parametrize("survived", [5, 25, 10_000])
def test_killed_between_the_files_and_the_commit_of_the_first_batch(
    folder: Folder, file: Path, monkeypatch: pytest.MonkeyPatch, survived: int
) -> None:
    def die(*_: Any) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(progress, "advance", die)
        with pytest.raises(Killed):
            part(folder, file)
    assert Record.objects.count() == 0
    for path in (folder.path / TOKENS, Path(f"{file}.rejects.jsonl")):
        content = path.read_bytes()
        assert content
        path.write_bytes(content[:survived])
    folder.load(file, tokens=folder.path / TOKENS)
    check_all_loaded(folder, file)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda tokens: tokens.unlink(), "is not the file that the earlier run"),
        (lambda tokens: tokens.write_bytes(tokens.read_bytes()[:-1]), "is not the file that the earlier run"),
        (lambda tokens: tokens.write_bytes(b"x" * 10_000), "is not the file that the earlier run"),
    ],
    ids=["gone", "cut", "another"],
)
def test_a_load_goes_on_only_with_its_own_files(
    folder: Folder, file: Path, change: Callable[[Path], Any], message: str
) -> None:
    part(folder, file)
    tokens = folder.path / TOKENS
    change(tokens)
    left = tokens.read_bytes() if tokens.exists() else None
    with pytest.raises(CommandError, match=message) as refused:
        folder.load(file, tokens=tokens)
    assert refused.value.returncode == 2
    assert (tokens.read_bytes() if tokens.exists() else None) == left
    assert Record.objects.count() == len([r for r in RECORDS[:30] if "login" in r])


def test_the_file_of_another_load_is_not_taken_even_before_the_first_commit(folder: Folder, file: Path) -> None:
    """Its lines look alike; the tag tells them apart."""
    other = folder.jsonl("other.jsonl", *({"login": f"other{n}"} for n in range(5)))
    folder.load(other, tokens=folder.path / "others")
    part(folder, file, batches=0)
    content = (folder.path / "others").read_bytes()
    with pytest.raises(CommandError, match="is not the file that the earlier run"):
        folder.load(file, tokens=folder.path / "others")
    assert (folder.path / "others").read_bytes() == content


def test_tokens_are_asked_for_from_the_start_or_not_at_all(folder: Folder, file: Path) -> None:
    part(folder, file)
    with pytest.raises(CommandError, match="wrote a file of tokens"):
        folder.load(file)
    second = folder.jsonl("second.jsonl", *({"login": f"second{n}"} for n in range(20)))
    part(folder, second, batches=1, tokens=None)
    with pytest.raises(CommandError, match="stored 10 people without --tokens"):
        folder.load(second, tokens=folder.path / "late")
    assert not (folder.path / "late").exists()
    folder.load(second)
    folder.load(file, tokens=folder.path / TOKENS)
    assert len(stored_people()) == len(GOOD) + 20


def test_restart_begins_anew_and_stores_nobody_twice(folder: Folder, file: Path) -> None:
    part(folder, file)
    folder.load(file, tokens=folder.path / TOKENS, restart=True)
    assert len(stored_people()) == len(GOOD)
    reasons = Counter(reason for _, reason, _ in folder.rejects(file))
    assert reasons["duplicate index: login"] == len([r for r in RECORDS[:30] if "login" in r])
    assert [row["line"] for row in rows_of(folder.path / TOKENS)] == [r["n"] + 1 for r in GOOD if r["n"] >= 30]
    assert LoadProgress.objects.get().position == 100


def test_a_second_load_of_the_same_input_stops_the_one_that_was_overtaken(folder: Folder, file: Path) -> None:
    told: list[int] = []

    def overtaken(tally: Tally) -> None:
        told.append(tally.read)
        LoadProgress.objects.update(position=40)

    options = Options(folder.path / "rejects", folder.path / TOKENS, 10, restart=False)
    with pytest.raises(LoadStopped, match="another load of this input"):
        run(file, options, tell=overtaken)
    assert told == [10]
    assert len(stored_people()) == len([r for r in RECORDS[:10] if "login" in r])


def test_a_load_that_was_restarted_elsewhere_stops_even_at_the_same_position(folder: Folder, file: Path) -> None:
    reference = reference_of(file)

    def restarted(_: Tally) -> None:
        progress.forget(1, reference)
        row = progress.begin(1, reference).row
        LoadProgress.objects.filter(id=row).update(position=10)

    options = Options(folder.path / "rejects", None, 10, restart=False)
    with pytest.raises(LoadStopped, match="another load of this input"):
        run(file, options, tell=restarted)
    assert len(stored_people()) == len([r for r in RECORDS[:10] if "login" in r])


def test_two_loads_that_begin_at_once(folder: Folder, file: Path) -> None:
    progress.begin(1, reference_of(file))
    with pytest.raises(LoadStopped, match="another load of this input"):
        progress.begin(1, reference_of(file))


@pytest.mark.parametrize("name", [TOKENS, "people.jsonl.rejects.jsonl"])
def test_two_loads_never_write_to_the_same_file(folder: Folder, file: Path, name: str) -> None:
    part(folder, file)
    before = {path: path.read_bytes() for path in folder.path.iterdir()}
    with (folder.path / name).open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(CommandError, match="another load is writing"):
            folder.load(file, tokens=folder.path / TOKENS, restart=True)
    assert {path: path.read_bytes() for path in folder.path.iterdir()} == before
    folder.load(file, tokens=folder.path / TOKENS)
    check_all_loaded(folder, file)


def test_an_input_that_grows_while_it_is_loaded_is_noticed(folder: Folder, file: Path) -> None:
    def append(_: Tally) -> None:
        with file.open("ab") as out:
            out.write(b'{"login":"late"}\n')

    options = Options(folder.path / "rejects", None, 10, restart=False)
    with pytest.raises(LoadStopped, match="was changed while it was being loaded"):
        run(file, options, tell=append)


def test_the_database_holds_nothing_that_tells_which_file_was_loaded(folder: Folder, file: Path) -> None:
    import hashlib

    part(folder, file)
    row = LoadProgress.objects.get()
    content = file.read_bytes()
    for size in (16, 32, 64):
        assert bytes(row.source) not in hashlib.blake2b(content, digest_size=size).digest()


def test_the_summary_says_what_an_earlier_run_did(folder: Folder, file: Path) -> None:
    tally = part(folder, file)
    options = Options(Path("r"), Path("t"), 10, restart=False)
    text = summary(tally, options, label="people.jsonl", seconds=2.0)
    assert text.splitlines() == [
        "Read:               30 records in 2.0 s: 15 a second",
        "Created:            25",
        "Rejected:            5",
        "                     5 failed to create user, all user lookup fields are missing",
        "Rejected records: r",
        "Tokens:           t",
    ]
