"""Metrics over HTTP, until the process is told to end."""

import signal
import socket
import threading
from collections.abc import Callable
from email.message import Message

from prometheus_client import CollectorRegistry, make_wsgi_app

from hugeresv.errors import HugeresvError, InputError, UnavailableError
from hugeresv.reports.patient_server import Application, PatientServer, Response
from hugeresv.reports.prometheus import HostCollector

LOOPBACK = "127.0.0.1"
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


def serve(
    collector: HostCollector,
    address: str,
    port: int,
    ready: Callable[[str], None],
    complain: Callable[[str], None],
    on_bug: Callable[[Exception], None],
) -> None:
    """Answer scrapes, each with a look at the host, until SIGTERM or SIGINT.

    `ready` is given the URL, `complain` and `on_bug` as PatientServer says. Raises UnavailableError where the host
    cannot be looked at or listened on.
    """
    registry = CollectorRegistry(auto_describe=True)  # looks once
    registry.register(collector)
    try:
        family, *_, place = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        server = PatientServer(family, (str(place[0]), port), _metrics(registry), complain, on_bug)
    except OSError as error:
        why = error.strerror or str(error)
        raise UnavailableError(f"cannot listen on {address} port {port}: {why}; choose another with --listen") from None
    with server:
        host = f"[{address}]" if family == socket.AF_INET6 else address
        _until_told(server, lambda: ready(f"http://{host}:{server.server_address[1]}/metrics"))


def _until_told(server: PatientServer, ready: Callable[[], None]) -> None:
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


def _metrics(registry: CollectorRegistry) -> Application:
    """The metrics; 503 and the reason where the host cannot be looked at: for Prometheus the target then is down."""
    app = make_wsgi_app(registry)

    def answer(path: str, headers: Message) -> Response:
        path, _, query = path.partition("?")
        environ = {
            "REQUEST_METHOD": "GET",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "HTTP_ACCEPT": headers.get("Accept", ""),
            "HTTP_ACCEPT_ENCODING": headers.get("Accept-Encoding", ""),
        }
        begun: list[tuple[str, list[tuple[str, str]]]] = []
        try:
            body = b"".join(app(environ, lambda status, fields: begun.append((status, fields))))
        except HugeresvError as error:
            plain = ("Content-Type", "text/plain; charset=utf-8")
            return Response(503, [plain], f"{error}\n".encode(errors="backslashreplace"))
        ((status, fields),) = begun
        return Response(int(status.partition(" ")[0]), fields, body)

    return answer
