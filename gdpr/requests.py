"""A request in hand: how it is sealed under the person's record key, opened again, and moved from state to state."""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from itertools import accumulate
from typing import Any, NamedTuple
from uuid import UUID

from django.conf import settings
from django.db.models.functions import Coalesce, Length
from django.utils.translation import gettext_noop

from databunker import jsontext
from databunker.access.actor import Actor, ActorKind
from databunker.access.permissions import Permission
from databunker.crypto import hashing, store
from databunker.crypto.encoding import pack
from databunker.crypto.envelope import Place
from databunker.crypto.errors import IntegrityFailure
from databunker.crypto.keyring import Purpose
from databunker.errors import BadRequest, Conflict
from databunker.ids import new_token, parse_token, unix_now
from vault import identities, visible
from vault.patch import equal
from vault.records import OpenRecord

from . import clock
from .clock import Clock
from .models import Request, RequestAction
from .states import DECIDED, State, Step, advance
from .touched import Path

__all__ = [
    "OpenRequest",
    "Past",
    "RequestsOf",
    "Wish",
    "assign",
    "empty",
    "holidays",
    "looking",
    "parse_request_token",
    "request_digest",
    "requests_of",
    "seal_past_request",
    "seal_request",
    "seen_reasons",
    "seen_wish",
    "slot_of",
    "step",
]


class Wish(NamedTuple):
    """What is asked for.

    `change` is the change as it was sent, where there is one, and `verb` what is to be done to an application's data.
    `original` has what the change touches (`paths`, see `gdpr.touched`) as it was then; None: there was nothing.
    """

    action: RequestAction
    app: str = ""
    brief: str = ""
    verb: str = ""
    change: Any = None
    paths: tuple[Path, ...] = ()
    original: Any = None

    def same_as(self, other: Wish) -> bool:
        """Whether both ask for the same, whatever the record looked like at the time."""
        return self.verb == other.verb and equal(self.change, other.change)

    @property
    def is_harmless(self) -> bool:
        """Whether nobody loses anything for good by it, nor the way in to their own data."""
        if self.action is RequestAction.CHANGE_PROFILE:
            return all(path and path[0] not in identities.configured() for path in self.paths)
        return self.action is not RequestAction.FORGET_ME and self.verb != "delete"


def looking(actor: Actor) -> Actor:
    """The actor with the eyes that it has for requests: who may neither read people nor decide sees values masked."""
    return visible.looking(actor, Permission.RECORD_READ, Permission.REQUEST_DECIDE)


def seen_wish(actor: Actor, wish: Wish) -> Wish:
    """What of it the actor may see."""
    actor = looking(actor)
    if not visible.narrows(actor):
        return wish
    if wish.brief:  # of an agreement: who said what about it
        return wish._replace(change=None, original=None)
    if wish.app and not visible.sees_app(actor, wish.app):
        return wish._replace(change=None, original=None)
    original = wish.original
    if original is not None:
        original = visible.document(actor, original, visible.app_source(wish.app))
    return wish._replace(change=visible.change_seen(actor, wish.change, app=wish.app), original=original)


def seen_reasons(actor: Actor, request: OpenRequest) -> dict[str, str]:
    """Why it was decided, extended, or doubted who asks, as far as the actor may see that."""
    actor = looking(actor)
    return {name: visible.words(actor, reason) for name, reason in request.reasons().items()}


def holidays() -> frozenset[date]:
    """
    Raises:
        ValueError: HOLIDAYS can't be read.
    """
    return _parse(tuple(settings.HOLIDAYS))


@lru_cache(maxsize=8)
def _parse(days: tuple[str, ...]) -> frozenset[date]:
    return clock.parse_holidays(days)


def parse_request_token(text: str) -> UUID:
    """
    Raises:
        BadRequest: no UUID.
    """
    token = parse_token(text)
    if token is None:
        raise BadRequest("bad uuid")
    return token


def _key(*context: bytes) -> bytes:
    return hashing.derive_key(store.current_keyring().secret(Purpose.REFERENCE), *context)


def request_digest(token: UUID, *, tenant: int) -> bytes:
    return hashing.digest(token.bytes, key=_key(b"request", tenant.to_bytes(4, "big")))


