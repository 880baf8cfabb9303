"""Agreements of a person, or of an identity that nobody has yet, and how each came to be."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, NamedTuple, TypeVar

from audit import trail
from audit.events import EventType
from databunker.access.actor import Actor, ActorKind
from databunker.access.permissions import Permission
from databunker.access.scopes import EVERYTHING
from databunker.crypto.errors import IntegrityFailure
from databunker.db.statements import atomically, retrying
from databunker.errors import NotFound
from databunker.ids import unix_now
from vault import lookups, visible
from vault.lookups import ByIdentity, ByToken, Lookup
from vault.queries import find
from vault.records import OpenRecord

from ..agreement_states import AgreementStatus
from ..bases import Texts, checked_text
from ..binding import awaits_binding, end_what_is_over, is_over, settle
from ..consents import PENDING_MODES, Holder, Spoken, Words, last_events, open_words
from ..events import AGREEMENT_HISTORY_READ, AGREEMENT_READ, AGREEMENTS_LISTED
from ..inputs import brief_name
from ..models import Agreement, AgreementEvent, LegalBasis, LegalBasisText

__all__ = [
    "AgreementView",
    "History",
    "HistoryLine",
    "agreements_of",
    "list_agreements",
    "list_histories",
    "read_agreement",
    "read_history",
    "read_history_on",
]

T = TypeVar("T")


class AgreementView(NamedTuple):
    """An agreement as it is now. `token` is empty where the person doesn't exist yet."""

    brief: str
    token: str
    status: str
    created: int
    changed: int
    starts: int
    ends: int | None
    text_version: int
    words: Words

    def row(self) -> dict[str, Any]:
        """As the API and the report about the person show it."""
        return {
            "brief": self.brief,
            "token": self.token,
            "status": self.status,
            "creationtime": self.created,
            "when": self.changed,
            "starttime": self.starts,
            "endtime": self.ends or 0,
            "textversion": self.text_version,
            **_spoken(self.words),
        }


class HistoryLine(NamedTuple):
    """What an agreement became, when, and by whom: the kind and number of the access token, or `time`."""

    status: str
    at: int
    by: str
    starts: int
    ends: int | None
    text_version: int
    words: Words
    request: str

    def row(self) -> dict[str, Any]:
        """As the API and the report about the person show it."""
        return {
            "status": self.status,
            "when": self.at,
            "by": self.by,
            "starttime": self.starts,
            "endtime": self.ends or 0,
            "textversion": self.text_version,
            "request": self.request,
            **_spoken(self.words),
        }


class History(NamedTuple):
    """All lines, oldest first, and the texts that they speak of, by version."""

    lines: list[HistoryLine]
    texts: dict[int, Texts]

    def text_rows(self) -> list[dict[str, Any]]:
        """The texts as they were shown, oldest first."""
        return [{"textversion": version, **texts._asdict()} for version, texts in sorted(self.texts.items())]


def _spoken(words: Words) -> dict[str, Any]:
    return {
        "mode": words.mode,
        "who": words.who,
        "agreementmethod": words.method,
        "referencecode": words.referencecode,
        "lastmodifiedby": words.lastmodifiedby,
    }


def list_agreements(actor: Actor, *, mode: str, identity: str) -> list[AgreementView]:
    """What the person has agreed to, or has not, one of each legal basis that was spoken of.

    Raises:
        BadRequest: see `lookups.parse`.
        AccessDenied: the actor may not read them.
        NotFound: nobody has this token or identity, and nothing is pending under it.
    """
    lookup = lookups.parse(mode, identity, tenant=actor.tenant)
    return [_seen(actor, view) for view in _read(actor, lookup, AGREEMENTS_LISTED, _views)]


def read_agreement(actor: Actor, *, brief: str, mode: str, identity: str) -> AgreementView:
    """
    Raises:
        BadRequest, AccessDenied: see `list_agreements`.
        NotFound: no such person or legal basis, or the person has said nothing about it.
    """
    name = brief_name(brief)
    lookup = lookups.parse(mode, identity, tenant=actor.tenant)
    return _seen(actor, _read(actor, lookup, AGREEMENT_READ, _views, brief=name)[0])


def read_history(actor: Actor, *, brief: str, mode: str, identity: str) -> History:
    """Every change of one agreement (GDPR Art. 7(1)), with the texts as they were shown.

    Raises:
        BadRequest, AccessDenied, NotFound: see `read_agreement`.
    """
    name = brief_name(brief)
    lookup = lookups.parse(mode, identity, tenant=actor.tenant)
    return _history_seen(actor, _read(actor, lookup, AGREEMENT_HISTORY_READ, _history, brief=name))


