"""The server of `export --listen` with clients that are slow, silent, many, or gone."""

import http.client
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from email.message import Message

import pytest

from hugeresv.reports import patient_server
from hugeresv.reports.patient_server import PatientServer, Response


@dataclass
class Serving:
    """A server, and what it has told."""

    server: PatientServer
    complaints: list[str]
    bugs: list[Exception]
    answered: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    may_answer: threading.Event = field(default_factory=threading.Event)

    def connect(self) -> socket.socket:
        return socket.create_connection(self.server.server_address[:2], timeout=20)  # type: ignore[arg-type]

    def get(self, path: str = "/") -> tuple[int, bytes]:
        host, port = self.server.server_address[:2]
        connection = http.client.HTTPConnection(str(host), int(port), timeout=20)
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()


@contextmanager
def serving() -> Iterator[Serving]:
    """It answers the path that was asked for, `/slow` when it may, and `/bug` not at all."""

    def answer(path: str, headers: Message) -> Response:
        if path == "/slow":
            found.answered.release()
            assert found.may_answer.wait(20)
        if path == "/bug":
            raise ValueError("ours")
        return Response(200, [], path.encode())

    complaints: list[str] = []
    bugs: list[Exception] = []
    server = PatientServer(socket.AF_INET, ("127.0.0.1", 0), answer, complaints.append, bugs.append)
    found = Serving(server, complaints, bugs)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        with server:
            yield found
    finally:
        found.may_answer.set()
        server.shutdown()
        thread.join()


def is_hung_up(client: socket.socket) -> bool:
    """Whether the server ends the connection without an answer; waits for it."""
    try:
        return client.recv(100) == b""
    except ConnectionResetError:
        return True


def test_who_drips_is_dropped(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    """A request has a time as a whole. Catches: a time-out that each byte begins anew; a traceback for each client."""
    monkeypatch.setattr(patient_server, "SECONDS_TO_ASK", 0.2)
    with serving() as found, ExitStack() as stack:
        clients = [stack.enter_context(found.connect()) for _ in range(5)]
        ended = threading.Event()

        def drip() -> None:
            while not ended.wait(0.02):
                for client in clients:
                    try:
                        client.sendall(b"G")
                    except OSError:
                        continue

        dripping = threading.Thread(target=drip)
        dripping.start()
        assert all(is_hung_up(client) for client in clients)
        ended.set()
        dripping.join()
        assert found.get("/x") == (200, b"/x")
        assert len(found.complaints) == 1
        assert found.bugs == []
    assert capfd.readouterr() == ("", "")


def test_where_there_are_too_many_the_oldest_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Silent clients take no place from one that asks. Catches: no limit, or one that shuts out Prometheus."""
    monkeypatch.setattr(patient_server, "MOST_CONNECTIONS", 4)
    monkeypatch.setattr(patient_server, "SECONDS_TO_ASK", 600.0)
    with serving() as found, ExitStack() as stack:
        silent = [stack.enter_context(found.connect()) for _ in range(10)]
        assert found.get("/x") == (200, b"/x")
        assert all(is_hung_up(client) for client in silent[:7])
        assert len(found.complaints) == 1
        silent[9].sendall(b"GET /late HTTP/1.0\r\n\r\n")
        assert silent[9].recv(12) == b"HTTP/1.0 200"


def test_who_waits_for_an_answer_is_not_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where all places are taken by scrapes, one more is refused. Catches: a scrape that is cut off by the next."""
    monkeypatch.setattr(patient_server, "MOST_CONNECTIONS", 2)
    with serving() as found, ExitStack() as stack:
        asking = [stack.enter_context(found.connect()) for _ in range(2)]
        for client in asking:
            client.sendall(b"GET /slow HTTP/1.0\r\n\r\n")
            assert found.answered.acquire(timeout=20)
        assert is_hung_up(stack.enter_context(found.connect()))
        found.may_answer.set()
        assert all(client.recv(12) == b"HTTP/1.0 200" for client in asking)


def test_a_request_without_an_end_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """A request with an endless header is hung up on. Catches: a client that fills the memory with one header."""
    monkeypatch.setattr(patient_server, "SECONDS_TO_ASK", 20.0)
    with serving() as found, found.connect() as client:
        client.sendall(b"GET / HTTP/1.0\r\nX: " + b"a" * (1 << 15))
        assert is_hung_up(client)


def test_a_bug_of_ours_is_told_as_one(capfd: pytest.CaptureFixture[str]) -> None:
    """An exception of ours ends that request and is kept; the next request is answered.

    Catches: an exception of ours that passes for a client's, or that ends the server.
    """
    with serving() as found:
        with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
            found.get("/bug")
        assert found.get("/x") == (200, b"/x")
        assert [str(bug) for bug in found.bugs] == ["ours"]
        assert found.complaints == []
    assert capfd.readouterr() == ("", "")
