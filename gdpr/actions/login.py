"""Login of a person: a code by mail or text message, and an access token for who comes back with it.

Nobody learns whether a person exists. Of nobody's identity the same statements are sent as of somebody's: a code is
stored that can't be used, a message is written and taken back, an event tells that nobody was found.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext_noop

from audit import trail
from audit.events import Outcome
from databunker import periods
from databunker.access import captcha, login_codes, throttle, tokens
from databunker.access.actor import Actor, ActorKind
from databunker.access.models import TokenKind
from databunker.crypto import hashing, store
from databunker.crypto.record_key import RecordKey
from databunker.db.statements import atomically, retrying
from databunker.errors import AccessDenied, BadRequest, Conflict
from databunker.ids import new_token, unix_now
from databunker.notify import outbox, webhooks
from vault import identities, lookups, queries
from vault.lookups import ByIdentity
from vault.records import OpenRecord

from ..events import LOGIN_CODE_SENT, LOGIN_DONE
from ..login_channels import Channel, channel_of

__all__ = ["LoggedIn", "log_in", "purge_login", "send_login_code"]


class LoggedIn(NamedTuple):
    """`xtoken` is the access token, shown this once; `token` is the person's."""

    xtoken: UUID
    token: UUID


def send_login_code(
    actor: Actor, *, mode: str, identity: str, captcha_code: str, captcha_answer: str, language: str = ""
) -> None:
    """Send a code to the person with this e-mail address or telephone number, if there is one who wants it.

    A newer code replaces an older one. `language` is that of the message, such as `de`; empty: MAIL_LANGUAGE.

    Raises:
        BadRequest: no such mode, or no telephone number.
        Conflict: messages of this kind are not set up.
        CaptchaRefused: the captcha is wrong, too old or used; it is used up in any case.
        Throttled: too many codes were asked for, for this identity or from this address.
    """
    lookup, channel = _parse(actor, mode, identity)
    test_code = _test_code(lookup)
    if test_code is None and not channel.is_set_up():
        raise Conflict(gettext_noop("login by %(field)s is not set up"), places={"field": lookup.field.name})
    _take(actor, "LOGIN_CODES_PER_ADDRESS", throttle.address_key(actor.address))
    captcha.use(captcha_code, captcha_answer, tenant=actor.tenant)
    _take(actor, "LOGIN_CODES_PER_PERSON", lookup.plain)
    code = test_code or login_codes.new_code()

    def attempt() -> None:
        with atomically():
            record = queries.find_for_login(actor.tenant, lookup)
            expires = unix_now() + settings.LOGIN_CODE_SECONDS
            login_codes.store_code(
                code,
                tenant=actor.tenant,
                identity=lookup.plain,
                subject=record.row.subject if record else None,
                expires=expires,
            )
            sent = test_code is None and _write_message(
                actor, lookup, channel, record, code=code, deadline=expires, language=language
            )
            _tell_of_code(actor, lookup, record, sent=sent)

    retrying(attempt)


def _parse(actor: Actor, mode: str, identity: str) -> tuple[ByIdentity, Channel]:
    """
    Raises:
        BadRequest: nobody logs in by this mode, or it is no telephone number.
    """
    channel = channel_of(mode)
    lookup = lookups.parse(mode, identity, tenant=actor.tenant)
    if channel is None or not isinstance(lookup, ByIdentity):
        raise BadRequest("bad mode")
    return lookup, channel


def _take(actor: Actor, setting: str, who: bytes) -> None:
    """
    Raises:
        Throttled: the limit of this setting is used up.
    """
    limit = throttle.parse_limit(getattr(settings, setting))
    throttle.take(limit, tenant=actor.tenant, what=setting.encode(), who=who)


# The identities by which the peer's demonstration lets everybody in.
_TEST_IDENTITIES = {"email": "test@securitybunker.io", "phone": "4444"}
_TEST_CODE = "4444"


def _test_code(lookup: ByIdentity) -> str | None:
    """The code of the demonstration's test identities, which is never sent; None for all others, and elsewhere."""
    if not settings.DATABUNKER_DEMO:
        return None
    known = identities.normalised(lookup.field, _TEST_IDENTITIES[lookup.field.name])
    return _TEST_CODE if lookup.value == known else None


