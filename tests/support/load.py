"""Writers that go on until they are stopped or the server is gone, and keep account of what they were told."""

from __future__ import annotations

import http.client
import itertools
import threading
from dataclasses import dataclass, field
from types import TracebackType

from .clients import Client
from .vaults import Server

__all__ = ["Writer", "Writers"]


@dataclass
class Writer:
    """One caller that stores one person after another over one connection."""

    name: str
    client: Client
    stored: dict[str, str] = field(default_factory=dict)
    """Login and token of everybody whose storing was acknowledged."""
    refused: list[int] = field(default_factory=list)
    """Codes of the answers that were no success."""
    unanswered: list[str] = field(default_factory=list)
    """What went wrong where a connection that was open already gave no whole answer."""
    turned_away: int = 0
    """Connections that were never served at all."""

    def run(self, stop: threading.Event) -> None:
        used = False
        for number in itertools.count():
            if stop.is_set():
                break
            login = f"{self.name}-{number}"
            try:
                answer = self.client.call("POST", "/v1/user", {"login": login})
            except (OSError, http.client.HTTPException) as error:
                if used or isinstance(error, http.client.IncompleteRead):
                    self.unanswered.append(f"{login}: {type(error).__name__}")
                else:
                    self.turned_away += 1
                    break
                used = False
                continue
            used = answer.headers.get("connection", "keep-alive").lower() != "close"
            if not used:
                self.client.close()
            if answer.status == http.client.OK:
                self.stored[login] = answer.json()["token"]
            else:
                self.refused.append(answer.status)
        self.client.close()


class Writers:
    """Several of them in threads of their own, running inside the `with` block."""

    def __init__(self, server: Server, number: int, *, name: str = "writer") -> None:
        self._stop = threading.Event()
        self.all = [Writer(f"{name}-{one}", server.client()) for one in range(number)]
        self._threads = [threading.Thread(target=writer.run, args=(self._stop,)) for writer in self.all]

    def __enter__(self) -> Writers:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    @property
    def stored(self) -> dict[str, str]:
        """Login and token of everybody whose storing was acknowledged."""
        return {login: token for writer in self.all for login, token in list(writer.stored.items())}

    @property
    def unanswered(self) -> list[str]:
        return [text for writer in self.all for text in writer.unanswered]

    @property
    def refused(self) -> list[int]:
        return [code for writer in self.all for code in writer.refused]
