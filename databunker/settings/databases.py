"""From DATABASE_URL to Django's DATABASES, with what each engine needs to be safe and fast."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

__all__ = ["database_config"]

# secure_delete overwrites deleted rows with zeros: a forgotten person's wrapped key must not linger in free
# pages. synchronous=FULL makes a committed transaction survive a power cut also in WAL mode.
SQLITE_PRAGMAS = (
    "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA secure_delete=ON; "
    "PRAGMA foreign_keys=ON; PRAGMA temp_store=MEMORY;"
)

# A server that is gone without a word (its host lost power, a firewall forgot the connection) is noticed within a
# minute; Linux alone would wait for two hours.
_KEPT_ALIVE = {"keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3, "tcp_user_timeout": 60_000}


def database_config(url: str, *, base_dir: Path, connect_seconds: int, busy_seconds: int) -> dict[str, Any]:
    """The settings of the one database that `url` names.

    Raises:
        ImproperlyConfigured: the URL names a database that is not supported.
    """
    url = url or f"sqlite:///{base_dir / 'var' / 'databunker.sqlite3'}"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # one of them shows the URL, with its password
            config: dict[str, Any] = dict(environ.Env.db_url_config(url))
    except Exception:  # noqa: BLE001 - whatever the library makes of it; without its cause, which may quote the password
        raise ImproperlyConfigured("DATABASE_URL can't be read; see docs/configuration.md for its form") from None
    engine = str(config.get("ENGINE", ""))
    options: dict[str, Any] = dict(config.get("OPTIONS") or {})
    if engine.endswith("sqlite3"):
        # A writer takes its lock at BEGIN, so that two transactions never deadlock by upgrading read locks.
        options |= {"timeout": busy_seconds, "transaction_mode": "IMMEDIATE", "init_command": SQLITE_PRAGMAS}
        if config["NAME"] != ":memory:":
            config["NAME"] = str(Path(config["NAME"]).absolute())
    elif engine.endswith("postgresql"):
        options = _KEPT_ALIVE | options | {"connect_timeout": connect_seconds}
    elif engine.endswith("mysql"):
        options |= {"connect_timeout": connect_seconds, "charset": "utf8mb4", "isolation_level": "read committed"}
    else:
        raise ImproperlyConfigured("DATABASE_URL must begin with sqlite:///, postgres:// or mysql://")
    # Connections live as long as their thread; one that failed is replaced before the next request.
    config |= {"OPTIONS": options, "CONN_MAX_AGE": None, "CONN_HEALTH_CHECKS": False, "ATOMIC_REQUESTS": False}
    return config