def _write_message(
    actor: Actor,
    lookup: ByIdentity,
    channel: Channel,
    record: OpenRecord | None,
    *,
    code: str,
    deadline: int,
    language: str,
) -> bool:
    """Whether it is in the outbox; for those who get none it is written just so, and taken back."""
    subject = record.row.subject if record else lookup.digest
    refused = channel.is_refused(actor.tenant, subject=subject, identities=lookup.digests(actor.tenant))
    reachable = channel.can_reach(lookup.value)
    key = record.key if record else _nobodys_key(actor.tenant, lookup.digest)
    savepoint = transaction.savepoint()
    channel.write(actor.tenant, to=lookup.value, code=code, sealer=key, deadline=deadline, language=language)
    if record and reachable and not refused:
        transaction.savepoint_commit(savepoint)
        return True
    transaction.savepoint_rollback(savepoint)
    return False


def _nobodys_key(tenant: int, digest: bytes) -> RecordKey:
    """A key that takes as long to make as a person's to open."""
    key = RecordKey.fresh(tenant=tenant, subject=digest)
    key.wrap(store.current_keyring())
    return key


def _tell_of_code(actor: Actor, lookup: ByIdentity, record: OpenRecord | None, *, sent: bool) -> None:
    if record is None:
        trail.record(actor, LOGIN_CODE_SENT, detail=lookup.trace_of_nobody(), outcome=Outcome.NOT_FOUND)
        return
    detail = {**lookup.trace(), "sent": sent}
    trail.record(actor, LOGIN_CODE_SENT, subject=record.row.subject, sealer=record.key, detail=detail)


def log_in(actor: Actor, *, mode: str, identity: str, code: str) -> LoggedIn:
    """An access token for the person who has been sent `code`; the code is used up.

    Raises:
        BadRequest: no such mode, or no telephone number.
        AccessDenied: no such person, no or another code, one that was used, tried too often or has ended. All look
            alike; NOTIFICATION_URL is told.
        Throttled: too many tries, for this identity or from this address.
    """
    lookup, _ = _parse(actor, mode, identity)
    _take(actor, "LOGIN_TRIES_PER_ADDRESS", throttle.address_key(actor.address))
    _take(actor, "LOGIN_TRIES_PER_PERSON", lookup.plain)

    def attempt() -> LoggedIn | AccessDenied:
        with atomically():
            record = queries.find_for_login(actor.tenant, lookup)
            proved = login_codes.try_code(code, tenant=actor.tenant, identity=lookup.plain, now=unix_now())
            if record is not None and proved is not None and hashing.same(proved, record.row.subject):
                return _let_in(actor, lookup, record)
            return _refusal(actor, lookup, record)

    done = retrying(attempt)
    # The try has been committed; its event is that of the refusal.
    if isinstance(done, AccessDenied):
        raise done
    return done


def _let_in(actor: Actor, lookup: ByIdentity, record: OpenRecord) -> LoggedIn:
    subject, xtoken = record.row.subject, new_token()
    row = tokens.add_token(
        token=str(xtoken),
        kind=TokenKind.PERSON,
        tenant=actor.tenant,
        label="login",
        subject=subject,
        expires=unix_now() + periods.seconds_of(settings.LOGIN_TOKEN_LIFE),
    )
    # Whoever has proved to be the person is told of as the person, with the token that later events name.
    person = replace(actor, kind=ActorKind.PERSON, token_id=row.pk, subject=subject)
    trail.record(person, LOGIN_DONE, subject=subject, sealer=record.key, detail=lookup.trace())
    return LoggedIn(xtoken, record.token)


def _refusal(actor: Actor, lookup: ByIdentity, record: OpenRecord | None) -> AccessDenied:
    body = webhooks.bad_login(mode=lookup.field.name, identity=lookup.value)
    key = record.key if record else _nobodys_key(actor.tenant, lookup.digest)
    outbox.webhook(actor.tenant, body, sealer=key if record else None)
    return AccessDenied(subject=record.row.subject if record else None, trace=lookup.trace_of_nobody())


def purge_login(now: int) -> int:
    """Delete codes, used captchas and throttles that have ended by `now`; how many rows."""
    return sum(
        purge(now)
        for purge in (
            login_codes.purge_codes,
            captcha.purge_captchas,
            throttle.purge_throttles,
        )
    )
