"""Processes of a drill whose clock jumps and whose names stop resolving; see preload.c."""

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
        self.set(clock=0, names_fail=False)
        compiler = shutil.which("gcc")
        assert compiler is not None, "needs gcc"
        subprocess.run(
            [compiler, "-shared", "-fPIC", "-O1", "-o", str(self._library), str(_SOURCE), "-ldl"], check=True
        )

    @property
    def settings(self) -> dict[str, str]:
        return {"LD_PRELOAD": str(self._library), "DRILL_SHARED": str(self._shared)}

    def set(self, *, clock: int = 0, names_fail: bool = False) -> None:
        """From now on, in all processes at once."""
        content = struct.pack("qq", clock, int(names_fail))
        with self._shared.open("r+b" if self._shared.exists() else "wb") as shared:
            shared.write(content)
