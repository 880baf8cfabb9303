"""The part of HashiCorp Vault that is asked for: its Transit engine, as a real HTTP server."""

from __future__ import annotations

import base64
import secrets
from typing import Any

import orjson

from .receivers import Received, Receiver, Wire

__all__ = ["TOKEN", "Transit"]

TOKEN = "hvs.CAESIJ-a-token-of-the-tests"


class Transit(Receiver):
    """Keeps what it has encrypted in memory. Refuses every other token, key, mount and namespace, as Vault does."""

    def __init__(self, *, key: str = "databunker", mount: str = "transit", namespace: str = "") -> None:
        super().__init__()
        self._key, self._mount, self._namespace = key, mount, namespace
        self._plaintexts: dict[str, str] = {}
        self.may = {"encrypt", "decrypt"}
        self.answer = self._serve

    def settings(self) -> dict[str, Any]:
        """What the vault must be told of it."""
        return {
            "TRANSIT_URL": self.url(""),
            "TRANSIT_KEY": self._key,
            "TRANSIT_MOUNT": self._mount,
            "TRANSIT_NAMESPACE": self._namespace,
            "TRANSIT_TOKEN": TOKEN,
        }

    def encrypt(self, secret: bytes) -> str:
        ciphertext = f"vault:v1:{secrets.token_urlsafe(45)}"
        self._plaintexts[ciphertext] = base64.b64encode(secret).decode()
        return ciphertext

    def _serve(self, wire: Wire) -> None:
        status, body = self._outcome(self.received[-1])
        content = orjson.dumps(body)
        head = f"HTTP/1.1 {status} .\r\nContent-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
        wire.write(head.encode() + content)

    def _outcome(self, asked: Received) -> tuple[int, dict[str, Any]]:
        of = {name: asked.headers.get(f"x-vault-{name}", "") for name in ("token", "namespace", "request")}
        if of != {"token": TOKEN, "namespace": self._namespace, "request": "true"}:
            return 403, {"errors": ["permission denied"]}
        found = [verb for verb in self.may if asked.path == f"/v1/{self._mount}/{verb}/{self._key}"]
        if asked.method != "POST" or not found:
            return 403, {"errors": ["1 error occurred: permission denied"]}
        if found == ["encrypt"]:
            return 200, {"data": {"ciphertext": self.encrypt(base64.b64decode(asked.json()["plaintext"]))}}
        plaintext = self._plaintexts.get(asked.json()["ciphertext"])
        if plaintext is None:
            return 400, {"errors": ["invalid ciphertext: no prefix"]}
        return 200, {"request_id": "x", "data": {"plaintext": plaintext}}
