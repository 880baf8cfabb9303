"""A backup that comes back though the master key is lost: those who hold recovery shares open it."""

from __future__ import annotations

import io
import os
import uuid
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from audit.models import Event
from databunker.access.actor import operator
from databunker.backup import BackupError, Recovery, verify_backup
from databunker.backup.events import BACKUP_RESTORED
from databunker.backup.format import PREFIX, parse_header
from databunker.crypto import masterkey, store
from databunker.crypto.errors import MasterKeyError, RecoveryError
from databunker.crypto.recovery import RecoverySecret
from databunker.crypto.shares import split
from databunker.keys import replace_shares, rotate_key, verify_shares
from tests.conftest import Api
from tests.support.backups import emptied, everything, restored, taken


@pytest.fixture
def shares(committed_api: Api) -> RecoverySecret:
    """Those that open the keyring; there is somebody in the vault."""
    committed_api.create(login="ann", email="ann@example.com")
    made = RecoverySecret.fresh()
    replace_shares(operator(), made, threshold=3, shares=5)
    return made


def lose_everything(settings: Any) -> None:
    """The database and the master key."""
    settings.DATABUNKER_MASTERKEY = settings.DATABUNKER_MASTERKEY_FILE = ""
    emptied()


def test_shares_open_a_backup_and_put_its_keys_under_a_new_master_key(
    shares: RecoverySecret, committed_api: Api, settings: Any
) -> None:
    rotate_key(operator())
    backup = taken()
    lose_everything(settings)
    master = masterkey.generate()
    settings.DATABUNKER_MASTERKEY = master.secret.hex()
    result = restored(backup, recovery=Recovery(shares, master))
    assert committed_api.get("/v1/user/email/ann@example.com").json()["data"]["login"] == "ann"
    assert result.checked.damaged == 0
    assert store.master_in_use() == master
    assert verify_shares(shares) > 0, "the same shares go on"
    assert Event.objects.filter(type=BACKUP_RESTORED.number).count() == 1


def test_without_the_master_key_and_without_shares_nothing_opens(shares: RecoverySecret, settings: Any) -> None:
    backup = taken()
    lose_everything(settings)
    with pytest.raises(MasterKeyError):
        restored(backup)
    with pytest.raises(RecoveryError, match="another split"):
        restored(backup, recovery=Recovery(RecoverySecret.fresh(), masterkey.generate()))
    assert not any(everything().values())


def test_the_shares_of_its_time_open_a_backup(shares: RecoverySecret, settings: Any) -> None:
    before = taken()
    other = RecoverySecret.fresh()
    replace_shares(operator(), other, threshold=2, shares=3)
    after = taken()
    settings.DATABUNKER_MASTERKEY = ""
    store.forget_cached()
    verify_backup(io.BytesIO(before), shares=shares)
    verify_backup(io.BytesIO(after), shares=other)
    for backup, wrong in ((before, other), (after, shares)):
        with pytest.raises(RecoveryError, match="another split"):
            verify_backup(io.BytesIO(backup), shares=wrong)


def test_a_backup_from_before_there_were_shares_says_so(committed_api: Api) -> None:
    backup = taken()
    assert header_of(backup).key.for_shares is None
    with pytest.raises(RecoveryError, match="before `manage.py keys split`"):
        verify_backup(io.BytesIO(backup), shares=RecoverySecret.fresh())


def test_the_key_of_one_backup_does_not_open_another(shares: RecoverySecret) -> None:
    """Each is bound to the backup's id, and the header to the first frame."""
    one, other = taken(), taken()
    sealed = [header_of(backup).key.for_shares or b"" for backup in (one, other)]
    changed = one.replace(sealed[0].hex().encode(), sealed[1].hex().encode())
    assert changed != one
    with pytest.raises(RecoveryError):
        verify_backup(io.BytesIO(changed), shares=shares)
    with pytest.raises(BackupError):
        verify_backup(io.BytesIO(changed))


def test_every_changed_byte_of_the_header_is_refused(shares: RecoverySecret) -> None:
    backup = taken()
    for at in range(0, len(PREFIX.pack(b"", 0, 0)) + PREFIX.unpack_from(backup)[2], 31):
        changed = bytearray(backup)
        changed[at] ^= 1
        with pytest.raises((BackupError, RecoveryError)):
            verify_backup(io.BytesIO(bytes(changed)), shares=shares)


# --- by the commands -------------------------------------------------------------------------------------------------


@pytest.fixture
def words(committed_api: Api) -> list[str]:
    committed_api.create(login="ann")
    secret = RecoverySecret.fresh()
    made = split(secret, threshold=3, shares=5)
    replace_shares(operator(), secret, threshold=3, shares=5)
    return made


def typed(words: list[str]) -> int:
    """A file descriptor that gives the shares."""
    reader, writer = os.pipe()
    os.write(writer, "\n".join(words).encode())
    os.close(writer)
    return reader


def test_restore_by_three_of_five(words: list[str], committed_api: Api, settings: Any, tmp_path: Path) -> None:
    file, key = tmp_path / "vault.backup", tmp_path / "master.key"
    file.write_bytes(taken())
    lose_everything(settings)
    settings.DATABUNKER_MASTERKEY_FILE = str(key)
    out = io.StringIO()
    call_command("backup", str(file), verify=True, recover=True, shares_fd=typed(words[:3]), stdout=out)
    assert "The backup is whole" in out.getvalue()
    assert not key.exists()
    call_command("restore", str(file), recover=True, shares_fd=typed(words[2:]), stdout=out)
    assert f"The new master key is in {key}" in out.getvalue()
    store.forget_cached()
    call_command("erasures", "replay", none=True, reason="a test", stdout=out)
    assert committed_api.get("/v1/user/login/ann").status_code == 200


def test_a_refused_restore_leaves_no_master_key_behind(
    words: list[str], committed_api: Api, settings: Any, tmp_path: Path
) -> None:
    file, key = tmp_path / "vault.backup", tmp_path / "master.key"
    file.write_bytes(taken()[:-1])
    lose_everything(settings)
    settings.DATABUNKER_MASTERKEY_FILE = str(key)
    with pytest.raises(CommandError, match="ends too early"):
        call_command("restore", str(file), recover=True, shares_fd=typed(words[:3]), stdout=io.StringIO())
    assert not key.exists()
    assert not any(everything().values())


def test_a_new_key_that_is_printed_serves_the_journal_too(
    words: list[str], committed_api: Api, settings: Any, tmp_path: Path
) -> None:
    file = tmp_path / "vault.backup"
    file.write_bytes(taken())
    gone = committed_api.get("/v1/user/login/ann").json()["token"]
    committed_api.delete(f"/v1/user/token/{gone}")
    journal = tmp_path / "erasures.jsonl"
    call_command("erasures", "export", str(journal), stdout=io.StringIO())
    lose_everything(settings)
    out = io.StringIO()
    call_command("restore", str(file), recover=True, shares_fd=typed(words[:3]), journal=[str(journal)], stdout=out)
    assert "1 people forgotten again" in out.getvalue()
    settings.DATABUNKER_MASTERKEY = out.getvalue().split("DATABUNKER_MASTERKEY=")[1].split()[0]
    store.forget_cached()
    assert committed_api.get("/v1/user/login/ann").status_code == 404
    assert uuid.UUID(gone)


def header_of(backup: bytes) -> Any:
    start = PREFIX.size
    return parse_header(backup[start : start + PREFIX.unpack_from(backup)[2]])
