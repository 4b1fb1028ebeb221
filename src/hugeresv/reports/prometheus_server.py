"""Metrics over HTTP, until the process is told to end."""

import signal
import socket
import threading
from collections.abc import Callable, Iterable
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from prometheus_client import CollectorRegistry, make_wsgi_app

from hugeresv.errors import HugeresvError, InputError, UnavailableError
from hugeresv.reports.prometheus import HostCollector

LOOPBACK = "127.0.0.1"
_SLOWEST_CLIENT_SECONDS = 10
_ENDING = (signal.SIGTERM, signal.SIGINT)


def parse_address(text: str) -> tuple[str, int]:
    """`PORT`, `ADDRESS:PORT` or `[IPV6]:PORT`; loopback where there is no address. Raises InputError."""
    address, colon, port = text.rpartition(":")
    if not (port.isascii() and port.isdecimal() and int(port) < 1 << 16) or (colon and not address):
        raise InputError(f"expected PORT, ADDRESS:PORT or [IPV6]:PORT to listen on, found {text!r}")
    if address.startswith("[") and address.endswith("]"):
        address = address[1:-1]
    elif ":" in address:
        raise InputError(f"an IPv6 address stands in brackets: [{address}]:{port}")
    return address or LOOPBACK, int(port)


def serve(collector: HostCollector, address: str, port: int, ready: Callable[[str], None]) -> None:
    """Answer scrapes, each with a look at the host, until SIGTERM or SIGINT.

    `ready` is given the URL. Raises UnavailableError where the host cannot be looked at or listened on.
    """
    registry = CollectorRegistry(auto_describe=True)  # looks once
    registry.register(collector)
    with _listen(address, port) as server:
        server.set_app(_telling_errors(make_wsgi_app(registry)))
        host = f"[{address}]" if server.address_family == socket.AF_INET6 else address
        _until_told(server, lambda: ready(f"http://{host}:{server.server_port}/metrics"))


def _until_told(server: WSGIServer, ready: Callable[[], None]) -> None:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        ready()
        signal.sigwait(_ENDING)
    finally:
        server.shutdown()
        thread.join()
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class _Server(ThreadingMixIn, WSGIServer):
    """A thread for each client; those that still wait for an answer do not keep the process."""

    daemon_threads = True


class _Server6(_Server):
    address_family = socket.AF_INET6


class _Handler(WSGIRequestHandler):
    """Keeps no log, and gives up on clients that say nothing."""

    timeout = _SLOWEST_CLIENT_SECONDS

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name that its callers give it
        """Nothing: a scrape is not an event."""


def _listen(address: str, port: int) -> WSGIServer:
    try:
        family, *_, place = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        kind = _Server6 if family == socket.AF_INET6 else _Server
        return kind((str(place[0]), port), _Handler)
    except OSError as error:
        why = error.strerror or str(error)
        raise UnavailableError(f"cannot listen on {address} port {port}: {why}; choose another with --listen") from None


def _telling_errors(app: Callable[..., Iterable[bytes]]) -> Callable[..., Iterable[bytes]]:
    """The same, with 503 and the reason where the host cannot be looked at: for Prometheus the target then is down."""

    def told(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        try:
            return app(environ, start_response)
        except HugeresvError as error:
            start_response("503 Service Unavailable", [("Content-Type", "text/plain; charset=utf-8")])
            return [f"{error}\n".encode(errors="backslashreplace")]

    return told
