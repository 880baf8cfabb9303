"""Legal bases and the versions of their texts, as rules and reads share them."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from databunker.crypto import hashing, store
from databunker.crypto.encoding import pack
from databunker.crypto.errors import IntegrityFailure
from databunker.crypto.keyring import Purpose
from databunker.db.statements import for_share
from databunker.errors import NotFound

from .models import BasisStatus, BasisType, LegalBasis, LegalBasisText

__all__ = [
    "MAY_BE_OBJECTED_TO",
    "Basis",
    "Texts",
    "active_basis",
    "checked_text",
    "current_texts",
    "text_mac",
    "with_texts",
]

# Art. 21(1): what rests on Art. 6(1)(e) or (f). A consent is withdrawn instead; to the others nobody objects.
MAY_BE_OBJECTED_TO = frozenset({BasisType.PUBLIC_INTEREST, BasisType.LEGITIMATE_INTEREST})


class Texts(NamedTuple):
    """What people read before they agree."""

    shortdesc: str = ""
    fulldesc: str = ""
    requiredmsg: str = ""


class Basis(NamedTuple):
    """A legal basis with its current texts."""

    row: LegalBasis
    texts: Texts


def text_mac(*, tenant: int, basis: int, version: int, created: int, texts: Texts) -> bytes:
    root = store.current_keyring().secret(Purpose.REFERENCE)
    key = hashing.derive_key(root, b"legal-basis-text", tenant.to_bytes(4, "big"))
    numbers = [str(number).encode() for number in (basis, version, created)]
    return hashing.mac(pack([*numbers, *(text.encode() for text in texts)]), key=key)


def checked_text(row: LegalBasisText) -> Texts:
    """
    Raises:
        IntegrityFailure: the text was changed in the database since somebody agreed to it.
    """
    texts = Texts(row.shortdesc, row.fulldesc, row.requiredmsg)
    expected = text_mac(tenant=row.tenant, basis=row.basis, version=row.version, created=row.created, texts=texts)
    if not hashing.same(bytes(row.mac), expected):
        raise IntegrityFailure("a text of a legal basis was changed in the database")
    return texts


def with_texts(rows: Collection[LegalBasis]) -> list[Basis]:
    """The bases in order, each with its current texts."""
    texts = current_texts(rows)
    return [Basis(row, texts[row.id]) for row in rows]


def current_texts(rows: Collection[LegalBasis]) -> dict[int, Texts]:
    wanted = {(row.id, row.text_version) for row in rows}
    stored = LegalBasisText.objects.filter(
        basis__in={basis for basis, _ in wanted}, version__in={version for _, version in wanted}
    )
    found = {row.basis: checked_text(row) for row in stored if (row.basis, row.version) in wanted}
    if len(found) != len(wanted):
        raise IntegrityFailure("a text of a legal basis is gone from the database")
    return found


def active_basis(tenant: int, brief: str, *, shared_lock: bool = False) -> LegalBasis:
    """The basis of this name that can be agreed to.

    With `shared_lock`, in the caller's transaction, it is neither deleted nor revoked for everyone until that ends;
    others may agree to it at the same time.

    Raises:
        NotFound: there is none, or it was deleted.
    """
    sql = "SELECT * FROM gdpr_legal_basis WHERE tenant = %s AND brief = %s AND status = %s"
    suffix = for_share() if shared_lock else ""
    for row in LegalBasis.objects.raw(sql + suffix, [tenant, brief, BasisStatus.ACTIVE.value]):
        return row
    raise NotFound("legal basis not found")
