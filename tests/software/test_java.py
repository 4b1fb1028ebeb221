"""Java virtual machines, whose heap and compiled code are in huge pages."""

import shutil
import subprocess
from pathlib import Path

import pytest

from hugeresv.kernels.host.kernel import HostKernel
from tests.kernels.conftest import pool
from tests.software.program import counted, fits, holders_of, names_of, running

HEAP_PAGES, CODE_PAGES = 16, 8
READY = "Listening for transport"
"""A debugger is waited for, once heap and code cache are there."""

SIZES = [f"-Xms{2 * HEAP_PAGES}M", f"-Xmx{2 * HEAP_PAGES}M", f"-XX:ReservedCodeCacheSize={2 * CODE_PAGES}M"]
DEBUGGER = "-agentlib:jdwp=transport=dt_socket,server=y,suspend=y,address=127.0.0.1:0"


def java(*options: str) -> list[str]:
    """A machine that waits, with huge pages, if the one that is installed knows the options."""
    program = shutil.which("java")
    if program is None:
        pytest.skip("needs a Java virtual machine that is installed already")
    command = [program, "-XX:+UseLargePages", *options, *SIZES]
    tried = subprocess.run([*command, "-version"], capture_output=True, text=True, check=False)
    if "Unrecognized VM option" in tried.stderr:
        pytest.skip(f"this Java has no {' '.join(options)}")
    return [*command, DEBUGGER, "-version"]


@pytest.mark.parametrize(
    ("options", "sizes"),
    [
        (["-XX:+UseSerialGC"], {"private": [HEAP_PAGES, CODE_PAGES]}),
        (["-XX:+UseG1GC"], {"private": [HEAP_PAGES, CODE_PAGES]}),
        (["-XX:+UseZGC"], {"memfd": [HEAP_PAGES], "private": [CODE_PAGES]}),
        (["-XX:+UseSerialGC", "-XX:+UseSHM"], {"sysv": [HEAP_PAGES]}),
    ],
    ids=" ".join,
)
def test_heap_and_code(host: HostKernel, cgroup: Path, options: list[str], sizes: dict[str, list[int]]) -> None:
    """Heap and code are holders of the sizes that were asked for, each an exact number.

    Catches: a heap that ZGC maps at several addresses counted as often; a segment that remains an estimate.
    """
    with host.start(pool(HEAP_PAGES + CODE_PAGES)), running(java(*options), READY, cgroup) as machine:
        assert machine.ready, machine.said
        held: dict[str, list[int]] = {}
        for holder in holders_of(machine):
            held.setdefault(holder["kind"], []).append(holder["reserved_pages"] + holder["used_pages"])
            assert names_of(holder) == {("java", "root")}
        assert {kind: sorted(each, reverse=True) for kind, each in held.items()} == sizes


@pytest.mark.parametrize("missing", [0, 1])
def test_a_pool_for_a_machine(host: HostKernel, cgroup: Path, missing: int) -> None:
    """Of several mappings the last finds a pool that is too small, and fit, asked for all, says so beforehand.

    Catches: an answer for each mapping alone, which would fit.
    """
    command = java("-XX:+UseSerialGC")
    with host.start(pool(HEAP_PAGES + CODE_PAGES - missing)):
        foretold = fits(f"{CODE_PAGES}p", f"{HEAP_PAGES}p", "--private", "--cgroup", str(cgroup))
        with running(command, READY, cgroup):
            has_all = sum(counted()) == HEAP_PAGES + CODE_PAGES
            assert has_all == foretold == (not missing)
