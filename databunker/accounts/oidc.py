"""Sign-in through an OpenID Connect provider: authorization code flow with PKCE, and what the ID token must prove.

The provider is one, named by the settings. What it says of itself is believed for its own host alone, over HTTPS, by
calls that go where ours may (databunker.notify.outgoing). An account is found by issuer and subject, which never
change and are never given to somebody else; an e-mail address is neither.
"""

from __future__ import annotations

import secrets
import time
from base64 import b64encode, urlsafe_b64encode
from dataclasses import dataclass
from hashlib import sha256
from http.client import HTTPException
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import jwt
from django.conf import settings

from databunker import jsontext
from databunker.crypto import envelope, hashing, store
from databunker.crypto.envelope import Place
from databunker.crypto.keyring import Purpose
from databunker.errors import AccessDenied, BadRequest, Unavailable
from databunker.ids import unix_now
from databunker.notify import outgoing
from databunker.notify.errors import BadStatus, OutgoingError

__all__ = ["Identity", "Started", "finish", "forget_cached", "is_set_up", "open_kept", "seal_kept", "start"]

_ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA"]
_SECONDS = 10.0
_KEEP_SECONDS = 3600.0
_ANEW_SECONDS = 60.0  # keys are asked for anew at most so often, whatever key an ID token names
_LEEWAY = 30
_FRESH_SECONDS = 120
_MAX_TOKEN = 16_384


@dataclass(frozen=True, slots=True)
class Started:
    """`address` is where the browser goes; the rest is kept for it, out of everybody else's sight."""

    address: str
    state: str
    nonce: str
    verifier: str


@dataclass(frozen=True, slots=True)
class Identity:
    """Somebody whom the provider knows."""

    issuer: str
    subject: str


@dataclass
class _Provider:
    """What the provider says of itself, and its keys."""

    metadata: dict[str, Any]
    keys: list[dict[str, Any]]
    read_at: float


_cached: dict[str, _Provider] = {}


def is_set_up() -> bool:
    return bool(settings.CONSOLE_OIDC_ISSUER and settings.CONSOLE_OIDC_CLIENT_ID)


def forget_cached() -> None:
    _cached.clear()


def start(*, redirect_uri: str, anew: bool = False) -> Started:
    """Begin; with `anew` the provider has to ask who it is even if it knows.

    Raises:
        Unavailable: the provider can't be asked.
    """
    state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
    challenge = urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    query = {
        "response_type": "code",
        "client_id": settings.CONSOLE_OIDC_CLIENT_ID,
        "redirect_uri": redirect_uri,
        "scope": "openid",
        "state": state,
        "nonce": nonce,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    if anew:
        query |= {"prompt": "login", "max_age": "0"}
    endpoint = _endpoint("authorization_endpoint")
    return Started(f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(query)}", state, nonce, verifier)


def finish(*, started: Started, state: str, code: str, issuer: str, redirect_uri: str, anew: bool = False) -> Identity:
    """Who came back with `code`. `issuer` is what the answer itself names (RFC 9207), or empty.

    Raises:
        AccessDenied: not the one who was sent there, or not proved.
        Unavailable: the provider can't be asked.
    """
    if not hashing.same(state.encode(errors="replace"), started.state.encode()) or not code:
        raise AccessDenied
    if issuer and issuer != settings.CONSOLE_OIDC_ISSUER:
        raise AccessDenied
    claims = _proved(_exchange(code, started.verifier, redirect_uri))
    nonce = claims.get("nonce")
    if not isinstance(nonce, str) or not hashing.same(nonce.encode(errors="replace"), started.nonce.encode()):
        raise AccessDenied
    if anew and not 0 <= unix_now() + _LEEWAY - int(claims.get("auth_time") or 0) < _FRESH_SECONDS:
        raise AccessDenied
    return Identity(claims["iss"], claims["sub"])


def _kept_key() -> bytes:
    """Of its own, and always the same: an envelope that a stranger has made up must not make us look for its key."""
    return hashing.derive_key(store.current_keyring().secret(Purpose.REFERENCE), b"oidc-cookie")


def _kept_place(tenant: int) -> Place:
    return Place(tenant, b"oidc", b"cookie", b"")


def seal_kept(kept: bytes, *, tenant: int) -> bytes:
    """What has to be remembered until the browser comes back, for the browser to carry."""
    return envelope.seal(kept, key=_kept_key(), key_id=0, place=_kept_place(tenant))


def open_kept(sealed: bytes, *, tenant: int) -> bytes:
    """
    Raises:
        IntegrityFailure: it is not ours, or was changed.
    """
    return envelope.open_sealed(sealed, key=_kept_key(), place=_kept_place(tenant))


def _exchange(code: str, verifier: str, redirect_uri: str) -> str:
    """The ID token for the code."""
    fields = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": redirect_uri,
        "code_verifier": verifier,
        "client_id": settings.CONSOLE_OIDC_CLIENT_ID,
    }
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    if settings.CONSOLE_OIDC_CLIENT_SECRET:
        pair = f"{quote(settings.CONSOLE_OIDC_CLIENT_ID)}:{quote(settings.CONSOLE_OIDC_CLIENT_SECRET)}"
        headers["Authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
    answer = _ask("POST", _endpoint("token_endpoint"), body=urlencode(fields).encode(), headers=headers)
    token = answer.get("id_token")
    if not isinstance(token, str) or len(token) > _MAX_TOKEN:
        raise AccessDenied
    return token


def _proved(token: str) -> dict[str, Any]:
    """The claims of an ID token that this provider has signed for us, and that still holds.

    Raises:
        AccessDenied: it does not.
    """
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            _key_for(jwt.get_unverified_header(token)),
            algorithms=_ALGORITHMS,
            audience=settings.CONSOLE_OIDC_CLIENT_ID,
            issuer=settings.CONSOLE_OIDC_ISSUER,
            leeway=_LEEWAY,
            options={"require": ["iss", "sub", "aud", "exp", "iat", "nonce"]},
        )
    except (jwt.PyJWTError, ValueError, TypeError):
        raise AccessDenied from None
    authorized = claims.get("azp", settings.CONSOLE_OIDC_CLIENT_ID)
    several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
    if authorized != settings.CONSOLE_OIDC_CLIENT_ID or (several and "azp" not in claims) or not claims["sub"]:
        raise AccessDenied
    return claims