def agreements_of(actor: Actor, record: OpenRecord) -> list[tuple[AgreementView, History]]:
    """All of a person's agreements, each with its history. Writes no event: whoever shows them does."""

    # They have been let in for all that there is of the person, whatever else their scope has.
    let_in = actor if actor.scope is None else replace(actor, scope=EVERYTHING)
    found = _read(let_in, ByToken(record.token, record.row.subject), None, _with_histories)
    return [(_seen(actor, view), _history_seen(actor, past)) for view, past in found]


def list_histories(actor: Actor, *, mode: str, identity: str) -> list[tuple[AgreementView, History]]:
    """`list_agreements`, each with every change of it.

    Raises:
        BadRequest, AccessDenied, NotFound: see `list_agreements`.
    """
    found = _read(actor, lookups.parse(mode, identity, tenant=actor.tenant), AGREEMENTS_LISTED, _with_histories)
    return [(_seen(actor, view), _history_seen(actor, past)) for view, past in found]


def _with_histories(holder: Holder, rows: list[Agreement]) -> list[tuple[AgreementView, History]]:
    return list(zip(_views(holder, rows), _histories(holder, rows), strict=True))


def read_history_on(
    actor: Actor, basis: LegalBasis, *, mode: str, identity: str
) -> tuple[AgreementView, History] | None:
    """The agreement on a legal basis that the caller has at hand, with every change; None: nothing was said of it.

    Raises:
        BadRequest, AccessDenied, NotFound: see `list_agreements`.
    """

    def show(holder: Holder, rows: list[Agreement]) -> tuple[AgreementView, History] | None:
        own = [row for row in rows if row.basis == basis.id]
        if not own:
            return None
        (spoken,), (past,) = last_events(own, holder), _histories(holder, own)
        return _view(spoken, basis.brief, _token(holder)), past

    found = _read(actor, lookups.parse(mode, identity, tenant=actor.tenant), AGREEMENT_HISTORY_READ, show)
    return None if found is None else (_seen(actor, found[0]), _history_seen(actor, found[1]))


Said = TypeVar("Said", AgreementView, HistoryLine)


def _seen(actor: Actor, said: Said) -> Said:
    """Without the words that the actor may not see."""
    if not visible.narrows(actor):
        return said
    words = said.words
    return said._replace(
        words=Words(
            mode=words.mode,
            who=visible.identity(actor, words.mode, words.who),
            method=visible.words(actor, words.method),
            referencecode=visible.words(actor, words.referencecode),
            lastmodifiedby=visible.words(actor, words.lastmodifiedby),
        )
    )


def _history_seen(actor: Actor, past: History) -> History:
    return past._replace(lines=[_seen(actor, line) for line in past.lines])


def _read(
    actor: Actor,
    lookup: Lookup,
    event_type: EventType | None,
    show: Callable[[Holder, list[Agreement]], T],
    *,
    brief: str | None = None,
) -> T:
    """What `show` makes of the holder's agreements, of the one named `brief` if that is given; told by `event_type`."""

    def attempt(*, lock: bool) -> T:
        holder, rows = _found(actor, lookup, lock=lock)
        if brief is not None:
            rows = _on(rows, actor.tenant, brief)
            if not rows:
                raise NotFound("not found", subject=holder.subject)
        shown = show(holder, rows)
        if event_type is not None:
            _tell(actor, event_type, lookup, holder, {} if brief is None else {"brief": brief})
        return shown

    def locked() -> T:
        with atomically():
            return attempt(lock=True)

    try:
        return attempt(lock=False)
    except IntegrityFailure:
        # Perhaps somebody has bound, or deleted, what was just being read: look again while nobody can.
        return retrying(locked)


def _tell(actor: Actor, event_type: EventType, lookup: Lookup, holder: Holder, detail: dict[str, str]) -> None:
    if holder.record is None and isinstance(lookup, ByIdentity):
        trail.record(actor, event_type, detail={**lookup.trace_of_nobody(), **detail})
    elif holder.record is not None:
        trail.record(
            actor,
            event_type,
            subject=holder.subject,
            sealer=holder.record.key,
            detail={**lookup.trace(), **detail},
        )


def _found(actor: Actor, lookup: Lookup, *, lock: bool) -> tuple[Holder, list[Agreement]]:
    """Whose agreements these are, and they themselves, settled; with `lock` they stay so for the transaction."""
    try:
        record = find(actor, lookup, Permission.AGREEMENT_READ, lock=lock)
    except NotFound:
        if isinstance(lookup, ByToken) or lookup.field.name not in PENDING_MODES:
            raise
        holder = Holder.of_nobody(actor.tenant, lookup)
        rows = _settled_pending(holder, lock=lock)
        if rows:
            return holder, rows
        # Nobody, unless the person has come, and had them bound, since.
        record = find(actor, lookup, Permission.AGREEMENT_READ, lock=lock)
    record, rows = _settled(actor, lookup, record, lock=lock)
    return Holder(actor.tenant, record), rows


