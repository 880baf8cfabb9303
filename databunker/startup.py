"""What must be right before a process serves anybody."""

from __future__ import annotations

from django.core import checks
from django.db import DEFAULT_DB_ALIAS, connections
from django.db import Error as DatabaseError
from django.db.migrations.executor import MigrationExecutor

from databunker.access.models import AccessToken, TokenKind
from databunker.crypto import store
from databunker.erasure import journal, outside
from databunker.errors import VaultError

__all__ = ["NotReady", "verify"]


class NotReady(Exception):
    """Why the vault can't serve, and what to do about it; safe to print."""


def verify() -> None:
    """Settings, database, migrations, keyring, a first access token, and that nobody forgotten has come back.

    From then on this process answers 503 should its database be replaced by one that was restored.

    Raises:
        NotReady: one of them is not as it must be.
    """
    problems = [problem for problem in checks.run_checks() if problem.is_serious()]
    if problems:
        raise NotReady("; ".join(problem.msg for problem in problems))
    try:
        _verify_database()
        # A worker has its parent's master key: a key management service that is away keeps no worker from its start.
        store.reload_keyring()
        if not AccessToken.objects.filter(kind=TokenKind.ROOT, revoked=None).exists():
            raise NotReady("this vault has no root token: run `manage.py init`")
        journal.require_replayed()
        outside.check_file()
        store.watch(journal.require_replayed)
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
