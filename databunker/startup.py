"""What must be right before a process serves anybody."""

from __future__ import annotations

import ctypes
import resource
import sys

from django.core import checks
from django.db import DEFAULT_DB_ALIAS, connections
from django.db import Error as DatabaseError
from django.db.migrations.executor import MigrationExecutor

from databunker.access.models import AccessToken, TokenKind
from databunker.crypto import store
from databunker.errors import VaultError

__all__ = ["NotReady", "protect_memory", "verify"]

_PR_SET_DUMPABLE = 4


def protect_memory() -> None:
    """No core dumps, and no reading of this process's memory by other processes of the same user, where possible."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0)


class NotReady(Exception):
    """Why the vault can't serve, and what to do about it; safe to print."""


def verify() -> None:
    """Settings, database, migrations, keyring and a first access token.

    Raises:
        NotReady: one of them is not as it must be.
    """
    problems = [problem for problem in checks.run_checks() if problem.is_serious()]
    if problems:
        raise NotReady("; ".join(problem.msg for problem in problems))
    try:
        _verify_database()
        store.forget_cached()
        store.current_keyring()
        if not AccessToken.objects.filter(kind=TokenKind.ROOT, revoked=None).exists():
            raise NotReady("this vault has no root token: run `manage.py init`")
    except VaultError as error:
        raise NotReady(error.message) from error
    except DatabaseError as error:
        raise NotReady(f"the database can't be reached or read ({type(error).__name__}): see DATABASE_URL") from error
    finally:
        # The process may fork now: each worker opens connections of its own.
        connections.close_all()


def _verify_database() -> None:
    executor = MigrationExecutor(connections[DEFAULT_DB_ALIAS])
    pending = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if pending:
        raise NotReady(f"{len(pending)} database migrations are missing: run `manage.py init`")
