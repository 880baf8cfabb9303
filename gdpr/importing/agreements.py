"""Table `agreements`: who has agreed to what. By whose e-mail or phone is encrypted there in one way for all."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, ClassVar

from vault.actions import Fate

from ..actions.adopt_agreements import PastAgreement, adopt_agreements
from ..agreement_states import AgreementStatus
from ..consents import Words
from .entries import Entry, Reading, Verdict, adopted, number_of, text_of, token_of, understood
from .peer import Column, Row, Unreadable
from .registers import brief_of

__all__ = ["Agreements"]

_STATUSES = {status.label: status for status in AgreementStatus}


class Agreements:
    name = table = "agreements"
    order: ClassVar = [Column("token", ""), Column("brief", ""), Column("who", "")]

    def __init__(self, reading: Reading) -> None:
        self._reading = reading

    def read(self, rows: Sequence[Row]) -> list[Entry[PastAgreement]]:
        return [understood(Entry({}), partial(self._agreement, row)) for row in rows]

    def _agreement(self, row: Row, entry: Entry[PastAgreement]) -> PastAgreement:
        token = token_of(row) if text_of(row, "token") else None
        if token is not None:
            entry.reference["token"] = str(token)
        brief = brief_of(row)
        entry.reference["brief"] = brief
        status = _STATUSES.get(text_of(row, "status"))
        if status is None:
            raise Unreadable("the status is none of yes, no, expired and revoked")
        changed = number_of(row, "when") or self._reading.now
        created = number_of(row, "creationtime") or changed
        return PastAgreement(
            brief,
            token,
            status,
            self._words(row, entry, known=token is not None),
            created=created,
            said=min(created, changed),
            changed=changed,
            starts=number_of(row, "starttime"),
            ends=number_of(row, "endtime") or None,
        )

    def _words(self, row: Row, entry: Entry[PastAgreement], *, known: bool) -> Words:
        """How it was said. Without the identity it was said by, it is still the person's whose token is known."""
        mode, who = text_of(row, "mode") or "token", ""
        try:
            who = "" if mode == "token" else self._reading.key.open_identity(row.get("who"))
        except Unreadable as error:
            if not known:
                raise
            entry.problems.append(f"who: {error}")
            mode = "token"
        method, code, by = (text_of(row, name) for name in ("agreementmethod", "referencecode", "lastmodifiedby"))
        return Words(mode, who, method or "api", code, by)

    def store(self, items: Sequence[PastAgreement], alongside: Any) -> list[Verdict]:
        return adopted(adopt_agreements, self._reading, items, alongside)

    def rehearse(self, items: Sequence[PastAgreement]) -> list[Verdict]:
        known = self._reading.known
        return [Verdict(Fate.STORED if one.token is None or one.token in known else Fate.NOBODY) for one in items]
