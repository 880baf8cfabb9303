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
from typing import Any

__all__ = ["Receiver", "accept", "poll_event", "rearm", "register", "send"]

_libc = ctypes.PyDLL(None, use_errno=True)
_recv, _send, _epoll_ctl = _libc.recv, _libc.send, _libc.epoll_ctl
_recv.argtypes = _send.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_int)
_recv.restype = _send.restype = ctypes.c_ssize_t
_accept = _libc.accept4
_accept.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.POINTER(ctypes.c_uint32), ctypes.c_int)
_epoll_ctl.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_char_p)

_EPOLL_CTL_ADD, _EPOLL_CTL_MOD = 1, 3
# As plain numbers: to join two of the enumeration's members takes longer than to call the kernel.
_DONTWAIT, _QUIETLY = int(socket.MSG_DONTWAIT), int(socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)
# `struct epoll_event`: the events, then a union of 8 bytes that holds the descriptor; packed on one architecture only.
_EVENT = struct.Struct("=Ii4x" if platform.machine() == "x86_64" else "=I4xi4x")
# `struct sockaddr_in` and `sockaddr_in6` behind the family: the port in the order of the net, the address.
_ADDRESS_4, _ADDRESS_6 = struct.Struct("!2xH4s"), struct.Struct("!2xHI16s")
_SCOPE = struct.Struct("=24xI")
_MOST_OF_AN_ADDRESS = 128


def accept(listener: socket.socket) -> tuple[int, Any]:
    """As Python's, of a listener that doesn't wait: the descriptor, which waits, and the client's address.

    Raises:
        OSError: nobody is there, or there are no descriptors left.
    """
    address = ctypes.create_string_buffer(_MOST_OF_AN_ADDRESS)
    size = ctypes.c_uint32(_MOST_OF_AN_ADDRESS)
    descriptor = _accept(listener.fileno(), address, size, socket.SOCK_CLOEXEC)
    if descriptor < 0:
        raise OSError(ctypes.get_errno(), "accept")
    if listener.family == socket.AF_INET:
        port, host = _ADDRESS_4.unpack_from(address)
        return descriptor, (socket.inet_ntop(socket.AF_INET, host), port)
    if listener.family == socket.AF_INET6:
        port, flow, host = _ADDRESS_6.unpack_from(address)
        return descriptor, (socket.inet_ntop(socket.AF_INET6, host), port, flow, *_SCOPE.unpack_from(address))
    return descriptor, ""


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
        length = _recv(sock.fileno(), self._memory, size, _DONTWAIT)
        if length < 0:
            number = ctypes.get_errno()
            raise (BlockingIOError if number == errno.EAGAIN else OSError)(number, "recv")
        return ctypes.string_at(self._memory, length)


def send(sock: socket.socket, data: bytes) -> bool:
    """Whether all of it went into the kernel's buffer."""
    return bool(_send(sock.fileno(), data, len(data), _QUIETLY) == len(data))


def poll_event(descriptor: int, events: int) -> bytes:
    """The kernel's `struct epoll_event`, for `rearm`."""
    return _EVENT.pack(events & 0xFFFFFFFF, descriptor)


def register(epoll: int, descriptor: int, event: bytes) -> None:
    """`epoll.register`.

    Raises:
        OSError: the kernel can't.
    """
    if _epoll_ctl(epoll, _EPOLL_CTL_ADD, descriptor, event):
        raise OSError(ctypes.get_errno(), "epoll_ctl")


def rearm(epoll: int, descriptor: int, event: bytes) -> None:
    """`epoll.modify`; nothing happens where the descriptor was closed in the meantime."""
    _epoll_ctl(epoll, _EPOLL_CTL_MOD, descriptor, event)
