"""A long secret in frames: sealed one after the other, opened in that order or not at all.

This is libsodium's secretstream (XChaCha20-Poly1305). A frame opens only behind the very frames that were sealed
before it, so none can be changed, left out, repeated or moved. The last one is marked, so that a cut stream can't pass
for a whole one. The preamble, whatever stands before the frames in clear, is bound to the first of them.
"""

from __future__ import annotations

import os

from nacl.bindings import (
    crypto_secretstream_xchacha20poly1305_ABYTES,
    crypto_secretstream_xchacha20poly1305_HEADERBYTES,
    crypto_secretstream_xchacha20poly1305_init_pull,
    crypto_secretstream_xchacha20poly1305_init_push,
    crypto_secretstream_xchacha20poly1305_pull,
    crypto_secretstream_xchacha20poly1305_push,
    crypto_secretstream_xchacha20poly1305_state,
)
from nacl.bindings import (
    crypto_secretstream_xchacha20poly1305_TAG_FINAL as TAG_FINAL,
)
from nacl.bindings import (
    crypto_secretstream_xchacha20poly1305_TAG_MESSAGE as TAG_MESSAGE,
)
from nacl.exceptions import CryptoError as SodiumError

from .envelope import KEY_BYTES
from .errors import IntegrityFailure

__all__ = ["FRAME_OVERHEAD", "STREAM_HEADER_BYTES", "StreamOpener", "StreamSealer", "new_stream_key"]

STREAM_HEADER_BYTES: int = crypto_secretstream_xchacha20poly1305_HEADERBYTES
FRAME_OVERHEAD: int = crypto_secretstream_xchacha20poly1305_ABYTES


def new_stream_key() -> bytes:
    return os.urandom(KEY_BYTES)


class StreamSealer:
    """Seals the frames of one stream. `header` has to stand before them. A key seals one stream only."""

    def __init__(self, key: bytes, *, preamble: bytes) -> None:
        self._state = crypto_secretstream_xchacha20poly1305_state()
        self._preamble: bytes | None = preamble
        self.header: bytes = crypto_secretstream_xchacha20poly1305_init_push(self._state, key)

    def seal(self, plaintext: bytes, *, final: bool = False) -> bytes:
        """The next frame; behind the final one there is none."""
        tag = TAG_FINAL if final else TAG_MESSAGE
        preamble, self._preamble = self._preamble, None
        return crypto_secretstream_xchacha20poly1305_push(self._state, plaintext, preamble, tag)


class StreamOpener:
    """Opens the frames of one stream."""

    def __init__(self, key: bytes, *, header: bytes, preamble: bytes) -> None:
        self._state = crypto_secretstream_xchacha20poly1305_state()
        self._preamble: bytes | None = preamble
        crypto_secretstream_xchacha20poly1305_init_pull(self._state, header, key)

    def open(self, frame: bytes) -> tuple[bytes, bool]:
        """What the next frame holds, and whether it is the last.

        Raises:
            IntegrityFailure: it is not the very frame, or the first one not behind the very preamble, that was sealed.
        """
        preamble, self._preamble = self._preamble, None
        try:
            plaintext, tag = crypto_secretstream_xchacha20poly1305_pull(self._state, frame, preamble)
        except SodiumError as error:
            raise IntegrityFailure("a frame does not open at its place in the stream") from error
        return plaintext, tag == TAG_FINAL
