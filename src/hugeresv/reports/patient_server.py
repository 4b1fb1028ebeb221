"""A small HTTP server that no client holds up: connections, the time and size of a request, and its log have bounds."""

import io
import socket
import sys
import threading
import time
from collections.abc import Callable
from email.message import Message
from http.server import BaseHTTPRequestHandler
from socketserver import TCPServer, ThreadingMixIn
from typing import Any, NamedTuple

from hugeresv.plain import count_of

MOST_CONNECTIONS = 64
SECONDS_TO_ASK = 5.0
"""In which all of a request must have arrived, however its parts come."""
_SECONDS_TO_LISTEN = 10.0
"""In which a client must have taken all of the answer."""
_LONGEST_REQUEST = 1 << 14
_SECONDS_BETWEEN_LINES = 60.0


class Response(NamedTuple):
    """What a client gets."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


Application = Callable[[str, Message], Response]
"""The answer to a GET, by its path with the query, and its headers."""


class PatientServer(ThreadingMixIn, TCPServer):
    """A thread for each client; none of them keeps the process from ending.

    Where there are too many clients, the one goes that has not asked for longest. `complain` is given a line about
    clients that were dropped, once a minute at most; `on_bug` an exception that is not the client's doing.
    """

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self,
        family: socket.AddressFamily,
        place: tuple[str, int],
        application: Application,
        complain: Callable[[str], None],
        on_bug: Callable[[Exception], None],
    ) -> None:
        self.address_family = family
        self.application = application
        self._complain = complain
        self._on_bug = on_bug
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._asking: dict[socket.socket, None] = {}
        self._dropped = 0
        self._told = float("-inf")
        super().__init__(place, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Give the client a thread if there is room, or if room can be made."""
        with self._lock:
            full = len(self._open) >= MOST_CONNECTIONS
            longest = next(iter(self._asking), None) if full else None
            admitted = not full or longest is not None
            if longest is not None:
                del self._asking[longest]
                _hang_up(longest)
            if admitted:
                self._open.add(request)
                self._asking[request] = None
        if full:
            self.drop()
        if admitted:
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def has_asked(self, request: socket.socket) -> bool:
        """Note that all of a request is there; False where its client has been dropped meanwhile."""
        with self._lock:
            asked = request in self._asking
            self._asking.pop(request, None)
            return asked

    def shutdown_request(self, request: Any) -> None:
        """The client's end."""
        with self._lock:
            self._open.discard(request)
            self._asking.pop(request, None)
        super().shutdown_request(request)

    def drop(self) -> None:
        """Count a client that got no answer."""
        with self._lock:
            self._dropped += 1
            now = time.monotonic()
            if now < self._told + _SECONDS_BETWEEN_LINES:
                return
            dropped, self._dropped, self._told = self._dropped, 0, now
        clients = count_of(dropped, "client")
        self._complain(
            f"{clients} got no answer: they did not ask or listen for {SECONDS_TO_ASK:g} s, or there were more than "
            f"{MOST_CONNECTIONS} at once"
        )

    def handle_error(self, request: Any, client_address: Any) -> None:
        """No traceback for what a client does."""
        error = sys.exception()
        if isinstance(error, OSError):
            self.drop()
        elif isinstance(error, Exception):
            self._on_bug(error)


class _Handler(BaseHTTPRequestHandler):
    """One request: what it asks is read as a whole, in a bounded time, before it is looked at. There is no log."""

    server: PatientServer

    def setup(self) -> None:
        super().setup()
        request = _read_request(self.connection)
        if not self.server.has_asked(self.connection):
            request = b""
        elif not request:
            self.server.drop()
        self.rfile = io.BytesIO(request)
        self.connection.settimeout(_SECONDS_TO_LISTEN)

    def do_GET(self) -> None:
        """Of any path: who serves what is the application's business."""
        answer = self.server.application(self.path, self.headers)
        self.send_response(answer.status)
        for name, value in (*answer.headers, ("Content-Length", str(len(answer.body)))):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer.body)

    def version_string(self) -> str:
        """Who serves."""
        return "hugeresv"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name that its callers give it
        """Nothing: a scrape is not an event."""


def _read_request(connection: socket.socket) -> bytes:
    """A request's line and headers; empty where they do not come in time, or are too long."""
    end = time.monotonic() + SECONDS_TO_ASK
    request = b""
    while b"\r\n\r\n" not in request and b"\n\n" not in request:
        left = end - time.monotonic()
        if left <= 0 or len(request) > _LONGEST_REQUEST:
            return b""
        connection.settimeout(left)
        try:
            part = connection.recv(4096)
        except OSError:
            return b""
        if not part:
            return b""
        request += part
    return request


def _hang_up(connection: socket.socket) -> None:
    """Wake the thread that waits for the client."""
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # the client has gone by itself
