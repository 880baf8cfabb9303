"""`manage.py init`: a vault is made ready once, or nothing is."""

from __future__ import annotations

import io
import re
import stat
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connections

from databunker.access import tokens
from databunker.access.models import AccessToken, Tenant, TokenKind
from databunker.crypto import store
from databunker.crypto.models import WrappedKey
from gdpr.models import LegalBasis
from tests.api.helpers import contents, told_by, unreachable_database
from tests.conftest import Api
from tests.support.damage import flipped
from tests.support.transit import Transit

KEY = "3b0c9f0de7a2b54168f4a1b3c57e92d80f6a1d2c4b8e7f90a1b2c3d4e5f60718"
OTHER_KEY = "94a1f0b7c3d2e5f6a7b8c9d0e1f2a3b4c5d6e7f8091a2b3c4d5e6f708192a3b4"
ROOT_TOKEN = "f0f2ab0c-6c7b-4c0e-9e8d-3d1c7a5b9e21"

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def bare(settings: Any) -> None:
    """A new vault and an empty configuration."""
    settings.DATABUNKER_MASTERKEY = settings.DATABUNKER_MASTERKEY_FILE = settings.DATABUNKER_MASTERKEY_COMMAND = ""
    settings.DATABUNKER_ROOTTOKEN = ""
    settings.DATABUNKER_DEMO = False


def init() -> str:
    """What it prints, started as by a new process."""
    store.forget_cached()
    tokens.forget_cached()
    out = io.StringIO()
    call_command("init", stdout=out, no_color=True)
    return out.getvalue()


def refusal() -> str:
    """Why it refused; it must leave everything as it was."""
    before = contents()
    with pytest.raises(CommandError) as refused:
        init()
    assert contents() == before
    return str(refused.value)


def printed(text: str) -> tuple[str, str]:
    """The master key and the root token in what was printed."""
    (key,) = re.findall(r"DATABUNKER_MASTERKEY=([0-9a-f]{64})$", text, re.MULTILINE)
    (token,) = re.findall(r"X-Bunker-Token: (\S+)$", text, re.MULTILINE)
    return key, token


def test_a_new_vault_gets_keyring_tenant_and_root_token_and_prints_the_secrets_once(settings: Any) -> None:
    first = init()
    key, token = printed(first)
    assert "A new vault is ready." in first
    assert WrappedKey.objects.count() == 6
    assert Tenant.objects.get().name == "default"
    row = AccessToken.objects.get()
    assert (row.kind, row.label, row.expires, row.revoked) == (TokenKind.ROOT, "root", None, None)

    settings.DATABUNKER_MASTERKEY = key
    before = contents()
    second = init()
    assert "The vault is up to date." in second
    assert key not in second
    assert token not in second
    assert contents() == before

    assert Api(token).create(login="ann")
    assert Api(token).get("/v1/user/login/ann").status_code == 200


def test_a_given_master_key_is_taken_and_never_printed(settings: Any) -> None:
    settings.DATABUNKER_MASTERKEY = KEY
    assert KEY not in init()
    assert "DATABUNKER_MASTERKEY" not in init()
    assert len(store.load_keyring(store.configured_master_key() or pytest.fail("no key"))) == 6


def test_a_named_file_that_is_not_there_is_made_for_its_owner_alone(settings: Any, tmp_path: Path) -> None:
    path = tmp_path / "keys" / "master"
    settings.DATABUNKER_MASTERKEY_FILE = str(path)
    text = init()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    key = path.read_text().strip()
    assert re.fullmatch("[0-9a-f]{64}", key)
    assert str(path) in text
    assert key not in text
    before = path.read_bytes()
    assert str(path) not in init()
    assert path.read_bytes() == before


def test_a_key_management_service_encrypts_the_new_master_key(settings: Any) -> None:
    """It is shown to nobody; what it became is printed to be set."""
    with Transit() as service:
        for name, value in (service.settings() | {"OUTGOING_ALLOW_PRIVATE": ["127.0.0.1"]}).items():
            setattr(settings, name, value)
        text = init()
        (ciphertext,) = re.findall(r"DATABUNKER_MASTERKEY_TRANSIT=(vault:v1:\S+)$", text, re.MULTILINE)
        assert "DATABUNKER_MASTERKEY=" not in text
        settings.DATABUNKER_MASTERKEY_TRANSIT = ciphertext
        assert "The vault is up to date." in init()
        assert len(store.current_keyring()) == 6


def test_a_service_that_may_encrypt_but_not_decrypt_makes_no_vault(settings: Any) -> None:
    with Transit() as service:
        for name, value in (service.settings() | {"OUTGOING_ALLOW_PRIVATE": ["127.0.0.1"]}).items():
            setattr(settings, name, value)
        service.may = {"encrypt"}
        assert refusal() == "Transit (TRANSIT_URL) did not decrypt the master key: HTTP 403"


