"""A program that somebody else wrote, while it has huge pages, and what the kernel counts of it.

What is expected of `hugeresv` comes from the kernel: the pool's counters, its cgroup's, and smaps.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Timer
from typing import Any, NamedTuple

from tests.conftest import PAGE_SIZE_KB, SYSFS

NOBODY = 65534
PAGE = PAGE_SIZE_KB << 10

_HANGS_AFTER_SECONDS = 60
_LOOKS = 10
_INTO_CGROUP = 'echo $$ >"$0/cgroup.procs" && exec "$@"'


def as_nobody(*command: str) -> list[str]:
    """The command, as an ordinary user."""
    return ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", *command]


@dataclass(frozen=True, slots=True)
class Program:
    """One that was started. `ready`: it said that it is; else it has ended. `said`: all until then."""

    pid: int
    cgroup: Path
    ready: bool
    said: str

    @property
    def pids(self) -> set[int]:
        """It and its children."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text()
        return {self.pid, *map(int, children.split())}


@contextmanager
def running(command: Sequence[str], ready: str, cgroup: Path) -> Iterator[Program]:
    """Start it in a cgroup, and wait until a line says that it is ready, or until it ends; then end it."""
    words = ["sh", "-c", _INTO_CGROUP, str(cgroup), *command]
    pipe = subprocess.PIPE
    with subprocess.Popen(words, stdin=pipe, stdout=pipe, stderr=subprocess.STDOUT, text=True, cwd="/") as process:
        assert process.stdout is not None
        hangs = Timer(_HANGS_AFTER_SECONDS, process.kill)
        hangs.start()
        said: list[str] = []
        try:
            for line in process.stdout:
                said.append(line)
                if ready in line:
                    break
            is_ready = bool(said) and ready in said[-1]
            yield Program(process.pid, cgroup, is_ready, "".join(said))
        finally:
            process.terminate()
            process.communicate()
            hangs.cancel()


class Count(NamedTuple):
    """Pages as the kernel counts them."""

    reserved: int
    used: int


def counted() -> Count:
    """By the pool."""
    total, free, rsvd = (int(Path(SYSFS, f"{name}_hugepages").read_text()) for name in ("nr", "free", "resv"))
    return Count(rsvd, total - free)


def charged(cgroup: Path) -> Count:
    """By a cgroup, whose `rsvd` stays charged when a page is used."""
    both, used = (int((cgroup / f"hugetlb.2MB.{name}").read_text()) // PAGE for name in ("rsvd.current", "current"))
    return Count(both - used, used)


def mapped(pid: int) -> int:
    """Huge pages in a process's smaps."""
    sizes = re.findall(r"(?:Shared|Private)_Hugetlb: +(\d+) kB", Path(f"/proc/{pid}/smaps").read_text())
    return sum(map(int, sizes)) // PAGE_SIZE_KB


def hugeresv(*arguments: str) -> tuple[int, dict[str, Any]]:
    """Its exit status, and its JSON."""
    words = [sys.executable, "-m", "hugeresv", *arguments, "--json"]
    done = subprocess.run(words, stdout=subprocess.PIPE, check=False)
    return done.returncode, json.loads(done.stdout)


def fits(*arguments: str) -> bool:
    """Whether `hugeresv fit` says so."""
    status, told = hugeresv("fit", *arguments)
    assert status == (0 if told["fits"] else 1)
    return status == 0


def holders_of(program: Program) -> list[dict[str, Any]]:
    """What `hugeresv status` shows: the program alone, with exact numbers that are the kernel's, and nothing wrong.

    Background processes may take a page while it is looked: then it is looked again.
    """
    for _ in range(_LOOKS):
        before = counted()
        status, told = hugeresv("status", "--size", f"{PAGE_SIZE_KB}kB")
        if counted() == before:
            break
    else:
        raise AssertionError("the counters never stood still")
    holders: list[dict[str, Any]] = told["holders"]
    assert (status, told["warnings"], told["steady"]) == (0, [], True)
    (rest,) = told["unexplained"]
    assert {rest[name] for name in rest if name != "page_size_kB"} == {0}
    for holder in holders:
        for number in ("reserved_pages", "used_pages"):
            assert holder[number] == holder[f"{number}_min"] == holder[f"{number}_max"], holder
        assert {process["pid"] for process in holder["processes"]} <= program.pids
        assert program.cgroup.as_posix().endswith(holder["cgroup"])
        assert holder["cgroup"] != "/"
    held = Count(sum(each["reserved_pages"] for each in holders), sum(each["used_pages"] for each in holders))
    assert held == before == charged(program.cgroup)
    in_smaps = [mapped(pid) for pid in program.pids]
    assert max(in_smaps) <= held.used <= sum(in_smaps)
    return holders


def names_of(holder: dict[str, Any]) -> set[tuple[str, str]]:
    """The programs, without their directories, and the users that a row names."""
    return {(Path(each["command"].split()[0].rstrip(":")).name, each["user"]) for each in holder["processes"]}
