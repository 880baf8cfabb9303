"""Processes of a drill whose clock jumps, whose names stop resolving, and whose files become read-only; see preload.c."""

from __future__ import annotations

import shutil
import struct
import subprocess
from pathlib import Path

__all__ = ["HOST", "Preload"]

HOST = "database.drill"
_SOURCE = Path(__file__).with_name("preload.c")


class Preload:
    """Compiled into the folder; `settings` go into the environment of the processes."""

    def __init__(self, folder: Path) -> None:
        self._shared = folder / "shared"
        self._library = folder / "preload.so"
        self.set()
        compiler = shutil.which("gcc")
        assert compiler is not None, "needs gcc"
        subprocess.run(
            [compiler, "-shared", "-fPIC", "-O1", "-o", str(self._library), str(_SOURCE), "-ldl"], check=True
        )

    @property
    def settings(self) -> dict[str, str]:
        return {"LD_PRELOAD": str(self._library), "DRILL_SHARED": str(self._shared)}

    def set(self, *, clock: int = 0, names_fail: bool = False, read_only: bool = False) -> None:
        """From now on, in all processes at once. Of files, it is those of SQLite that are read-only."""
        content = struct.pack("qqq", clock, names_fail, read_only)
        with self._shared.open("r+b" if self._shared.exists() else "wb") as shared:
            shared.write(content)