def _key_for(header: dict[str, Any]) -> jwt.PyJWK:
    """
    Raises:
        AccessDenied: the provider has no such key.
    """
    for old_enough in (_KEEP_SECONDS, _ANEW_SECONDS):
        for key in _provider(old_enough).keys:
            fits = key.get("kid") == header.get("kid") and key.get("use", "sig") == "sig" and key.get("kty") != "oct"
            if fits:
                return jwt.PyJWK(key, algorithm=header["alg"] if header.get("alg") in _ALGORITHMS else None)
    raise AccessDenied


def _endpoint(name: str) -> str:
    """
    Raises:
        Unavailable: the provider has none, or one on another host than its own.
    """
    return _trusted(_provider(_KEEP_SECONDS).metadata.get(name))


def _trusted(address: object) -> str:
    issuer = urlsplit(settings.CONSOLE_OIDC_ISSUER)
    parts = urlsplit(address) if isinstance(address, str) else None
    hosts = {issuer.hostname, *(host.lower() for host in settings.CONSOLE_OIDC_HOSTS)}
    scheme = parts is not None and (parts.scheme == "https" or (parts.scheme == "http" and not settings.PAGES_HTTPS))
    if parts is None or not scheme or parts.hostname not in hosts:
        raise Unavailable("the OpenID provider names an address that is not its own: see CONSOLE_OIDC_HOSTS")
    return str(address)


def _provider(keep: float) -> _Provider:
    issuer = settings.CONSOLE_OIDC_ISSUER
    known = _cached.get(issuer)
    if known is None or time.monotonic() - known.read_at > keep:
        metadata = _ask("GET", _trusted(f"{issuer.rstrip('/')}/.well-known/openid-configuration"))
        if metadata.get("issuer") != issuer:
            raise Unavailable("the OpenID provider calls itself otherwise than CONSOLE_OIDC_ISSUER")
        keys = _ask("GET", _trusted(metadata.get("jwks_uri"))).get("keys")
        found = [key for key in keys if isinstance(key, dict)] if isinstance(keys, list) else []
        known = _cached[issuer] = _Provider(metadata, found, time.monotonic())
    return known


def _ask(method: str, url: str, *, body: bytes = b"", headers: dict[str, str] | None = None) -> dict[str, Any]:
    """
    Raises:
        AccessDenied: the provider refuses the code.
        Unavailable: it can't be reached, or answers something else than an object.
    """
    try:
        answer = outgoing.fetch(method, url, body=body, headers=headers or {}, seconds=_SECONDS)
        value = jsontext.loads(answer)
    except BadStatus as error:
        if method == "POST" and error.status in (400, 401, 403):
            raise AccessDenied from None
        raise Unavailable("the OpenID provider refuses to answer") from None
    except (OutgoingError, OSError, ValueError, BadRequest, HTTPException) as error:
        raise Unavailable(f"the OpenID provider can't be asked ({type(error).__name__})") from None
    if not isinstance(value, dict):
        raise Unavailable("the OpenID provider answers no object")
    return value
