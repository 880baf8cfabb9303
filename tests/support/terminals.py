"""A person in front of a terminal: the real program, on a pseudo-terminal."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import sys
import time
from types import TracebackType
from typing import Self

from .vaults import PROJECT, Vault

__all__ = ["Person"]

SECONDS = 60


class Person:
    """Reads what `manage.py …` writes to the terminal and types answers."""

    def __init__(self, vault: Vault, *arguments: str, **settings: str) -> None:
        self._leader, follower = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, str(PROJECT / "manage.py"), *arguments],
            cwd=vault.folder,
            env=vault.environment(**settings) | {"TERM": "xterm", "COLUMNS": "120"},
            stdin=follower,
            stdout=follower,
            stderr=follower,
            start_new_session=True,
        )
        os.close(follower)
        self.seen = ""
        self._read = 0

    def sees(self, pattern: str) -> re.Match[str]:
        """What was written, since it was last looked at, up to what fits."""
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            found = re.search(pattern, self.seen[self._read :], re.DOTALL)
            if found:
                self._read += found.end()
                return found
            if not self._more(0.2) and self.process.poll() is not None:
                break
        raise AssertionError(f"{pattern!r} is not in {self.seen[self._read :]!r}")

    def types(self, text: str) -> None:
        os.write(self._leader, text.encode() + b"\n")

    def ends(self) -> int:
        """The exit code, when it has written all that it had to."""
        while self._more(0.2) or self.process.poll() is None:
            pass
        return self.process.wait(SECONDS)

    def _more(self, seconds: float) -> bool:
        if not select.select([self._leader], [], [], seconds)[0]:
            return False
        try:
            data = os.read(self._leader, 65536)
        except OSError:  # the other end is closed
            return False
        self.seen += data.decode().replace("\r\n", "\n")
        return bool(data)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(SECONDS)
        os.close(self._leader)
