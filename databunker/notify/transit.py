"""A master key that HashiCorp Vault's Transit engine, or what speaks its API, encrypts and decrypts.

The master key itself is then in no file and no environment, and whoever runs that service can see and stop its use.
"""

from __future__ import annotations

import base64
import binascii
import re
from http.client import HTTPException
from ipaddress import ip_address
from pathlib import Path

import orjson
from django.conf import settings

from databunker.crypto.errors import MasterKeyError

from . import addresses, outgoing
from .errors import AddressRefused, BadStatus, OutgoingError

__all__ = ["decrypt", "encrypt", "require_usable"]

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_MOUNT = re.compile(rf"{_NAME.pattern}(?:/{_NAME.pattern})*")


def decrypt(ciphertext: str) -> bytes:
    """
    Raises:
        MasterKeyError: not set up, not reached in time, refused, or not answered as it must be.
    """
    text = _call("decrypt", {"ciphertext": ciphertext}, wanted="plaintext")
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise _failed("decrypt", "its answer holds no base64") from None


def encrypt(secret: bytes) -> str:
    """
    Raises:
        MasterKeyError: see `decrypt`.
    """
    return _call("encrypt", {"plaintext": base64.b64encode(secret).decode()}, wanted="ciphertext")


def _call(verb: str, body: dict[str, str], *, wanted: str) -> str:
    url = f"{settings.TRANSIT_URL.rstrip('/')}/v1/{settings.TRANSIT_MOUNT}/{verb}/{settings.TRANSIT_KEY}"
    try:
        require_usable()
        answer = outgoing.fetch(
            "POST", url, body=orjson.dumps(body), headers=_headers(), seconds=settings.TRANSIT_TIMEOUT_SECONDS
        )
    except (AddressRefused, BadStatus, _Unusable) as error:
        raise _failed(verb, str(error)) from None
    except (OutgoingError, OSError, HTTPException, ValueError) as error:
        # Others' texts may quote what was sent.
        raise _failed(verb, type(error).__name__) from None
    try:
        text = orjson.loads(answer)["data"][wanted]
    except (ValueError, TypeError, LookupError):
        text = None
    if not isinstance(text, str) or not text:
        raise _failed(verb, "its answer is none of Transit's")
    return text


class _Unusable(ValueError):
    """A setting is missing or can't be used."""


def _failed(verb: str, reason: str) -> MasterKeyError:
    return MasterKeyError(f"Transit (TRANSIT_URL) did not {verb} the master key: {reason}")


def _headers() -> dict[str, str]:
    headers = {"Content-Type": "application/json", "X-Vault-Request": "true", "X-Vault-Token": _token()}
    if settings.TRANSIT_NAMESPACE:
        headers["X-Vault-Namespace"] = settings.TRANSIT_NAMESPACE
    return headers


def _token() -> str:
    if settings.TRANSIT_TOKEN:
        return str(settings.TRANSIT_TOKEN)
    try:
        return Path(settings.TRANSIT_TOKEN_FILE).read_text(encoding="ascii").strip()
    except OSError as error:
        raise _Unusable(f"TRANSIT_TOKEN_FILE can't be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise _Unusable("TRANSIT_TOKEN_FILE holds no token") from None


def require_usable() -> None:
    """
    Raises:
        ValueError: a setting of Transit is missing or can't be used.
    """
    missing = [name for name in ("TRANSIT_URL", "TRANSIT_KEY") if not getattr(settings, name)]
    if missing:
        raise _Unusable(f"{' and '.join(missing)} must be set")
    if bool(settings.TRANSIT_TOKEN) == bool(settings.TRANSIT_TOKEN_FILE):
        raise _Unusable("set one of TRANSIT_TOKEN and TRANSIT_TOKEN_FILE")
    if not _NAME.fullmatch(settings.TRANSIT_KEY) or not _MOUNT.fullmatch(settings.TRANSIT_MOUNT):
        raise _Unusable("TRANSIT_KEY and TRANSIT_MOUNT are names of letters, digits, dots, hyphens and underscores")
    try:
        target = addresses.parse_url(settings.TRANSIT_URL)
    except AddressRefused as error:
        raise _Unusable(f"TRANSIT_URL: {error}") from None
    if target.scheme != "https" and not _is_loopback(target.host):
        raise _Unusable("TRANSIT_URL must begin with https://, as the master key would go over the network in clear")


def _is_loopback(host: str) -> bool:
    """An agent on this very machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
