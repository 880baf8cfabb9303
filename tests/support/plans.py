"""How SQLite finds the rows that are asked for: it alone has no statistics, and so needs queries that leave no choice."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

__all__ = ["GROWING", "asked", "long_ways"]

# The tables that have rows for each person, event or call.
GROWING = {
    *("access_login_code", "access_throttle", "access_token", "access_used_captcha", "account_session"),
    *("audit_event", "audit_leaf", "audit_node", "erasure_entry", "erasure_receipt"),
    *("gdpr_agreement", "gdpr_agreement_event", "gdpr_expiration", "gdpr_request", "gdpr_right", "notify_job"),
    *("vault_app_record", "vault_app_version", "vault_identity", "vault_record", "vault_record_version"),
    *("vault_session", "vault_shared_record"),
}
_NAMED = re.compile(r'\b(?:FROM|JOIN|UPDATE|INTO) "?(\w+)"?(?: (?:AS )?"?(?!WHERE|SET|ON|JOIN|INNER|LEFT)(\w+)"?)?')
_STEP = re.compile(r"(?:SCAN|SEARCH) (\w+)")
_COUNTS = re.compile(r"SELECT (\(SELECT )?count\(\*\)", re.IGNORECASE)
_ALL_OF_A_TENANT = re.compile(r"^SEARCH .*\(tenant=\?\)$")


@contextmanager
def asked() -> Iterator[list[str]]:
    """The statements, with their values, that this thread's connection is given meanwhile."""
    statements: list[str] = []
    connection.ensure_connection()
    connection.connection.set_trace_callback(statements.append)
    try:
        yield statements
    finally:
        connection.connection.set_trace_callback(None)


def long_ways(statement: str) -> list[str]:
    """The growing tables of which it reads all, or all that a tenant has there, for more than to count by an index."""
    if not statement.startswith(("SELECT", "UPDATE", "DELETE", "WITH")):
        return []
    steps = [row[3] for row in connection.connection.execute(f"EXPLAIN QUERY PLAN {statement}")]
    # Rows that come in the order that is asked for are read until there are enough of them.
    reads_until_enough = " LIMIT " in statement and not any("TEMP B-TREE" in step for step in steps)
    tables = {alias or table: table for table, alias in _NAMED.findall(statement)}
    long = [
        found[1]
        for step in steps
        if (found := _STEP.match(step)) and not (_COUNTS.match(statement) and "COVERING" in step)
        if _ALL_OF_A_TENANT.match(step) or (step.startswith("SCAN") and not reads_until_enough)
    ]
    return [tables.get(name, name) for name in long if tables.get(name, name) in GROWING]
