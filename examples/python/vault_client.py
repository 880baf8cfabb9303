"""A client of the vault in one file, with nothing but Python 3.9: copy it into your application.

It follows no redirect and heeds no proxy of the environment, so that the access token goes to the vault alone.
"""

from __future__ import annotations

import json
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import quote, urlsplit

__all__ = ["NotFound", "Taken", "Unavailable", "Vault", "VaultError"]

REDIRECTED = 300  # what is below was done
Profile = dict[str, Any]


class VaultError(Exception):
    """The vault refused: `status` is that of HTTP, the text names fields and rules, never a value."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class NotFound(VaultError):
    """Nobody has this token or identity."""


class Taken(VaultError):
    """An identity is somebody else's, or the record's state is in the way."""


class Unavailable(VaultError):
    """The vault can't be reached or can't work: try again later. After a change, look first whether it was made."""


_ERRORS: dict[int, type[VaultError]] = {404: NotFound, 409: Taken, 429: Unavailable, 503: Unavailable}


class Vault:
    """People's records. `purpose` stands in the event that each call leaves."""

    def __init__(self, url: str, token: str, *, purpose: str = "", timeout: float = 10) -> None:
        place = urlsplit(url)
        self._connection = HTTPSConnection if place.scheme == "https" else HTTPConnection
        self._host = place.netloc
        self._prefix = place.path.rstrip("/")
        self._timeout = timeout
        self._headers = {"X-Bunker-Token": token, "Content-Type": "application/json"}
        if purpose:
            self._headers["X-Bunker-Purpose"] = purpose

    def create(self, profile: Profile) -> str:
        """Store a person; the token to keep in the place of the record. Raises Taken where an identity is."""
        return str(self.call("POST", "/v1/user", profile)["token"])

    def get(self, token: str) -> Profile:
        return dict(self.call("GET", _path("user", "token", token))["data"])

    def find(self, mode: str, identity: str) -> tuple[str, Profile]:
        """The token and profile of whoever has this `email`, `phone`, `login` or `custom`."""
        found = self.call("GET", _path("user", mode, identity))
        return str(found["token"]), dict(found["data"])

    def change(self, token: str, changes: Profile) -> None:
        """A merge patch (RFC 7396): what is named is set, None deletes, everything else stays."""
        self.call("PUT", _path("user", "token", token), changes)

    def forget(self, token: str) -> str | None:
        """Destroy the person's key; the id of the receipt, or None where that had been done before."""
        return self.call("DELETE", _path("user", "token", token)).get("receipt")

    def agree(self, brief: str, token: str, *, how: str) -> None:
        """The person accepts a legal basis; `how` says by what ("signup-form", for instance)."""
        self.call("POST", _path("agreement", brief, "token", token), {"agreementmethod": how})

    def withdraw(self, brief: str, token: str) -> None:
        self.call("DELETE", _path("agreement", brief, "token", token))

    def agrees(self, brief: str, token: str) -> bool:
        """Whether the person's agreement to a legal basis is in force."""
        try:
            return bool(self.call("GET", _path("agreement", brief, "token", token))["data"]["status"] == "yes")
        except NotFound:
            return False

    def report(self, token: str) -> dict[str, Any]:
        """Everything about a person, for a request by GDPR Article 15 or 20."""
        return dict(self.call("GET", _path("user", "token", token, "report"))["report"])

    def events(self, token: str, *, limit: int = 10) -> list[dict[str, Any]]:
        """Who did what with the person's data, newest first."""
        return list(self.call("GET", f"{_path('audit', 'list', token)}?limit={limit:d}")["rows"])

    def call(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        """Any route of the API. Raises VaultError, or the one of its kinds that fits."""
        connection = self._connection(self._host, timeout=self._timeout)
        try:
            connection.request(method, self._prefix + path, None if body is None else json.dumps(body), self._headers)
            response = connection.getresponse()
            answer = json.loads(response.read())
        except (OSError, HTTPException, ValueError) as error:
            raise Unavailable(503, f"no answer from the vault: {type(error).__name__}") from None
        finally:
            connection.close()
        if response.status >= REDIRECTED or answer.get("status") != "ok":
            raise _ERRORS.get(response.status, VaultError)(response.status, str(answer.get("message", "refused")))
        return dict(answer)


def _path(*parts: str) -> str:
    """Each part percent-encoded, so that no identity can leave its place in the path."""
    return "/v1/" + "/".join(quote(part, safe="") for part in parts)
