from __future__ import annotations

import traceback
import warnings
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from databunker.settings.databases import database_config


def config_of(url: str) -> dict[str, Any]:
    return database_config(url, base_dir=Path("/srv/vault"), connect_seconds=7, busy_seconds=9)


def test_without_a_url_it_is_sqlite_in_var() -> None:
    config = config_of("")
    assert config["ENGINE"] == "django.db.backends.sqlite3"
    assert config["NAME"] == "/srv/vault/var/databunker.sqlite3"


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("sqlite:////data/vault.db", "/data/vault.db"),
        ("sqlite:///vault.db", str(Path("vault.db").absolute())),
        ("sqlite://:memory:", ":memory:"),
        ("sqlite://", ":memory:"),
    ],
)
def test_sqlite_paths(url: str, name: str) -> None:
    assert config_of(url)["NAME"] == name


@pytest.mark.parametrize(
    "pragma", ["journal_mode=WAL", "synchronous=FULL", "secure_delete=ON", "foreign_keys=ON", "temp_store=MEMORY"]
)
def test_sqlite_is_safe(pragma: str) -> None:
    options = config_of("sqlite:////data/vault.db")["OPTIONS"]
    assert f"PRAGMA {pragma};" in options["init_command"]
    assert options["transaction_mode"] == "IMMEDIATE"
    assert options["timeout"] == 9


@pytest.mark.parametrize("scheme", ["postgres", "postgresql"])
def test_postgresql(scheme: str) -> None:
    config = config_of(f"{scheme}://ann:s%40crt@db.example:5433/vault?sslmode=require")
    assert config["ENGINE"] == "django.db.backends.postgresql"
    assert (config["USER"], config["PASSWORD"], config["HOST"], config["PORT"], config["NAME"]) == (
        "ann", "s@crt", "db.example", 5433, "vault",
    )  # fmt: skip
    assert config["OPTIONS"]["sslmode"] == "require"
    assert config["OPTIONS"]["connect_timeout"] == 7


def test_what_follows_a_question_mark_goes_to_the_driver_of_postgresql() -> None:
    """As docs/deployment.md says it of TLS."""
    options = config_of("postgres://vault:secret@db/vault?sslmode=verify-full&sslrootcert=/etc/ssl/db.pem")["OPTIONS"]
    assert (options["sslmode"], options["sslrootcert"]) == ("verify-full", "/etc/ssl/db.pem")


def test_mysql() -> None:
    config = config_of("mysql://ann:secret@db.example/vault")
    assert config["ENGINE"] == "django.db.backends.mysql"
    assert config["OPTIONS"]["charset"] == "utf8mb4"
    assert config["OPTIONS"]["isolation_level"] == "read committed"
    assert config["OPTIONS"]["connect_timeout"] == 7


@pytest.mark.parametrize("url", ["", "postgres://a:b@c/d", "mysql://a:b@c/d", "sqlite://:memory:"])
def test_connections_live_with_their_thread_and_no_request_opens_a_transaction(url: str) -> None:
    config = config_of(url)
    assert config["CONN_MAX_AGE"] is None
    assert config["ATOMIC_REQUESTS"] is False


@pytest.mark.parametrize(
    "url",
    [
        "MARKER", "MARKER://", "://MARKER", "//ann:MARKER@db/vault", "oracle://ann:MARKER@db/vault",
        "postgress://ann:MARKER@db/vault", "postgis://ann:MARKER@db/vault", "mssql://ann:MARKER@db/vault",
        "mysql-connector://ann:MARKER@db/vault", "http://ann:MARKER@db/vault", "postgres://ann:MARKER/x@db/vault",
        "postgres://ann:secret@db:MARKER/vault", "mysql://ann:MARKER/x@db:1/vault", "postgres://ann:MARKER@[db/vault",
        "ann:MARKER@db/vault",
    ],
)  # fmt: skip
def test_other_urls_are_refused_by_the_name_of_the_setting_and_never_shown(
    url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        try:
            config = config_of(url)
        except ImproperlyConfigured as refusal:
            assert str(refusal).startswith("DATABASE_URL ")
            shown = "".join(traceback.format_exception(refusal))
        else:  # the library can make sense of it
            assert config["ENGINE"] == "django.db.backends.postgresql"
            assert config["PASSWORD"] == "MARKER"
            shown = ""
    captured = capsys.readouterr()
    lines = [line for line in shown.splitlines() if "MARKER" in line]
    assert lines == []
    assert "MARKER" not in "".join(str(warning.message) for warning in warned) + captured.out + captured.err