def _settled(actor: Actor, lookup: Lookup, record: OpenRecord, *, lock: bool) -> tuple[OpenRecord, list[Agreement]]:
    """The person's agreements after what was pending is bound and what was over has ended."""
    # In this order: what is bound in between is then among the rows.
    waiting = awaits_binding(record)
    rows = _stored(Holder(actor.tenant, record), lock=lock)
    now = unix_now()
    if not waiting and not any(is_over(row, now) for row in rows):
        return record, rows

    def attempt() -> tuple[OpenRecord, list[Agreement]]:
        with atomically():
            locked = find(actor, lookup, Permission.AGREEMENT_READ, lock=True)
            settle(actor, locked)
            return locked, _stored(Holder(actor.tenant, locked))

    return retrying(attempt)


def _settled_pending(holder: Holder, *, lock: bool) -> list[Agreement]:
    now = unix_now()
    rows = _stored(holder, lock=lock)
    if not any(is_over(row, now) for row in rows):
        return rows

    def attempt() -> list[Agreement]:
        with atomically():
            end_what_is_over(_stored(holder, lock=True), now)
            return _stored(holder)

    return retrying(attempt)


def _stored(holder: Holder, *, lock: bool = False) -> list[Agreement]:
    """Whoever changes an agreement or its history locks the agreement first."""
    rows = Agreement.objects.filter(**holder.agreements()).order_by("id")
    return list(rows.select_for_update() if lock else rows)


def _on(rows: Iterable[Agreement], tenant: int, brief: str) -> list[Agreement]:
    """Those on the legal basis of this name; deleted bases keep theirs.

    Raises:
        NotFound: there is no such legal basis.
    """
    basis = LegalBasis.objects.filter(tenant=tenant, brief=brief).first()
    if basis is None:
        raise NotFound("legal basis not found")
    return [row for row in rows if row.basis == basis.id]


def _views(holder: Holder, rows: list[Agreement]) -> list[AgreementView]:
    spoken = last_events(rows, holder)
    briefs = dict(LegalBasis.objects.filter(id__in={row.basis for row in rows}).values_list("id", "brief"))
    token = _token(holder)
    return [_view(one, briefs[one.row.basis], token) for one in spoken]


def _history(holder: Holder, rows: list[Agreement]) -> History:
    last_events(rows, holder)
    (past,) = _histories(holder, rows)
    return past


def _histories(holder: Holder, rows: list[Agreement]) -> list[History]:
    """Of each of these agreements, in as many queries as for one; `last_events` has checked how they end."""
    token = _token(holder)
    lines: dict[int, list[HistoryLine]] = {row.id: [] for row in rows}
    holders = {row.id: holder.of(row) for row in rows}
    for event in AgreementEvent.objects.filter(agreement__in=lines).order_by("number"):
        lines[event.agreement].append(_line(event, open_words(event, holders[event.agreement]), token))
    versions = {line.text_version for past in lines.values() for line in past}
    stored = LegalBasisText.objects.filter(basis__in={row.basis for row in rows}, version__in=versions)
    texts = {(text.basis, text.version): text for text in stored}

    def text_of(row: Agreement) -> dict[int, Texts]:
        spoken_of = sorted({line.text_version for line in lines[row.id]})
        found = {version: texts.get((row.basis, version)) for version in spoken_of}
        return {version: checked_text(text) for version, text in found.items() if text is not None}

    return [History(lines[row.id], text_of(row)) for row in rows]


def _token(holder: Holder) -> str:
    return str(holder.record.token) if holder.record else ""


def _named(words: Words, token: str) -> Words:
    """With the token where the person was named by that."""
    return words._replace(who=token) if words.mode == "token" else words


def _view(spoken: Spoken, brief: str, token: str) -> AgreementView:
    row = spoken.row
    return AgreementView(
        brief=brief,
        token=token,
        status=AgreementStatus(row.status).label,
        created=row.created,
        changed=row.changed,
        starts=row.starts,
        ends=row.ends,
        text_version=row.text_version,
        words=_named(spoken.words, token),
    )


def _line(event: AgreementEvent, words: Words, token: str) -> HistoryLine:
    return HistoryLine(
        status=AgreementStatus(event.status).label,
        at=event.at,
        by=_by(event),
        starts=event.starts,
        ends=event.ends,
        text_version=event.text_version,
        words=_named(words, token),
        request=str(event.request) if event.request else "",
    )


def _by(event: AgreementEvent) -> str:
    """As the audit trail names callers: `admin 7`."""
    if event.actor_kind is None:
        return "time"
    kind = ActorKind(event.actor_kind).label
    return kind if event.actor_token is None else f"{kind} {event.actor_token}"
