"""Forgetting those whose time is over: what tasks of maintenance have in common."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from django.db.models import QuerySet

from databunker.crypto.errors import IntegrityFailure, UnknownKey
from databunker.db.statements import retrying

__all__ = ["Tampered", "forget_due"]

_PAGE = 100


class Tampered(Exception):
    """Somebody's end, or record, was changed in the database: nobody is forgotten by it. `done` others were."""

    def __init__(self, done: int) -> None:
        super().__init__("an expiration or a record was changed in the database")
        self.done = done


def forget_due(due: QuerySet[Any], forget: Callable[[int, bytes], bool], *, limit: int) -> int:
    """Go through rows with `tenant` and `subject`, as they are ordered, until `limit` people are forgotten; how many.

    `forget` says whether it did it, in a transaction of its own; whom it leaves is passed over.

    Raises:
        Tampered: some could not be forgotten, after others were.
    """
    done = left = 0
    tampered = False
    rows = due.values_list("tenant", "subject")
    while done < limit:
        page = [(tenant, bytes(subject)) for tenant, subject in rows[left : left + min(limit - done, _PAGE)]]
        if not page:
            break
        for tenant, subject in page:
            try:
                forgotten = retrying(partial(forget, tenant, subject))
            except (IntegrityFailure, UnknownKey):
                forgotten, tampered = False, True
            done += forgotten
            left += not forgotten
    if tampered:
        raise Tampered(done)
    return done
