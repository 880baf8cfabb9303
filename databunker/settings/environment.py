"""Every setting of the product: its name, type, default and meaning, in one table.

`docs/configuration.md` is made from this table (`manage.py show_settings --markdown`), and a test keeps
the two alike. Values come from the environment or from a `.env` file beside `manage.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

__all__ = ["BASE_DIR", "SETTINGS", "Setting", "read"]

BASE_DIR = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True, slots=True)
class Setting:
    """One environment variable."""

    name: str
    kind: type
    default: Any
    meaning: str
    group: str
    secret: bool = False
    choices: tuple[str, ...] = field(default=())
    minimum: int | None = None
    maximum: int | None = None


def _group(group: str, *rows: tuple[Any, ...]) -> list[Setting]:
    """Rows of (name, kind, default, meaning[, options])."""
    return [
        Setting(name, kind, default, meaning, group, **(rest[0] if rest else {}))
        for name, kind, default, meaning, *rest in rows
    ]


SETTINGS: list[Setting] = [
    *_group(
        "Keys and tokens",
        ("DATABUNKER_MASTERKEY", str, "", "The wrapping key: 32 bytes as 64 hex digits or base64. Set exactly one of this, `_FILE` and `_COMMAND`.", {"secret": True}),
        ("DATABUNKER_MASTERKEY_FILE", str, "", "A file that holds the wrapping key. `manage.py init` creates it (mode 0600) for a new vault."),
        ("DATABUNKER_MASTERKEY_COMMAND", str, "", "A command (run without a shell) that prints the wrapping key, for a KMS client."),
        ("DATABUNKER_ROOTTOKEN", str, "", "The root access token that `manage.py init` stores (as a keyed hash). Unset: it makes a random UUID and prints it once. At least 32 characters.", {"secret": True}),
        ("DATABUNKER_DEMO", bool, False, "Demonstration mode: allows short root tokens such as `DEMO`. Never with real data."),
        ("SECRET_KEY", str, "", "Django's key for signing cookies; at least 50 random characters, the same on all hosts. Unset: random for each process.", {"secret": True}),
        ("KEYRING_CACHE_SECONDS", int, 30, "How long a process uses its copy of the keyring: a rotated key is in use everywhere after this time.", {"minimum": 0}),
        ("AUTH_CACHE_SECONDS", int, 5, "How long a process trusts an access token that it has checked: a revoked token is refused everywhere after this time.", {"minimum": 0}),
    ),
    *_group(
        "Server and database",
        ("DATABASE_URL", str, "", "`sqlite:///path`, `postgres://user:password@host:port/name` or `mysql://user:password@host:port/name`. Unset: SQLite in `var/databunker.sqlite3`.", {"secret": True}),
        ("DATABASE_CONNECT_SECONDS", int, 5, "How long to wait for the database server when connecting.", {"minimum": 1}),
        ("DATABASE_PREPARED_STATEMENTS", bool, True, "Prepare frequent statements in each PostgreSQL session. Switch off behind a pooler that shares sessions between transactions, such as pgbouncer in transaction mode."),
        ("SQLITE_BUSY_SECONDS", int, 30, "How long a SQLite writer waits for its turn.", {"minimum": 1}),
        ("BUNKER_HOST", str, "127.0.0.1", "The address that the server listens on."),
        ("BUNKER_PORT", int, 3000, "The port that the server listens on.", {"minimum": 1, "maximum": 65535}),
        ("BUNKER_WORKERS", int, 0, "Worker processes; 0 means one for each processor core.", {"minimum": 0}),
        ("BUNKER_THREADS", int, 4, "Threads of each worker; each holds one database connection.", {"minimum": 1}),
        ("ALLOWED_HOSTS", list, ["localhost", "127.0.0.1", "[::1]"], "Host names that web pages answer to, separated by commas."),
        ("LOG_LEVEL", str, "INFO", "Least severity that is logged.", {"choices": ("DEBUG", "INFO", "WARNING", "ERROR")}),
        ("TRUSTED_PROXIES", int, 0, "How many reverse proxies stand in front and append to `X-Forwarded-For`.", {"minimum": 0}),
        ("METRICS_ALLOWED_ADDRESSES", list, ["127.0.0.1", "::1"], "Client addresses that may read `/v1/metrics` without a token."),
        ("CORS_ALLOWED_ORIGINS", list, [], "Origins whose pages may call the API, such as `https://shop.example.com`."),
    ),
    *_group(
        "Records",
        ("USER_SCHEMA_FILE", str, "", "A JSON Schema (Draft 2020-12) that every profile must meet; see [record schema](schema.md)."),
        ("IDENTITY_FIELDS", list, [], "Further fields to find people by, each `name[:text|email|phone][:unique|shared]`, such as `customer_id:text:unique,work_email:email:shared`."),
        ("DEFAULT_COUNTRY", str, "GB", "Country (ISO 3166-1) of telephone numbers written without a country code."),
        ("LENIENT_PHONE", bool, False, "Accept a profile whose phone is not a telephone number; it is then not findable by phone."),
        ("CREATE_USER_WITHOUT_ACCESS_TOKEN", bool, False, "Let anyone call `POST /v1/user`."),
        ("LIST_USERS", str, "off", "`POST /v1/users`: `off`, `unlock` (needs an unlock of 60 s first) or `legacy` (as the peer: a token is enough).", {"choices": ("off", "unlock", "legacy")}),
        ("SELFSERVICE_USER_RECORD_CHANGE", bool, False, "Let people change their own record at once, except fields that the schema marks `admin`."),
        ("SELFSERVICE_APP_RECORD_CHANGE", list, [], "Applications whose data people may change themselves at once: names or patterns such as `*`, `ship*`, `*ing`, `*pp*`."),
        ("SELFSERVICE_FORGET_ME", bool, False, "Let people have themselves forgotten at once."),
    ),
    *_group(
        "Retention",
        ("MAX_SESSION_RETENTION", str, "1h", "Longest and usual life of a session: `10d`, `5h`, `30s`, `1m` for a month of 31 days, or seconds."),
        ("MAX_SHAREABLE_RECORD_RETENTION", str, "1m", "Longest and usual life of a shared record, written likewise."),
    ),
    *_group(
        "Limits",
        ("MAX_BODY_BYTES", int, 1_048_576, "Largest request body.", {"minimum": 1024}),
        ("MAX_BULK_BODY_BYTES", int, 33_554_432, "Largest request body of `POST /v1/users/bulk`.", {"minimum": 1024}),
        ("MAX_FORM_FIELDS", int, 1000, "Most fields of a form body.", {"minimum": 1}),
        ("V1_LEGACY_STATUS", bool, False, "Answer errors of the v1 API with the peer's HTTP codes (405 for nearly all)."),
    ),
    *_group(
        "Audit",
        ("AUDIT_CLIENT_ADDRESS", bool, False, "Keep the client's address in each event, sealed."),
    ),
]


def read(env: environ.Env) -> dict[str, Any]:
    """Every setting by name, checked.

    Raises:
        ImproperlyConfigured: a value that can't be used; the message names the variable and says what fits.
    """
    return {setting.name: _read_one(env, setting) for setting in SETTINGS}


def _read_one(env: environ.Env, setting: Setting) -> Any:
    # Texts as they are: django-environ takes one that begins with $ for the name of another variable.
    value = env.ENVIRON.get(setting.name, setting.default) if setting.kind is str else _cast(env, setting)
    if setting.choices and value not in setting.choices:
        raise ImproperlyConfigured(f"{setting.name} must be one of {', '.join(setting.choices)}")
    if setting.minimum is not None and value < setting.minimum:
        raise ImproperlyConfigured(f"{setting.name} must be at least {setting.minimum}")
    if setting.maximum is not None and value > setting.maximum:
        raise ImproperlyConfigured(f"{setting.name} must be at most {setting.maximum}")
    return value


def _cast(env: environ.Env, setting: Setting) -> Any:
    try:
        value = env.get_value(setting.name, cast=setting.kind, default=setting.default)
    except (ValueError, TypeError):
        raise ImproperlyConfigured(f"{setting.name} must be a {_KIND_NAMES[setting.kind]}") from None
    if setting.kind is bool and env.ENVIRON.get(setting.name, "").lower() not in _BOOLEANS:
        raise ImproperlyConfigured(f"{setting.name} must be true or false")
    return value


_KIND_NAMES = {int: "whole number", bool: "true or false", str: "text", list: "comma-separated list"}
_BOOLEANS = {"", "true", "false", "1", "0", "yes", "no", "on", "off", "y", "n", "ok"}
