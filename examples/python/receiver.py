"""Receives the vault's webhooks: checks each signature, does each delivery once.

Set NOTIFICATION_SECRET as the vault has it, and PORT. Behind a proxy that speaks TLS.
"""

import hmac
import json
import os
import time
from email.message import Message
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

MAX_BODY_BYTES = 4 * 1024 * 1024
TOLERANCE_SECONDS = 300
SECRET = os.environ["NOTIFICATION_SECRET"].encode()
# Deliveries that were done. The vault repeats what it is not sure of; keep this in a table, for two days.
DONE: set[str] = set()


def verify(headers: Message, body: bytes) -> str:
    """The delivery's id. Raises ValueError unless the vault signed these bytes, and lately."""
    delivery, parts = headers.get("X-Databunker-Delivery", ""), headers.get("X-Databunker-Signature", "").split(",")
    signed = dict(part.split("=", 1) for part in parts)  # "t=…,v1=…"; anything else is a ValueError
    at, signature = signed.get("t", ""), signed.get("v1", "")
    expected = hmac.new(SECRET, b"%s.%s.%s" % (delivery.encode(), at.encode(), body), "sha256").hexdigest()
    if not hmac.compare_digest(signature.encode(), expected.encode()):
        raise ValueError("not signed by the vault")
    if abs(time.time() - int(at)) > TOLERANCE_SECONDS:
        raise ValueError("signed too long ago")
    return delivery


def handle(event: dict[str, Any]) -> None:
    """Your work, or a row in your queue of work. A log must not have the person's data: nobody forgets it there."""
    print(event["action"], event.get("identity", ""), flush=True)


class Handler(BaseHTTPRequestHandler):
    timeout = 10

    def do_POST(self) -> None:
        try:
            size = int(self.headers.get("Content-Length", ""))
            body = self.rfile.read(size) if 0 < size <= MAX_BODY_BYTES else b""
            delivery = verify(self.headers, body)
        except ValueError:
            self.answer(403)
            return
        if delivery not in DONE:
            handle(json.loads(body))
            DONE.add(delivery)
        self.answer(204)

    def answer(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing: paths and addresses are nobody's business."""


if __name__ == "__main__":
    server = HTTPServer(("127.0.0.1", int(os.environ.get("PORT", "3300"))), Handler)
    print(f"listening on 127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()
