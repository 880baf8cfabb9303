"""A vault that isn't ready doesn't half work: it says what is missing and ends."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.databases import scratch_database
from tests.support.vaults import SECONDS, Server, Vault, ended, new_vault, tokens_in


@pytest.fixture(scope="module")
def vault(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vault]:
    with new_vault(tmp_path_factory.mktemp("start")) as made:
        yield made


def refusal_to_start(vault: Vault, **settings: str) -> str:
    """What the server writes while it ends, by itself, without ever having listened."""
    server = Server(vault, **settings)
    server.start()
    assert server.process is not None
    try:
        code = server.process.wait(SECONDS)
        assert server.processes() == []
    finally:
        server.kill()
    text = server.log_text()
    assert code not in (0, None)
    assert "Listening" not in text
    assert "Traceback" not in text
    return text


OTHER_KEY = secrets.token_hex(32)
UNUSABLE: dict[str, tuple[dict[str, str], str]] = {
    "none": ({"DATABUNKER_MASTERKEY": ""}, "no master key: set DATABUNKER_MASTERKEY"),
    "another": (
        {"DATABUNKER_MASTERKEY": OTHER_KEY},
        "the master key is not the one that this vault's keyring was made with",
    ),
    "cut off": ({"DATABUNKER_MASTERKEY": OTHER_KEY[:40]}, "the master key must be 32 bytes"),
    "a file that is not there": (
        {"DATABUNKER_MASTERKEY": "", "DATABUNKER_MASTERKEY_FILE": "/nonexistent/key"},
        "DATABUNKER_MASTERKEY_FILE can't be read",
    ),
    "a command that fails": (
        {"DATABUNKER_MASTERKEY": "", "DATABUNKER_MASTERKEY_COMMAND": "false"},
        "DATABUNKER_MASTERKEY_COMMAND failed",
    ),
    "two at once": ({"DATABUNKER_MASTERKEY_COMMAND": "false"}, "set only one of"),
}


@pytest.mark.parametrize(("given", "says"), UNUSABLE.values(), ids=UNUSABLE)
def test_without_its_master_key_it_does_not_start(vault: Vault, given: dict[str, str], says: str) -> None:
    text = refusal_to_start(vault, **given)
    (line,) = [line for line in text.splitlines() if line.startswith("databunker: ")]
    assert says in line
    for key in (vault.master_key, OTHER_KEY, OTHER_KEY[:40]):
        assert key not in text


def test_a_vault_that_was_never_made_does_not_start(tmp_path: Path) -> None:
    with scratch_database(tmp_path) as database:
        text = refusal_to_start(Vault(database, tmp_path))
    assert re.search(r"databunker: .*run `manage\.py init`", text)


def test_a_setting_that_cannot_be_used_is_named(vault: Vault) -> None:
    server = Server(vault, BUNKER_THREADS="many")
    server.start()
    assert server.process is not None
    assert server.process.wait(SECONDS) != 0
    assert "BUNKER_THREADS must be a whole number" in server.log_text()
    server.kill()


@pytest.mark.slow
def test_a_master_key_from_a_file_or_a_command_is_as_good(vault: Vault) -> None:
    path = vault.folder / "master key"
    path.write_text(vault.master_key.upper() + "\n")
    for given in (
        {"DATABUNKER_MASTERKEY_FILE": str(path)},
        {"DATABUNKER_MASTERKEY_COMMAND": f"cat '{path}'"},
    ):
        with Server(vault, DATABUNKER_MASTERKEY="", **given) as server:
            caller = server.client()
            assert caller.call("GET", "/v1/audit/admin").status == 200
            caller.close()
            text = server.log_text()
        assert str(path) not in text
        assert vault.master_key not in text.lower()


@pytest.mark.slow
def test_many_hosts_that_init_at_once_make_one_vault(tmp_path: Path) -> None:
    with scratch_database(tmp_path) as database:
        vault = Vault(database, tmp_path)
        hosts = [vault.start_manage("init") for _ in range(6)]
        done = [ended(host) for host in hosts]
        assert [host.code for host in done] == [0] * 6, done
        tokens = [token for host in done for token in tokens_in(host.out)]
        assert len(tokens) == 1
        assert sum("A new vault is ready." in host.out for host in done) == 1
        counts = database.counts()
        assert counts["crypto_key"] == 6
        assert counts["access_token"] == counts["access_tenant"] == 1
        assert counts["gdpr_legal_basis"] == 2
        assert counts["audit_event"] == 3, "of the token and of each legal basis"
        vault.root_token = tokens[0]
        with Server(vault) as server:
            caller = server.client()
            caller.create(login="ann")
            caller.close()


@pytest.mark.slow
def test_many_hosts_without_a_master_key_make_one_and_show_it_once(tmp_path: Path) -> None:
    """The losers of the race find a vault that they have no key for, and say so."""
    with scratch_database(tmp_path) as database:
        vault = Vault(database, tmp_path, master_key="")
        done = [ended(host) for host in [vault.start_manage("init") for _ in range(3)]]
        keys = [
            key for host in done for key in re.findall(r"DATABUNKER_MASTERKEY=([0-9a-f]{64})$", host.out, re.MULTILINE)
        ]
        assert len(keys) == 1
        assert sorted(host.code for host in done) == [0, 1, 1]
        assert all("no master key is set to open it" in host.err for host in done if host.code)
        assert database.counts()["crypto_key"] == 6
        vault.master_key = keys[0]
        assert "up to date" in vault.manage("init").out
