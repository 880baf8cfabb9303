"""System calls that never wait, made without letting go of the interpreter lock.

Python lets go of it around each call to the kernel, as the call might wait. One that doesn't wait takes a microsecond,
and to have the lock again, with other threads at work, a hundred: that is what turning somebody away would cost.
"""

from __future__ import annotations

import ctypes
import errno
import platform
import socket
import struct

__all__ = ["Receiver", "rearm", "send"]

_libc = ctypes.PyDLL(None, use_errno=True)
_recv, _send, _epoll_ctl = _libc.recv, _libc.send, _libc.epoll_ctl
_recv.argtypes = _send.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_int)
_recv.restype = _send.restype = ctypes.c_ssize_t
_epoll_ctl.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_char_p)

_EPOLL_CTL_MOD = 3
# `struct epoll_event`: the events, then a union of 8 bytes that holds the descriptor; packed on one architecture only.
_EVENT = struct.Struct("=Ii4x" if platform.machine() == "x86_64" else "=I4xi4x")


class Receiver:
    """`recv` into memory of its own, so by one thread at a time."""

    def __init__(self, size: int) -> None:
        self._memory = ctypes.create_string_buffer(size)

    def receive(self, sock: socket.socket, size: int, _flags: int = 0) -> bytes:
        """What has arrived; `size` may not be more than there is memory.

        Raises:
            BlockingIOError: nothing has.
            OSError: the connection is broken.
        """
        length = _recv(sock.fileno(), self._memory, size, socket.MSG_DONTWAIT)
        if length < 0:
            number = ctypes.get_errno()
            raise (BlockingIOError if number == errno.EAGAIN else OSError)(number, "recv")
        return ctypes.string_at(self._memory, length)


def send(sock: socket.socket, data: bytes) -> bool:
    """Whether all of it went into the kernel's buffer."""
    return bool(_send(sock.fileno(), data, len(data), socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL) == len(data))


def rearm(epoll: int, descriptor: int, events: int) -> None:
    """`epoll.modify`; nothing happens where the descriptor was closed in the meantime."""
    _epoll_ctl(epoll, _EPOLL_CTL_MOD, descriptor, _EVENT.pack(events & 0xFFFFFFFF, descriptor))
