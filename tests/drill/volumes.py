"""A small filesystem that can be filled."""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

__all__ = ["Volume", "can_mount"]

_MEGABYTES = {"sqlite": 24, "postgresql": 192, "mysql": 256}


def can_mount() -> bool:
    """Whether this process may mount filesystems: not in every container."""
    if os.geteuid() != 0:
        return False
    with tempfile.TemporaryDirectory() as folder:
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=1m", "drill", folder], capture_output=True, check=False
        )
        if mounted.returncode == 0:
            subprocess.run(["umount", folder], check=True)
        return mounted.returncode == 0


class Volume(contextlib.AbstractContextManager["Volume"]):
    """In memory; large enough for a new vault on this kind of database."""

    def __init__(self, path: Path, kind: str) -> None:
        self.path = path
        self._megabytes = _MEGABYTES[kind]

    def __enter__(self) -> Volume:
        self.path.mkdir()
        size = f"size={self._megabytes}m,mode=0711"
        subprocess.run(["mount", "-t", "tmpfs", "-o", size, "drill", str(self.path)], check=True)
        return self

    def __exit__(self, *_: object) -> None:
        subprocess.run(["umount", "--lazy", str(self.path)], check=True)

    @contextlib.contextmanager
    def full(self) -> Iterator[None]:
        """Not a byte is free inside the block."""
        ballast = self.path / "ballast"
        with ballast.open("wb", buffering=0) as target:
            for size in (1 << 20, 4096, 1):
                with contextlib.suppress(OSError):
                    while True:
                        target.write(b"\0" * size)
        try:
            yield
        finally:
            ballast.unlink()