def test_a_named_file_that_is_there_is_taken(settings: Any, tmp_path: Path) -> None:
    path = tmp_path / "master"
    path.write_text(KEY + "\n")
    settings.DATABUNKER_MASTERKEY_FILE = str(path)
    assert KEY not in init()
    settings.DATABUNKER_MASTERKEY_FILE, settings.DATABUNKER_MASTERKEY = "", KEY
    assert "up to date" in init()


def test_a_command_gives_the_master_key(settings: Any) -> None:
    settings.DATABUNKER_MASTERKEY_COMMAND = f"{sys.executable} -c \"print('{KEY}')\""
    assert KEY not in init()
    settings.DATABUNKER_MASTERKEY_COMMAND, settings.DATABUNKER_MASTERKEY = "", KEY
    assert "up to date" in init()


@pytest.mark.parametrize(
    ("source", "value", "says"),
    [
        ("DATABUNKER_MASTERKEY", "zx9secret", "32 bytes"),
        ("DATABUNKER_MASTERKEY", KEY[:-2], "32 bytes"),
        ("DATABUNKER_MASTERKEY", KEY + "00", "32 bytes"),
        ("DATABUNKER_MASTERKEY", "g" * 64, "32 bytes"),
        ("DATABUNKER_MASTERKEY", "0" * 64, "one byte repeated"),
        ("DATABUNKER_MASTERKEY_FILE", "/dev/null", "32 bytes"),
        ("DATABUNKER_MASTERKEY_FILE", "/", "can't be read"),
        ("DATABUNKER_MASTERKEY_COMMAND", "/nonexistent/kms-client", "DATABUNKER_MASTERKEY_COMMAND failed"),
        ("DATABUNKER_MASTERKEY_COMMAND", "false", "DATABUNKER_MASTERKEY_COMMAND failed"),
        ("DATABUNKER_MASTERKEY_COMMAND", "echo zx9secret", "32 bytes"),
        ("DATABUNKER_MASTERKEY_COMMAND", "echo 'unbalanced", "DATABUNKER_MASTERKEY_COMMAND failed"),
    ],
)
def test_an_unusable_master_key_makes_no_vault(settings: Any, source: str, value: str, says: str) -> None:
    setattr(settings, source, value)
    message = refusal()
    assert says in message
    assert "zx9secret" not in message
    assert not WrappedKey.objects.exists()


def test_two_sources_of_the_master_key_make_no_vault_and_no_file(settings: Any, tmp_path: Path) -> None:
    path = tmp_path / "master"
    settings.DATABUNKER_MASTERKEY = KEY
    settings.DATABUNKER_MASTERKEY_FILE = str(path)
    assert "set only one of" in refusal()
    assert not path.exists()


def test_another_master_key_than_the_vaults_is_refused(settings: Any) -> None:
    settings.DATABUNKER_MASTERKEY = KEY
    init()
    settings.DATABUNKER_MASTERKEY = OTHER_KEY
    message = refusal()
    assert "not the one that this vault's keyring was made with" in message
    assert OTHER_KEY not in message


def test_a_vault_with_a_keyring_and_no_master_key_is_refused(settings: Any, tmp_path: Path) -> None:
    settings.DATABUNKER_MASTERKEY = KEY
    init()
    settings.DATABUNKER_MASTERKEY = ""
    assert "no master key is set to open it" in refusal()
    settings.DATABUNKER_MASTERKEY_FILE = str(tmp_path / "lost")
    assert "can't be read" in refusal()
    assert not (tmp_path / "lost").exists(), "a new key in the place of a lost one would hide the loss"


def test_a_keyring_that_was_tampered_with_is_refused(settings: Any) -> None:
    settings.DATABUNKER_MASTERKEY = KEY
    init()
    key = WrappedKey.objects.order_by("id").first()
    assert key is not None
    WrappedKey.objects.filter(pk=key.pk).update(wrapped=flipped(bytes(key.wrapped)))
    assert "was changed in the database" in refusal()


# --- the root token --------------------------------------------------------------------------------------------------


def test_a_given_root_token_is_stored_as_a_hash_and_never_printed(settings: Any) -> None:
    settings.DATABUNKER_MASTERKEY, settings.DATABUNKER_ROOTTOKEN = KEY, ROOT_TOKEN
    assert ROOT_TOKEN not in init()
    assert ROOT_TOKEN not in init()
    assert AccessToken.objects.count() == 1
    assert Api(ROOT_TOKEN).get("/v1/audit/admin").status_code == 200
    assert ROOT_TOKEN.replace("-", "") not in repr(contents()).replace("-", "")


