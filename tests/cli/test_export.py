"""`hugeresv export`: to a file, and over HTTP, by a process of its own."""

import http.client
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.cli.conftest import Hugeresv
from tests.sources.trees import add_process, make_host

BIN = Path(sys.executable).parent
RESERVED = 'hugeresv_pool_pages{pagesize="2097152",state="reserved"} 3.0\n'


@pytest.fixture
def host(tmp_path: Path) -> list[str]:
    """The options that lead to a captured host of one process, which has one page of four."""
    make_host(tmp_path / "host", nr=10, free=9, resv=3)
    add_process(tmp_path / "host", 7)
    return ["--proc", str(tmp_path / "host/proc"), "--sys", str(tmp_path / "host/sys")]


@contextmanager
def serving(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str, int]]:
    """A server with its address and port; it is killed if the test has not ended it."""
    ran = subprocess.Popen([BIN / "hugeresv", "export", *arguments], stderr=subprocess.PIPE, text=True)
    try:
        assert ran.stderr is not None
        url = urlsplit(ran.stderr.readline().split()[-1])
        assert url.hostname
        assert url.port
        assert url.path == "/metrics"
        yield ran, url.hostname, url.port
    finally:
        ran.kill()
        ran.communicate()


def scrape(address: str, port: int, path: str = "/metrics") -> tuple[int, str]:
    """Status and body."""
    connection = http.client.HTTPConnection(address, port, timeout=20)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def test_it_prints_the_host_that_it_is_shown(hugeresv: Hugeresv, host: list[str]) -> None:
    """The metrics are those of the host below --proc and --sys, with status 0 whatever its ledger says.

    Catches: another host's metrics, those of this Python, or the exit status of `hugeresv status`.
    """
    ran = hugeresv("export", *host)
    assert (ran.status, ran.err) == (0, "")
    assert RESERVED in ran.out
    labels = 'cgroup="/some",command="sleep",kind="private",name="anonymous",pagesize="2097152"'
    assert f"hugeresv_holder_reserved_pages{{{labels}}} 3.0\n" in ran.out
    assert all(line.startswith(("hugeresv_", "# HELP hugeresv_", "# TYPE hugeresv_")) for line in ran.out.splitlines())
    assert 'command="",kind="private",name="(others)"' in hugeresv("export", "--holders", "0", *host).out


def test_a_file_is_replaced_as_a_whole(hugeresv: Hugeresv, host: list[str], tmp_path: Path) -> None:
    """`-o` replaces the file in one step, readable by others, and leaves nothing else beside it.

    Catches: a collector that reads half a file, one that it may not read, or a second one left beside it.
    """
    folder = tmp_path / "textfile"
    folder.mkdir()
    file = folder / "hugeresv.prom"
    file.write_text("old\n")
    with file.open() as opened:
        before = os.umask(0o077)
        try:
            ran = hugeresv("export", "-o", file, *host)
        finally:
            os.umask(before)
        assert opened.read() == "old\n"
    assert (ran.status, ran.out, ran.err) == (0, "", "")
    assert RESERVED in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o644
    assert list(folder.iterdir()) == [file]


def test_a_file_that_cannot_be_replaced(hugeresv: Hugeresv, host: list[str], tmp_path: Path) -> None:
    """A directory, a FIFO and a place that does not exist are refused by name, with status 2.

    Catches: a traceback, what was half written left behind, or a file in the place of a pipe or a device.
    """
    folder = tmp_path / "textfile"
    (folder / "a.prom").mkdir(parents=True)
    pipe = folder / "c.prom"
    os.mkfifo(pipe)
    for path in (folder / "a.prom", folder / "none" / "b.prom", pipe):
        ran = hugeresv("export", "-o", path, *host)
        assert ran.status == 2
        assert f"cannot write {path}: " in ran.err
    assert sorted(folder.iterdir()) == [folder / "a.prom", pipe]
    assert pipe.is_fifo()


def test_a_host_without_huge_pages_leaves_the_file_alone(hugeresv: Hugeresv, tmp_path: Path) -> None:
    """Where there are no huge pages, nothing is written and the status is 3.

    Catches: an empty file, which reads as if nobody held anything.
    """
    file = tmp_path / "a.prom"
    for target in (["-o", str(file)], ["--listen", "0"], []):
        ran = hugeresv("export", *target, "--sys", tmp_path / "none")
        assert (ran.status, ran.out) == (3, "")
        assert "no huge pages here" in ran.err
    assert not file.exists()


def test_each_scrape_looks_anew_until_it_is_told_to_end(host: list[str]) -> None:
    """Every scrape reads the host again; SIGTERM ends the server and frees its port.

    Catches: the first look served for ever; a host that is gone served as if it were there; a port that stays taken.
    """
    counter = Path(host[3], "kernel/mm/hugepages/hugepages-2048kB/resv_hugepages")
    with serving("--listen", "0", *host) as (process, address, port):
        assert address == "127.0.0.1"
        assert RESERVED in scrape(address, port)[1]
        counter.write_text("5\n")
        assert RESERVED.replace("3.0", "5.0") in scrape(address, port)[1]
        assert set(series(scrape(address, port, "/metrics?name[]=hugeresv_pool_pages")[1])) == {"hugeresv_pool_pages"}
        counter.parent.rename(counter.parent.with_name("gone"))
        status, reason = scrape(address, port)
        assert status == 503
        assert "no huge pages here" in reason
        counter.parent.with_name("gone").rename(counter.parent)
        assert scrape(address, port)[0] == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
        with pytest.raises(ConnectionRefusedError):
            scrape(address, port)
        socket.create_server((address, port)).close()


def series(text: str) -> list[str]:
    """The metrics that have any."""
    return [line.partition("{")[0].partition(" ")[0] for line in text.splitlines() if not line.startswith("#")]


def test_a_client_that_says_nothing_holds_up_nobody(host: list[str]) -> None:
    """A connection without a request delays neither scrapes nor the end.

    Catches: one connection that stops all scrapes, and the end of the process.
    """
    with (
        serving("--listen", "0", *host) as (process, address, port),
        socket.create_connection((address, port)),
    ):
        assert RESERVED in scrape(address, port)[1]
        process.send_signal(signal.SIGINT)
        assert process.wait(5) == 0


def test_it_listens_where_it_is_told(host: list[str]) -> None:
    """`--listen [::1]:PORT` listens on IPv6. Catches: an address that is cut at its first colon."""
    with suppress(OSError):
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
        with serving("--listen", "[::1]:0", *host) as (_, address, port):
            assert address == "::1"
            assert RESERVED in scrape(address, port)[1]


def test_a_port_that_is_taken(hugeresv: Hugeresv, host: list[str]) -> None:
    """A port in use is told in one line that says what to do, with status 3. Catches: a traceback."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ran = hugeresv("export", "--listen", str(taken.getsockname()[1]), *host)
    assert ran.status == 3
    assert "Address already in use; choose another with --listen" in ran.err


def test_one_way_out(hugeresv: Hugeresv, tmp_path: Path) -> None:
    """The options that each choose an output exclude each other. Catches: a file that is never written."""
    ran = hugeresv("export", "--listen", "0", "-o", tmp_path / "x")
    assert (ran.status, ran.err) == (
        2,
        "hugeresv: error: --output, --listen, --print-rules, --print-dashboard and --print-unit exclude each other\n",
    )
