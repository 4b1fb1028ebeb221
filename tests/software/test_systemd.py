"""The units that are shipped, under a systemd of their own: hardened as they are, they see what others hold."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import hugeresv
from hugeresv.kernels.host.kernel import HostKernel
from hugeresv.sources.proc.mountinfo import read_mountinfo
from tests.kernels.conftest import pool

SYSTEMD = Path("/lib/systemd/systemd")
SECONDS = 60
UNITS = ("hugeresv-export.service", "hugeresv-textfile.service", "hugeresv-textfile.timer")
TARGETS = ("all", "sysinit", "basic", "shutdown", "network-online", "multi-user", "timers")
COLLECTED = Path("/var/lib/prometheus/node-exporter")

HOLDERS = {
    "descriptor": """
import mmap, os, time
descriptor = os.memfd_create("seg", 4 | 21 << 26)
os.ftruncate(descriptor, 4 << 20)
held = mmap.mmap(descriptor, 4 << 20)
held[0] = 1
held.close()
time.sleep(1000)
""",
    "segment": """
import ctypes, time
libc = ctypes.CDLL(None)
assert libc.unshare(0x08000000) == 0
libc.shmat.restype = ctypes.c_void_p
ctypes.memset(libc.shmat(libc.shmget(0, ctypes.c_size_t(4 << 20), 0o5600), None, 0), 1, 1)
time.sleep(1000)
""",
    "file": """
import ctypes, os, time
libc = ctypes.CDLL(None)
assert libc.unshare(0x20000) == 0
assert libc.mount(None, b"/", None, 0x44000, None) == 0
assert libc.mount(b"none", b"/var/tmp", b"hugetlbfs", 0, b"mode=700") == 0
os.posix_fallocate(os.open("/var/tmp/pod", os.O_CREAT | os.O_RDWR), 0, 6 << 20)
time.sleep(1000)
""",
}
HELD = {("memfd", 1, 1), ("sysv", 1, 1), ("file", 0, 3)}
"""Kinds, reserved and used pages."""

BOOT = """
set -e
mount --make-rprivate /
mount -t proc proc /proc
umount -l /sys/fs/cgroup
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t tmpfs tmpfs /mnt
mkdir /mnt/source /mnt/environment
cp -r {units} /mnt/units
chmod -R a+rX /mnt/units
mount --bind {source} /mnt/source
mount --bind {environment} /mnt/environment
for place in /tmp /run /var/tmp /var/log /var/lib; do mount -t tmpfs -o mode=1777 tmpfs $place; done
mkdir -p {collected} /run/systemd/system
mount -o remount,bind,ro /
exec env -i container=test PATH=/usr/sbin:/usr/bin SYSTEMD_UNIT_PATH=/mnt/units SYSTEMD_GENERATOR_PATH=/nowhere \\
  {systemd} --system --unit=all.target --log-target=console