def test_a_short_root_token_makes_no_vault(settings: Any) -> None:
    """Above all no keyring under a master key that nobody was shown."""
    settings.DATABUNKER_ROOTTOKEN = "x" * 31
    assert "at least 32 characters" in refusal()
    assert not WrappedKey.objects.exists()
    settings.DATABUNKER_ROOTTOKEN = ""
    key, token = printed(init())
    settings.DATABUNKER_MASTERKEY = key
    store.forget_cached()
    assert Api(token).create(login="ann")


def test_a_demonstration_may_have_a_short_root_token(settings: Any) -> None:
    settings.DATABUNKER_MASTERKEY, settings.DATABUNKER_ROOTTOKEN, settings.DATABUNKER_DEMO = KEY, "DEMO", True
    init()
    assert Api("DEMO").get("/v1/audit/admin").status_code == 200


def test_another_root_token_than_the_vaults_is_refused(settings: Any) -> None:
    settings.DATABUNKER_MASTERKEY, settings.DATABUNKER_ROOTTOKEN = KEY, ROOT_TOKEN
    init()
    settings.DATABUNKER_ROOTTOKEN = "another-token-of-more-than-32-characters"
    message = refusal()
    assert "is not a valid root token of this vault" in message
    assert settings.DATABUNKER_ROOTTOKEN not in message


def test_a_revoked_root_token_does_not_come_back(settings: Any) -> None:
    settings.DATABUNKER_MASTERKEY, settings.DATABUNKER_ROOTTOKEN = KEY, ROOT_TOKEN
    init()
    call_command("access_token", "revoke", str(AccessToken.objects.get().pk), stdout=io.StringIO())
    assert "DATABUNKER_ROOTTOKEN" in refusal()
    assert Api(ROOT_TOKEN).get("/v1/audit/admin").status_code == 403
    settings.DATABUNKER_ROOTTOKEN = ""
    text = init()
    assert "The root access token" in text, "a vault whose root token was revoked gets a new one"


def test_the_root_token_leaves_its_event(settings: Any) -> None:
    settings.DATABUNKER_MASTERKEY = KEY
    with told_by() as told:
        init()
    assert [(event.code, event.outcome, event.who) for event in told] == [
        ("token.issue", "ok", "operator"),
        ("lbasis.change", "ok", "operator"),
        ("lbasis.change", "ok", "operator"),
    ]
    assert told[0].detail["kind"] == "root"
    with told_by() as told:
        init()
    assert told == []


def test_every_tenant_has_the_legal_bases_that_log_ins_need(settings: Any) -> None:
    settings.DATABUNKER_MASTERKEY = KEY
    Tenant.objects.create(id=7, name="seven", created=0)
    settings.DATABUNKER_ROOTTOKEN = ROOT_TOKEN
    init()
    for tenant in (1, 7):
        bases = LegalBasis.objects.filter(tenant=tenant).order_by("brief")
        assert [(row.brief, row.module, row.usercontrol, row.requiredflag) for row in bases] == [
            ("core-send-email-on-login", "login", True, True),
            ("core-send-sms-on-login", "login", True, True),
        ]
    rows = Api(ROOT_TOKEN).get("/v1/lbasis").json()["rows"]
    assert all(row["shortdesc"] and row["status"] == "active" for row in rows)


def test_what_was_done_to_a_default_legal_basis_stays_so(settings: Any) -> None:
    settings.DATABUNKER_MASTERKEY = KEY
    settings.DATABUNKER_ROOTTOKEN = ROOT_TOKEN
    init()
    api = Api(ROOT_TOKEN)
    api.create(login="ann")
    email, sms = "core-send-email-on-login", "core-send-sms-on-login"
    assert api.post(f"/v1/lbasis/{email}", {"shortdesc": "Ours", "usercontrol": False}).status_code == 200
    assert api.post(f"/v1/agreement/{sms}/login/ann", {}).status_code == 200
    assert api.delete(f"/v1/lbasis/{sms}").status_code == 200
    before = contents()
    init()
    assert contents() == before


# --- surroundings ----------------------------------------------------------------------------------------------------


def test_a_database_that_is_not_there_is_named(settings: Any) -> None:
    settings.DATABUNKER_MASTERKEY = KEY
    with unreachable_database(), pytest.raises(CommandError) as refused:
        init()
    assert "DATABASE_URL" in str(refused.value)


@pytest.mark.django_db(transaction=True)
def test_several_hosts_at_once_make_one_vault(settings: Any) -> None:
    settings.DATABUNKER_MASTERKEY = KEY

    def start(_: int) -> str:
        out = io.StringIO()
        try:
            call_command("init", stdout=out, no_color=True)
        finally:
            connections.close_all()
        return out.getvalue()

    with ThreadPoolExecutor(4) as hosts:
        texts = list(hosts.map(start, range(4)))
    assert sum("A new vault is ready." in text for text in texts) == 1
    assert sum("X-Bunker-Token" in text for text in texts) == 1
    assert WrappedKey.objects.count() == 6
    assert AccessToken.objects.count() == 1