def slot_of(wish: Wish, *, tenant: int, subject: bytes) -> bytes:
    """Of what there may be one undecided request: an action and, where it has one, an application or a legal basis."""
    about = pack([wish.action.label.encode(), wish.app.encode(), wish.brief.encode()])
    return hashing.digest(about, key=_key(b"request-slot", tenant.to_bytes(4, "big"), subject))


def _place(row: Request, field: bytes) -> Place:
    """What kind of request it is and when it was made are bound to it: to change them makes it unreadable."""
    return Place(row.tenant, b"request", field, bytes(row.digest) + bytes([row.action]), row.created)


_FACTS = (
    "tenant", "action", "state", "created", "changed", "extended", "asked", "verified", "decided", "decided_kind",
    "decided_token", "assignee",
)  # fmt: skip


def _mac(row: Request) -> bytes:
    facts = [str(getattr(row, name)).encode() for name in _FACTS]
    return hashing.mac(pack([row.digest, row.subject, row.slot or b"", *facts]), key=_key(b"request-row"))


class Past(NamedTuple):
    """A request that was made elsewhere, and what became of it there; times in Unix seconds."""

    token: UUID
    state: State
    created: int
    changed: int
    reason: str = ""


def seal_request(wish: Wish, *, holder: OpenRecord) -> tuple[UUID, Request]:
    """The token of a new request, and its row, not yet written."""
    now = unix_now()
    past = Past(new_token(), State.OPEN, now, now)
    return past.token, seal_past_request(wish, past, holder=holder)


def seal_past_request(wish: Wish, past: Past, *, holder: OpenRecord) -> Request:
    """The row of a request with the token that it has, not yet written. Of a forgotten person the bare facts."""
    person, token, decided = holder.row, past.token, past.state in DECIDED
    row = Request(
        tenant=person.tenant,
        digest=request_digest(token, tenant=person.tenant),
        subject=person.subject,
        action=wish.action.value,
        state=past.state.value,
        slot=None if decided else slot_of(wish, tenant=person.tenant, subject=person.subject),
        created=past.created,
        changed=past.changed,
        decided=past.changed if decided else None,
    )
    if holder.forgotten:
        row.mac = _mac(row)
        return row
    if past.reason:
        row.reasons = holder.key.seal(jsontext.dumps({"decision": past.reason}), _place(row, b"reasons"))
    terms = {"app": wish.app, "brief": wish.brief, "verb": wish.verb, "paths": wish.paths}
    row.sealed_id = holder.key.seal(token.bytes, _place(row, b"id"))
    row.terms = holder.key.seal(jsontext.dumps(terms), _place(row, b"terms"))
    row.original = holder.key.seal(jsontext.dumps(wish.original), _place(row, b"original"))
    if wish.change is not None:
        row.change = holder.key.seal(jsontext.dumps(wish.change), _place(row, b"change"))
    row.mac = _mac(row)
    return row


class OpenRequest:
    """A stored request whose parts are decrypted when they are asked for. `holder` is whose it is.

    Of a forgotten person nothing but the bare facts is left: no token, and an empty wish.
    """

    def __init__(self, stored: Request, holder: OpenRecord) -> None:
        """
        Raises:
            IntegrityFailure: a fact was changed in the database.
        """
        if not hashing.same(bytes(stored.mac), _mac(stored)):
            raise IntegrityFailure("a request was changed in the database")
        self.stored = stored
        self.holder = holder

    def _open(self, field: str, name: bytes) -> bytes | None:
        sealed = getattr(self.stored, field)
        return None if sealed is None else self.holder.key.open(bytes(sealed), _place(self.stored, name))

    @property
    def action(self) -> RequestAction:
        return RequestAction(self.stored.action)

    @property
    def state(self) -> State:
        return State(self.stored.state)

    @property
    def clock(self) -> Clock:
        row = self.stored
        return Clock(row.created, extended=row.extended, asked=row.asked, verified=row.verified)

    @property
    def token(self) -> UUID | None:
        opened = self._open("sealed_id", b"id")
        return None if opened is None else UUID(bytes=opened)

    @property
    def has_change(self) -> bool:
        return self.stored.change is not None

    @property
    def decided_by(self) -> str:
        """The kind of caller and the row of its access token, as the trail shows it; empty while undecided."""
        row = self.stored
        if row.decided_kind is None:
            return ""
        kind = ActorKind(row.decided_kind).label
        return kind if row.decided_token is None else f"{kind} {row.decided_token}"

    def wish(self) -> Wish:
        """
        Raises:
            IntegrityFailure: changed, moved, or sealed under a key that was destroyed.
        """
        terms = self._terms()
        paths = tuple(tuple(path) for path in terms.pop("paths", ()))
        change, original = self._open("change", b"change"), self._open("original", b"original")
        return Wish(
            self.action,
            **terms,
            paths=paths,
            change=None if change is None else jsontext.loads(change),
            original=None if original is None else jsontext.loads(original),
        )

    def about(self) -> tuple[str, str]:
        """The application and the legal basis that it is about, where it is about one."""
        terms = self._terms()
        return terms.get("app", ""), terms.get("brief", "")

    def _terms(self) -> dict[str, Any]:
        opened = self._open("terms", b"terms")
        terms: dict[str, Any] = {} if opened is None else jsontext.loads(opened)
        return terms

    def reasons(self) -> dict[str, str]:
        """Why it was decided, extended, doubted who asks and no longer doubted: by `decision`, `extension`, `identity`,
        `proof`. `notice`: what the law has the person told of a refusal, as it was told.
        """
        opened = self._open("reasons", b"reasons")
        found: dict[str, str] = {} if opened is None else jsontext.loads(opened)
        return found


