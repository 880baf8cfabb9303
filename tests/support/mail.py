"""A mail server: a real one, that keeps what it takes."""

from __future__ import annotations

import email
import email.policy
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

__all__ = ["SENDER", "Taker", "mail_server", "mailing"]

SENDER = "Example Shop <privacy@shop.example.com>"


class Taker:
    """Takes mail, unless `refuse_recipient` or `refuse_message` has an SMTP reply that says otherwise."""

    def __init__(self) -> None:
        self.taken: list[EmailMessage] = []
        self.recipients: list[list[str]] = []
        self.users: list[str] = []
        self.refuse_recipient = ""
        self.refuse_message = ""
        # The server asks for its handlers by these names.
        self.handle_RCPT, self.handle_DATA = self._recipient, self._message

    async def _recipient(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.refuse_recipient:
            return self.refuse_recipient
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def _message(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.refuse_message:
            return self.refuse_message
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        self.taken.append(message)
        self.recipients.append(list(envelope.rcpt_tos))
        return "250 OK"

    def authenticator(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
    ) -> AuthResult:
        assert isinstance(data, LoginPassword)
        self.users.append(data.login.decode())
        return AuthResult(success=data.password == b"right", handled=False)


@contextmanager
def mail_server(**options: Any) -> Iterator[tuple[Taker, int]]:
    """The server's notebook and its port on 127.0.0.1; `options` are aiosmtpd's."""
    taker = Taker()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    controller = Controller(taker, hostname="127.0.0.1", port=port, authenticator=taker.authenticator, **options)
    controller.start()
    try:
        yield taker, port
    finally:
        controller.stop()


@contextmanager
def mailing(settings: Any) -> Iterator[Taker]:
    """The notebook of a server that the vault's mail goes to by these settings."""
    with mail_server() as (taker, port):
        settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TLS = "127.0.0.1", port, "none"
        settings.EMAIL_FROM = SENDER
        yield taker
