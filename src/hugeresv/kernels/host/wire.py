"""Messages between the tool, the guardian and the workers: values over a stream socket, descriptors beside them.

Both ends run the same interpreter, so values travel as `marshal` writes them, each behind its length.
"""

import marshal
import socket
import struct
from collections.abc import Sequence
from typing import Any

FILE = None
"""Stands for the descriptor of the file that comes with a call, among the call's arguments."""

_LENGTH = struct.Struct("=I")
_CHUNK_BYTES = 4096
_MOST_DESCRIPTORS = 2


class Channel:
    """One end of a conversation. A method raises EOFError when the other end is gone."""

    def __init__(self, end: socket.socket) -> None:
        self._socket = end
        self._limit = 0.0

    @classmethod
    def of_descriptor(cls, descriptor: int) -> "Channel":
        """The channel behind a descriptor, which it owns from here on."""
        return cls(socket.socket(fileno=descriptor))

    def fileno(self) -> int:
        """The descriptor, for poll(2)."""
        return self._socket.fileno()

    def send(self, value: Any, descriptors: Sequence[int] = ()) -> None:
        """Send a value of plain Python types, and copies of descriptors with it."""
        body = marshal.dumps(value)
        message = _LENGTH.pack(len(body)) + body
        try:
            if descriptors:
                sent = socket.send_fds(self._socket, [message], descriptors)
                message = message[sent:]
            self._socket.sendall(message)
        except (BrokenPipeError, ConnectionResetError):
            raise EOFError from None

    def receive(self) -> Any:
        """The next value. Raises TimeoutError when none has come within the time of `limit`."""
        return self._complete(self._part())

    def receive_with_descriptors(self) -> tuple[Any, list[int]]:
        """The next value and the descriptors that came with it (none, if the sender sent none)."""
        try:
            part, descriptors, _, _ = socket.recv_fds(self._socket, _CHUNK_BYTES, _MOST_DESCRIPTORS)
        except BlockingIOError:
            raise TimeoutError from None
        if not part:
            raise EOFError
        return self._complete(part), descriptors

    def limit(self, seconds: float) -> None:
        """How long a receive waits from now on for each part of a value, in seconds; 0 is for ever, as at first."""
        if seconds == self._limit:
            return
        self._limit = seconds
        timeval = struct.pack("ll", int(seconds), int(seconds % 1 * 1_000_000))
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, timeval)

    def close(self) -> None:
        """Close this end; the other end sees EOFError."""
        self._socket.close()

    def forget(self) -> None:
        """Let go of the descriptor without closing it: after a fork it is the other process's."""
        self._socket.detach()

    def _part(self) -> bytes:
        try:
            part = self._socket.recv(_CHUNK_BYTES)
        except BlockingIOError:
            raise TimeoutError from None
        except ConnectionResetError:
            raise EOFError from None
        if not part:
            raise EOFError
        return part

    def _complete(self, message: bytes) -> Any:
        while len(message) < _LENGTH.size:
            message += self._part()
        end = _LENGTH.size + _LENGTH.unpack_from(message)[0]
        if len(message) == end:
            return marshal.loads(message[_LENGTH.size :])
        parts = [message]
        missing = end - len(message)
        while missing:
            part = self._part()
            parts.append(part)
            missing -= len(part)
        return marshal.loads(b"".join(parts)[_LENGTH.size :])