"""
"""A systemd without any unit of this machine, which sees none of its processes and can write to none of its files."""

pytestmark = pytest.mark.skipif(not SYSTEMD.exists() or not shutil.which("unshare"), reason="needs systemd and unshare")


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def write_units(folder: Path, port: int) -> None:
    """The shipped units, where this Python and this source are in that systemd; holders; and empty targets."""
    environment = "Environment=PYTHONPATH=/mnt/source"
    for unit in UNITS:
        command = [sys.executable, "-m", "hugeresv", "export", "--print-unit", unit]
        text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        text = text.replace(sys.prefix, "/mnt/environment").replace("127.0.0.1:9879", f"127.0.0.1:{port}")
        (folder / unit).write_text(text.replace("[Service]", f"[Service]\n{environment}"))
    for name, program in HOLDERS.items():
        (folder / f"{name}.py").write_text(program)
        user = "User=65534" if name == "descriptor" else ""
        service = f"[Service]\n{user}\nExecStart=/mnt/environment/bin/python /mnt/units/{name}.py\n"
        (folder / f"{name}.service").write_text(f"[Unit]\nDefaultDependencies=no\n{service}")
    for target in TARGETS:
        (folder / f"{target}.target").write_text("[Unit]\nDefaultDependencies=no\n")
    wanted = " ".join(["hugeresv-export.service", *(f"{name}.service" for name in HOLDERS)])
    (folder / "all.target").write_text(f"[Unit]\nDefaultDependencies=no\nWants={wanted}\n")


@contextmanager
def booted(folder: Path) -> Iterator[int]:
    """That systemd: the number of its process. It ends with all its services."""
    places = {
        "units": folder,
        "source": Path(hugeresv.__file__).parents[1],
        "environment": sys.prefix,
        "collected": COLLECTED,
        "systemd": SYSTEMD,
    }
    hierarchy = next((each.path for each in read_mountinfo("/proc/self/mountinfo", "cgroup2")), None)
    if hierarchy is None:
        pytest.skip("needs a mounted cgroup2")
    cgroup = Path(hierarchy, f"hugeresv-systemd-{os.getpid()}")
    cgroup.mkdir()
    words = ["unshare", "--pid", "--mount", "--uts", "--cgroup", "--fork", "--kill-child", "sh", "-c"]
    script = 'echo $$ >"$0/cgroup.procs" && exec "$@"'
    command = ["sh", "-c", script, str(cgroup), *words, BOOT.format_map(places)]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        try:
            yield _child(process.pid)
        finally:
            process.kill()
            process.wait()
            _remove(cgroup)


def _child(pid: int) -> int:
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        if children:
            return int(children[0])
        time.sleep(0.05)
    raise AssertionError("systemd was not started")


def _remove(cgroup: Path) -> None:
    """With all below it, once its processes have ended."""
    end = time.monotonic() + SECONDS
    while "populated 1" in (cgroup / "cgroup.events").read_text():
        assert time.monotonic() < end, "systemd does not end"
        time.sleep(0.05)
    for folder in sorted((each for each in cgroup.rglob("*") if each.is_dir()), reverse=True):
        folder.rmdir()
    cgroup.rmdir()


def held_in(metrics: str) -> set[tuple[str, int, int]]:
    """Kinds, reserved and used pages of the holders."""
    found: dict[str, dict[str, int]] = {}
    series = r'^hugeresv_holder_(\w+)_pages{.*kind="([\w-]+)".*} (\d+)'
    for state, kind, pages in re.findall(series, metrics, re.MULTILINE):
        found.setdefault(kind, {})[state] = int(pages)
    return {(kind, pages["reserved"], pages["used"]) for kind, pages in found.items()}


def test_the_units_see_what_others_hold(host: HostKernel, tmp_path: Path) -> None:
    """A descriptor of another user, a segment of another IPC namespace, and a file on a mount that is closed to others.

    Catches: a capability, a system call or a path that the hardening takes away and the exporter needs.
    """
    port = free_port()
    write_units(tmp_path, port)
    metrics = ""
    with host.start(pool(16)), booted(tmp_path) as systemd:
        end = time.monotonic() + SECONDS
        while held_in(metrics) != HELD:
            assert time.monotonic() < end, (held_in(metrics), (tmp_path / "log").read_text())
            time.sleep(0.2)
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
                    metrics = answer.read().decode()
            except OSError:
                continue
        assert not re.findall(r"^hugeresv_unexplained_pages{.*} [^0].*", metrics, re.MULTILINE)
        inside = ["nsenter", "-t", str(systemd), "--pid", "--mount", "--cgroup"]
        subprocess.run([*inside, "systemctl", "start", "hugeresv-textfile.service"], check=True)
        collected = subprocess.run(
            [*inside, "cat", str(COLLECTED / "hugeresv.prom")], capture_output=True, text=True, check=True
        )
        assert held_in(collected.stdout) == HELD
        subprocess.run([*inside, "systemctl", "start", "hugeresv-textfile.timer"], check=True)
        timer = [*inside, "systemctl", "show", "--property=Result,ActiveState", "hugeresv-textfile.timer"]
        shown = subprocess.run(timer, capture_output=True, text=True, check=True).stdout
        assert set(shown.split()) == {"Result=success", "ActiveState=active"}
