"""Keys are in the memory of every process that serves: it is kept out of files, and away from other processes."""

from __future__ import annotations

import ctypes
import resource
import sys
from pathlib import Path

__all__ = ["protect_memory"]

_PR_SET_DUMPABLE = 4
_MCL_CURRENT, _MCL_FUTURE, _MCL_ONFAULT = 1, 2, 4
_CAP_IPC_LOCK = 14


def protect_memory() -> None:
    """No core dumps, no reading by other processes of the same user, and no swapping, each where the system allows it.

    For the process alone: what it starts has to do it again.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        libc.prctl(_PR_SET_DUMPABLE, 0)
        if _may_lock_any_amount():
            # Pages are locked when they come into being, so that nothing is taken that isn't used.
            libc.mlockall(_MCL_CURRENT | _MCL_FUTURE | _MCL_ONFAULT)


def _may_lock_any_amount() -> bool:
    """Under a limit the process would get no more memory at all once it is reached: then rather swap."""
    _, hard = resource.getrlimit(resource.RLIMIT_MEMLOCK)
    if hard == resource.RLIM_INFINITY:
        resource.setrlimit(resource.RLIMIT_MEMLOCK, (hard, hard))
        return True
    try:
        status = Path("/proc/self/status").read_bytes()
    except OSError:
        return False
    capabilities = next((line for line in status.splitlines() if line.startswith(b"CapEff:")), b"CapEff: 0")
    return bool(int(capabilities.split()[1], 16) >> _CAP_IPC_LOCK & 1)
