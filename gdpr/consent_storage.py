"""The agreements' SQL: what happens to very many at once, each with its line of history, in two statements.

Both statements see the same rows: the first locks them, and nobody adds to them. Whoever accepts holds the shared
lock of the legal basis (`bases.active_basis`), which the caller of `revoke_all` holds alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from databunker.access.actor import Actor
from databunker.db.statements import execute, fetch_all, for_update

from .agreement_states import AgreementStatus, Change, outcome
from .models import Agreement, AgreementEvent

__all__ = ["count_some", "delete_agreements", "expire", "expire_some", "revoke_all"]

_GIVEN = AgreementStatus.YES.value

_TELL_REVOKED = """
INSERT INTO gdpr_agreement_event (agreement, number, tenant, subject, basis, status, text_version, at, starts, ends,
    actor_kind, actor_token, request)
SELECT a.id, a.number + 1, a.tenant, a.subject, a.basis, %s, a.text_version, %s, a.starts, a.ends, %s, %s, %s
FROM gdpr_agreement a WHERE a.tenant = %s AND a.basis = %s AND a.status = %s"""

_REVOKE = """
UPDATE gdpr_agreement SET status = %s, number = number + 1, changed = %s
WHERE tenant = %s AND basis = %s AND status = %s"""

_DUE = "SELECT id FROM gdpr_agreement WHERE status = %s AND ends <= %s ORDER BY ends LIMIT %s"

_TELL_EXPIRED = """
INSERT INTO gdpr_agreement_event (agreement, number, tenant, subject, basis, status, text_version, at, starts, ends)
SELECT a.id, a.number + 1, a.tenant, a.subject, a.basis, %s, a.text_version, a.ends, a.starts, a.ends
FROM gdpr_agreement a WHERE a.id IN ({ids})"""

_EXPIRE = "UPDATE gdpr_agreement SET status = %s, number = number + 1, changed = ends WHERE id IN ({ids})"


_COUNT_SOME = """
SELECT counted.basis, counted.status, COUNT(*) FROM (
    SELECT basis, status FROM gdpr_agreement WHERE tenant = %s AND basis = %s AND status = %s LIMIT %s
) counted GROUP BY counted.basis, counted.status"""


def count_some(tenant: int, bases: Sequence[int], *, limit: int) -> list[tuple[int, AgreementStatus, int]]:
    """How many agreements to each of these bases are given and how many withdrawn, counted up to `limit`, where there
    are any: with millions of them a list of bases would take seconds to count them all."""
    spoken = (_GIVEN, AgreementStatus.NO.value)
    parts = [(tenant, basis, status, limit) for basis in bases for status in spoken]
    if not parts:
        return []
    found = fetch_all(" UNION ALL ".join([_COUNT_SOME] * len(parts)), [value for part in parts for value in part])
    return [(basis, AgreementStatus(status), many) for basis, status, many in found]


def revoke_all(actor: Actor, basis: int, *, now: int) -> int:
    """Revoke what everybody has agreed to on this basis, in the caller's transaction; how many that were."""
    revoked = outcome(Change.REVOKE).value
    where = [actor.tenant, basis, _GIVEN]
    who = [actor.kind.value, actor.token_id, actor.request_id]
    execute(_TELL_REVOKED + for_update(), [revoked, now, *who, *where])
    return execute(_REVOKE, [revoked, now, *where])


def expire_some(now: int, limit: int) -> int:
    """Expire at most `limit` agreements whose time is over, of all tenants, in the caller's transaction; how many."""
    ids = [row[0] for row in fetch_all(_DUE + for_update(), [_GIVEN, now, limit])]
    if ids:
        expire(ids)
    return len(ids)


def expire(ids: Sequence[int]) -> None:
    """Expire these agreements, which the caller has locked and found to be given and due."""
    status = outcome(Change.EXPIRE).value
    wanted = ", ".join(["%s"] * len(ids))
    for statement in (_TELL_EXPIRED, _EXPIRE):
        execute(statement.replace("{ids}", wanted), [status, *ids])


def delete_agreements(**where: Any) -> int:
    """Delete agreements with all of their history, in the caller's transaction; how many.

    The agreements go first: whoever adds to their history holds their lock, and so has ended.
    """
    ids = list(Agreement.objects.filter(**where).select_for_update().values_list("id", flat=True))
    if ids:
        Agreement.objects.filter(id__in=ids).delete()
        AgreementEvent.objects.filter(agreement__in=ids).delete()
    return len(ids)