class RequestsOf(NamedTuple):
    """Requests of one person, newest first, of `total` that there are. What those behind the first `whole` ones would
    change was not read: asking for it reads it one by one.
    """

    total: int
    newest: list[OpenRequest]
    whole: int


def requests_of(record: OpenRecord, *, most: int, most_bytes: int) -> RequestsOf:
    """The newest `most` requests of a person; of the first ones what they would change, up to `most_bytes` together.

    Writes no event: the caller says what it is for.
    """
    row = record.row
    found = Request.objects.filter(tenant=row.tenant, subject=row.subject).order_by("-id")
    sizes = found.values_list("pk", Coalesce(Length("original"), 0) + Coalesce(Length("change"), 0))[:most]
    numbers = [number for number, _ in sizes]
    whole = sum(1 for sum_ in accumulate(size for _, size in sizes) if sum_ <= most_bytes)
    stored = {
        **Request.objects.in_bulk(numbers[:whole]),
        **Request.objects.defer("original", "change").in_bulk(numbers[whole:]),
    }
    newest = [OpenRequest(stored[number], record) for number in numbers if number in stored]
    return RequestsOf(found.count(), newest, whole)


def step(
    actor: Actor, request: OpenRequest, taken: Step, *, reason: str = "", why: str = "decision", notice: str = ""
) -> None:
    """Move a locked request on; the reason is kept under the name `why`, what the person is told of its rights beside.

    Raises:
        Conflict: not from its state.
    """
    row, before, now = request.stored, request.state, unix_now()
    after = advance(before, taken)
    said = {name: text for name, text in ((why, reason), ("notice", notice)) if text}
    reasons = {**request.reasons(), **said} if said else None
    row.state, row.changed = after.value, now
    if taken is Step.EXTEND:
        row.extended = now
    elif taken is Step.ASK_IDENTITY:
        row.asked = now
    elif taken is Step.VERIFY_IDENTITY:
        row.verified = now
    if after in DECIDED:
        row.slot, row.decided = None, now
        row.decided_kind, row.decided_token = actor.kind.value, actor.token_id
    if reasons is not None:
        row.reasons = request.holder.key.seal(jsontext.dumps(reasons), _place(row, b"reasons"))
    row.mac = _mac(row)
    columns = {name: getattr(row, name) for name in (*_CHANGING, "slot", "reasons", "mac")}
    if not Request.objects.filter(pk=row.pk, state=before.value).update(**columns):
        raise Conflict(gettext_noop("wrong status: another decision came first"), subject=bytes(row.subject))


def assign(request: OpenRequest, account: int | None) -> None:
    """Give a locked request to an account, or to nobody."""
    row = request.stored
    row.assignee = account
    row.mac = _mac(row)
    Request.objects.filter(pk=row.pk).update(assignee=row.assignee, mac=row.mac)


_CHANGING = tuple(name for name in _FACTS if name not in ("tenant", "action", "created", "assignee"))


def empty(tenant: int, subject: bytes) -> None:
    """Leave nothing but the bare facts of a person's requests."""
    Request.objects.filter(tenant=tenant, subject=subject).update(
        sealed_id=None, terms=None, original=None, change=None, reasons=None
    )
