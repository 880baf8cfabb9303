"""Recovery shares at a terminal: the real program, and people who read and type."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from databunker.crypto.recovery import RecoverySecret
from databunker.crypto.shares import split
from tests.support.terminals import Person
from tests.support.vaults import PROJECT, Ended, Vault, new_vault

SECOND_SCREEN, FIRST_SCREEN = "\x1b[?1049h", "\x1b[?1049l"


@pytest.fixture(scope="module")
def vault(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vault]:
    with new_vault(tmp_path_factory.mktemp("ceremony")) as made:
        yield made


def write_down(person: Person, number: int, of: int) -> str:
    """What a holder has on paper: the words in the order of their numbers."""
    shown = person.sees(rf"Share {number} of {of}: for the eyes.*?Press Enter").group()
    words = dict(re.findall(r"(\d+)\. ([a-z]+)", shown))
    return " ".join(words[str(at)] for at in range(1, len(words) + 1))


def answer(person: Person, paper: str) -> None:
    """Four words of the paper, by their numbers."""
    for _ in range(4):
        asked = int(person.sees(r"Word (\d+): ").group(1))
        person.types(paper.split()[asked - 1])


def make_shares(vault: Vault, *arguments: str, number: int = 5, again: bool = False) -> list[str]:
    papers = []
    with Person(vault, "keys", "split", *arguments) as person:
        if again:
            person.sees(r"There are shares already: .*\[y/N\] ")
            person.types("y")
        for at in range(1, number + 1):
            papers.append(write_down(person, at, number))
            person.types("")
            answer(person, papers[-1])
        assert person.ends() == 0, person.seen
        told = person.seen.rpartition(FIRST_SCREEN)[2]
        assert "shares open the keyring now" in told
        # One or two of a share's words may stand in a sentence by chance.
        assert len(set(papers[0].split()) & set(told.split())) <= 2, "words stay on the screen"
        assert person.seen.count(SECOND_SCREEN) == person.seen.count(FIRST_SCREEN) == 1
    return papers


def by_descriptor(vault: Vault, verb: str, shares: list[str], *arguments: str, **settings: str) -> Ended:
    """The shares come from a program, through a pipe."""
    reader, writer = os.pipe()
    with os.fdopen(writer, "w") as pipe:
        pipe.write("\n".join(shares) + "\n")
    try:
        done = subprocess.run(
            [sys.executable, str(PROJECT / "manage.py"), "keys", verb, "--shares-fd", str(reader), *arguments],
            cwd=vault.folder, env=vault.environment(**settings), stdin=subprocess.DEVNULL, capture_output=True,
            text=True, pass_fds=[reader], check=False, timeout=60,
        )  # fmt: skip
    finally:
        os.close(reader)
    return Ended(done.returncode, done.stdout, done.stderr)


def token_of_ann(vault: Vault) -> str:
    return vault.script(
        "from databunker.access.actor import operator\n"
        "from vault import queries\n"
        "print(queries.read_record(operator(), mode='login', identity='ann').token)"
    )


@pytest.mark.slow
def test_the_whole_ceremony(vault: Vault, tmp_path: Path) -> None:
    """Split, rehearse, lose the master key, recover into a file, split anew, recover and have it printed."""
    vault.script(
        "from databunker.access.actor import operator\n"
        "from vault import actions\n"
        "actions.create_record(operator(), profile={'login': 'ann'})"
    )
    token = token_of_ann(vault)
    papers = make_shares(vault)
    rehearsed = by_descriptor(vault, "verify-shares", papers[:3], DATABUNKER_MASTERKEY="")
    assert (rehearsed.code, rehearsed.err) == (0, "")
    assert "Nothing was changed" in rehearsed.out
    assert rehearsed.out.startswith("These shares open all ")

    # The master key is lost. Three people come together.
    file = tmp_path / "master.key"
    with Person(vault, "keys", "recover", DATABUNKER_MASTERKEY="", DATABUNKER_MASTERKEY_FILE=str(file)) as person:
        person.sees(r"Share 1: all words on one line")
        person.types(papers[4])
        person.sees(r"Share 2 of 3")
        person.types(papers[4])
        person.sees(r"This share was entered already\. Try again")
        person.types(" ".join(word[:4] for word in papers[0].split()))
        person.sees(r"Share 3 of 3")
        person.types(papers[2].replace(papers[2].split()[7], "academic", 1))
        person.sees(r"This is no share")
        person.types(papers[2])
        assert person.ends() == 0, person.seen
        assert f"The new master key is in {file}" in person.seen.rpartition(FIRST_SCREEN)[2]
    assert vault.manage("keys", "rotate").code != 0, "the lost master key still opens the vault"
    vault.settings |= {"DATABUNKER_MASTERKEY": "", "DATABUNKER_MASTERKEY_FILE": str(file)}
    assert file.stat().st_mode & 0o777 == 0o600
    assert token_of_ann(vault) == token

    # A file that is there is not overwritten; the shares are good once more.
    refused = by_descriptor(vault, "recover", papers[:3])
    assert refused.code != 0
    assert "is there: move it away" in refused.err
    used = by_descriptor(vault, "recover", papers[:3], "--use-configured")
    assert used.code == 0, used.err
    assert token_of_ann(vault) == token

    newer = make_shares(vault, "--shares", "3", "--threshold", "2", number=3, again=True)
    old = by_descriptor(vault, "recover", papers[:3], DATABUNKER_MASTERKEY_FILE="")
    assert old.code != 0
    assert "earlier split" in old.err
    assert token_of_ann(vault) == token
    printed = by_descriptor(vault, "recover", newer[1:], DATABUNKER_MASTERKEY_FILE="")
    assert printed.code == 0, printed.err
    vault.settings["DATABUNKER_MASTERKEY_FILE"] = ""
    vault.settings["DATABUNKER_MASTERKEY"] = re.findall(
        r"DATABUNKER_MASTERKEY=([0-9a-f]{64})$", printed.out, re.MULTILINE
    )[0]
    assert token_of_ann(vault) == token

    # No word of any share, nor a key, was written to a file.
    written = b"".join(path.read_bytes() for path in vault.folder.rglob("*") if path.is_file())
    for paper in (*papers, *newer):
        assert " ".join(paper.split()[4:7]).encode() not in written


@pytest.mark.slow
def test_whoever_can_not_give_the_words_back_has_not_written_them_down(vault: Vault) -> None:
    before = vault.script("from databunker.crypto.models import WrappedKey\nprint(WrappedKey.objects.count())")
    with Person(vault, "keys", "split", "--shares", "2", "--threshold", "2") as person:
        if "There are shares" in person.sees(r"There are shares already|Share 1 of 2").group():
            person.types("y")
        for _ in range(3):
            person.sees("Press Enter when")
            person.types("")
            for _ in range(4):
                person.sees(r"Word (\d+): ")
                person.types("nothing")
            person.sees("That is not the word")
            person.types("")
        assert person.ends() != 0
        assert "share 1 was not written down: nothing was changed" in person.seen
    assert vault.script("from databunker.crypto.models import WrappedKey\nprint(WrappedKey.objects.count())") == before


def test_without_a_terminal_nothing_is_shown(vault: Vault) -> None:
    for verb in ("split", "recover", "verify-shares"):
        done = vault.manage("keys", verb)
        assert done.code != 0
        assert "this is done at a terminal" in done.err


@pytest.mark.slow
@pytest.mark.parametrize(
    ("shares", "why"),
    [
        ([], "too few shares"),
        (split(RecoverySecret(bytes(32)), threshold=3, shares=5)[:2], "too few shares: 1 more are needed"),
        (split(RecoverySecret(bytes(32)), threshold=2, shares=2), "open this keyring|has not been run"),
        (["not a share"], "this is no share"),
    ],
)
def test_shares_that_open_nothing_are_refused(vault: Vault, shares: list[str], why: str) -> None:
    for verb in ("recover", "verify-shares"):
        done = by_descriptor(vault, verb, shares)
        assert done.code != 0
        assert re.search(why, done.err)
        assert "Traceback" not in done.err
